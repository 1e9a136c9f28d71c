-- Agents outside: what they ask is a request as any other, with no graph behind it, so
-- that nothing is resumed. Columns with defaults, so that replicas of the version before
-- go on while this one comes up.
ALTER TABLE requests
  DROP CONSTRAINT requests_outcome_check,
  ADD CONSTRAINT requests_outcome_check CHECK (outcome IN ('', 'denied', 'unfillable',
    'waived', 'repeated', 'operator', 'reopened', 'overdue', 'unclaimed')),
  ADD COLUMN agent text NOT NULL DEFAULT '',  -- its name; '' for the bot's own graph
  ADD COLUMN agent_key text,                  -- by which the agent knows it again
  ADD COLUMN agent_asked text,                -- SHA-256 of all that it has sent
  ADD COLUMN claim_within interval,           -- null: there is nobody outside to claim
  ADD COLUMN result_within interval,
  ADD CONSTRAINT requests_agent_check CHECK ((agent = '') = (agent_key IS NULL));
CREATE UNIQUE INDEX requests_agent_key ON requests (team_id, agent, agent_key)
  WHERE agent <> '';

-- By when what is approved has to be claimed, and then its result be told; null: never.
ALTER TABLE grants ADD COLUMN due_at timestamptz;
CREATE INDEX grants_due ON grants (due_at)
  WHERE due_at IS NOT NULL AND state IN ('approved', 'executing');

-- Whoever waits for a request outside hears of it at the commit.
CREATE FUNCTION tell_agent_outside() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('agents_outside', NEW.id);
  RETURN NULL;
END $$;
CREATE TRIGGER request_told_outside AFTER UPDATE OF status ON requests
  FOR EACH ROW WHEN (NEW.agent <> '' AND NEW.status <> OLD.status)
  EXECUTE FUNCTION tell_agent_outside();

-- `titled_requests` with the new columns.
CREATE VIEW asked_requests AS
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

-- As before, of that view.
CREATE OR REPLACE FUNCTION whole_request(request text) RETURNS jsonb
STABLE LANGUAGE sql AS $$
  SELECT to_jsonb(r)
    || jsonb_build_object('finished_at', g.finished_at, 'result', g.result)
  FROM asked_requests r LEFT JOIN grants g ON g.request_id = r.id
  WHERE r.id = request
$$;
