-- Chains from live groups, edits, answers, comments. New names beside the old ones, so
-- that replicas of the version before go on while this one comes up.
ALTER TABLE requests
  DROP CONSTRAINT requests_status_check,
  ADD CONSTRAINT requests_status_check CHECK (status IN ('pending', 'approved',
    'rejected', 'timed_out', 'withdrawn', 'orphaned', 'answered')),
  -- a tool's call, or a question of the graph's own
  ADD COLUMN kind text NOT NULL DEFAULT 'tool' CHECK (kind IN ('tool', 'interrupt')),
  -- why it ended so, where no person's word says it; `outcome_note` holds the rest
  ADD COLUMN outcome text NOT NULL DEFAULT '' CHECK (outcome IN ('', 'denied',
    'unfillable', 'waived', 'repeated', 'operator', 'reopened')),
  -- what the buttons carry; each edit brings a new one. Null: the request's id.
  ADD COLUMN token text UNIQUE,
  ADD COLUMN confirm text NOT NULL DEFAULT 'none' CHECK (
    confirm IN ('none', 'dialog', 'typed')),
  ADD COLUMN confirm_argument text NOT NULL DEFAULT '',
  ADD COLUMN allow text[] NOT NULL DEFAULT '{approve,reject,edit}',
  ADD COLUMN schema text NOT NULL DEFAULT '{}',     -- JSON schema of the arguments
  ADD COLUMN raised_arguments text,                 -- as the agent asked, if edited
  ADD COLUMN raised_digest text NOT NULL DEFAULT '',-- the call digest as it was raised
  ADD COLUMN edited_by text NOT NULL DEFAULT '';

UPDATE requests SET raised_digest = call_digest,
  outcome = CASE
    WHEN outcome_note = 'waived' THEN 'waived'
    WHEN outcome_note LIKE 'denied:%' THEN 'denied'
    WHEN outcome_note LIKE 'unfillable:%' THEN 'unfillable'
    ELSE '' END,
  outcome_note = CASE
    WHEN outcome_note = 'waived' THEN ''
    WHEN outcome_note LIKE 'denied:%' OR outcome_note LIKE 'unfillable:%'
      THEN substr(outcome_note, strpos(outcome_note, ':') + 1)
    ELSE outcome_note END;

CREATE INDEX requests_rejected ON requests (conversation_id, decided_at)
  WHERE status = 'rejected';

-- Tokens that buttons carried before an edit: whoever clicks them is told so.
CREATE TABLE spent_tokens (
  token text PRIMARY KEY,
  request_id text NOT NULL REFERENCES requests ON DELETE CASCADE
);
CREATE INDEX spent_tokens_request ON spent_tokens (request_id);

ALTER TABLE stages
  ADD COLUMN source text NOT NULL DEFAULT 'users',
  ADD COLUMN channel text NOT NULL DEFAULT '';

ALTER TABLE decisions
  DROP CONSTRAINT decisions_verdict_check,
  ADD CONSTRAINT decisions_verdict_check CHECK (
    verdict IN ('approve', 'reject', 'edit', 'answer'));

-- Every message that shows a request: its cards, the notice, replies with Withdraw.
-- `requests.card_id` is the one card whose Approve counts now.
CREATE TABLE request_messages (
  request_id text NOT NULL REFERENCES requests ON DELETE CASCADE,
  delivery_id uuid NOT NULL REFERENCES deliveries ON DELETE CASCADE,
  PRIMARY KEY (request_id, delivery_id)
);
CREATE INDEX request_messages_delivery ON request_messages (delivery_id);
INSERT INTO request_messages (request_id, delivery_id)
SELECT id, unnest(array_remove(ARRAY[card_id, notice_id], NULL)) FROM requests
ON CONFLICT DO NOTHING;
-- Replicas of the version before raise requests without saying where they are shown.
CREATE FUNCTION show_request() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO request_messages (request_id, delivery_id)
  SELECT NEW.id, unnest(array_remove(ARRAY[NEW.card_id, NEW.notice_id], NULL))
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
CREATE TRIGGER requests_are_shown AFTER INSERT ON requests
  FOR EACH ROW EXECUTE FUNCTION show_request();

-- 'held': what a message on a waiting conversation is told. 'call': the next stage's
-- people, in the card's thread.
ALTER TABLE deliveries
  DROP CONSTRAINT deliveries_kind_check,
  ADD CONSTRAINT deliveries_kind_check CHECK (kind IN (
    'answer', 'say', 'notice', 'card', 'private', 'held', 'call'));
CREATE INDEX deliveries_place ON deliveries (posted_channel, message_ts)
  WHERE kind = 'card';

-- What people wrote in a card's thread: kept with the request, never a decision.
CREATE TABLE comments (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  request_id text NOT NULL REFERENCES requests ON DELETE CASCADE,
  team_id text NOT NULL,
  user_id text NOT NULL,
  channel_id text NOT NULL,
  ts text NOT NULL,
  text text NOT NULL,
  at timestamptz NOT NULL DEFAULT bot_now(),
  UNIQUE (request_id, channel_id, ts)
);
CREATE INDEX comments_request ON comments (request_id, id);

-- A request with all that belongs to it, and the clock. Scalar subqueries, since joins
-- of as many tables cost more to plan than to run. The columns of the tables are named
-- where they are read, and a change of this view is a view of another name: statements
-- that replicas have prepared go on.
CREATE VIEW stored_requests AS
SELECT r.*, bot_now() AS now,
  (SELECT g.state FROM grants g WHERE g.request_id = r.id) AS execution,
  (SELECT ARRAY[COALESCE(d.posted_channel, d.channel_id), d.message_ts]
   FROM deliveries d WHERE d.id = r.card_id) AS card,
  ARRAY(SELECT to_jsonb(s) FROM stages s
    WHERE s.request_id = r.id ORDER BY s.position) AS stages,
  ARRAY(SELECT to_jsonb(x) FROM decisions x
    WHERE x.request_id = r.id ORDER BY x.id) AS decisions,
  -- as many as a card shows: however much is written there, a click reads no more
  ARRAY(SELECT to_jsonb(k) FROM (
    SELECT * FROM comments c WHERE c.request_id = r.id ORDER BY c.id DESC LIMIT 3) k
    ORDER BY k.id) AS comments,
  ARRAY(SELECT jsonb_build_array(COALESCE(d.posted_channel, d.channel_id), d.message_ts)
    FROM request_messages m JOIN deliveries d ON d.id = m.delivery_id
    WHERE m.request_id = r.id AND d.message_ts IS NOT NULL) AS places
FROM requests r;
