-- Questions of any graph: what each of them takes, where its claim is taken, and what
-- people found out about an action that was cut off.
ALTER TABLE requests
  -- whether the tool itself claims its grant; else it is claimed when the graph resumes
  ADD COLUMN guarded boolean NOT NULL DEFAULT true,
  ADD COLUMN takes text[],                      -- verdicts; null: the graph takes any
  ADD COLUMN headline text NOT NULL DEFAULT '', -- the argument that is shown first
  ADD COLUMN form text,                         -- JSON schema of the answer
  ADD COLUMN answer text,                       -- canonical JSON, of a graph's question
  ADD COLUMN refused_answer text,               -- one that was taken back
  ADD COLUMN graph_version text NOT NULL DEFAULT '',
  ADD COLUMN message_id bigint REFERENCES messages,  -- whose turn it was
  ADD COLUMN marked text NOT NULL DEFAULT '' CHECK (
    marked IN ('', 'done', 'not_done', 'again')),
  ADD COLUMN marked_by text NOT NULL DEFAULT '',
  ADD COLUMN marked_at timestamptz;

-- As `stored_requests`, with the columns of this version.
CREATE VIEW asked_requests AS
SELECT r.*, bot_now() AS now,
  (SELECT g.state FROM grants g WHERE g.request_id = r.id) AS execution,
  (SELECT ARRAY[COALESCE(d.posted_channel, d.channel_id), d.message_ts]
   FROM deliveries d WHERE d.id = r.card_id) AS card,
  ARRAY(SELECT to_jsonb(s) FROM stages s
    WHERE s.request_id = r.id ORDER BY s.position) AS stages,
  ARRAY(SELECT to_jsonb(x) FROM decisions x
    WHERE x.request_id = r.id ORDER BY x.id) AS decisions,
  ARRAY(SELECT to_jsonb(k) FROM comments k
    WHERE k.request_id = r.id ORDER BY k.id) AS comments,
  ARRAY(SELECT jsonb_build_array(COALESCE(d.posted_channel, d.channel_id), d.message_ts)
    FROM request_messages m JOIN deliveries d ON d.id = m.delivery_id
    WHERE m.request_id = r.id AND d.message_ts IS NOT NULL) AS places
FROM requests r;
