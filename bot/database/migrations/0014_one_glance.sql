-- What a card says at one glance. Columns with defaults, so that replicas of the version
-- before go on while this one comes up.
ALTER TABLE requests
  -- the headline's words and, in braces, the arguments that it names: by the policy's
  -- rule, and by the tool itself; '' for none
  ADD COLUMN title text NOT NULL DEFAULT '',
  ADD COLUMN tool_title text NOT NULL DEFAULT '',
  ADD COLUMN risk text NOT NULL DEFAULT 'normal' CHECK (
    risk IN ('low', 'normal', 'high')),
  ADD COLUMN asks_reason boolean NOT NULL DEFAULT false;  -- of whoever rejects

-- `timed_requests` with the new columns, and the channel in which it was asked.
CREATE VIEW titled_requests AS
SELECT r.*, bot_now() AS now,
  (SELECT c.channel_id FROM conversations c WHERE c.id = r.conversation_id) AS asked_in,
  (SELECT g.state FROM grants g WHERE g.request_id = r.id) AS execution,
  (SELECT ARRAY[COALESCE(d.posted_channel, d.channel_id), d.message_ts]
   FROM deliveries d WHERE d.id = r.card_id) AS card,
  ARRAY(SELECT to_jsonb(s) FROM stages s
    WHERE s.request_id = r.id ORDER BY s.position) AS stages,
  ARRAY(SELECT to_jsonb(x) FROM decisions x
    WHERE x.request_id = r.id ORDER BY x.id) AS decisions,
  ARRAY(SELECT to_jsonb(k) FROM (
    SELECT * FROM comments c WHERE c.request_id = r.id ORDER BY c.id DESC LIMIT 3) k
    ORDER BY k.id) AS comments,
  ARRAY(SELECT jsonb_build_array(COALESCE(d.posted_channel, d.channel_id), d.message_ts)
    FROM request_messages m JOIN deliveries d ON d.id = m.delivery_id
    WHERE m.request_id = r.id AND d.message_ts IS NOT NULL) AS places
FROM requests r;

-- As before, of that view; a replica of the version before passes over what it does not
-- know.
CREATE OR REPLACE FUNCTION whole_request(request text) RETURNS jsonb
STABLE LANGUAGE sql AS $$
  SELECT to_jsonb(r)
    || jsonb_build_object('finished_at', g.finished_at, 'result', g.result)
  FROM titled_requests r LEFT JOIN grants g ON g.request_id = r.id
  WHERE r.id = request
$$;
