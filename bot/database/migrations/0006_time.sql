-- What comes before a deadline: reminders, escalations, the timeout of a stage. Columns
-- with defaults, so that replicas of the version before go on while this one comes up.
ALTER TABLE stages
  -- {timeout, reminders: [], after, to: [{group, people, source}]}, times in seconds
  -- since the opening; copied from the policy when the chain is written
  ADD COLUMN times jsonb NOT NULL DEFAULT '{}',
  ADD COLUMN reminded_at timestamptz,   -- the last time
  ADD COLUMN escalated_at timestamptz;

ALTER TABLE requests
  DROP CONSTRAINT requests_outcome_check,
  ADD CONSTRAINT requests_outcome_check CHECK (outcome IN ('', 'denied',
    'unfillable', 'waived', 'repeated', 'operator', 'reopened', 'overdue')),
  -- {days, begin, end, zone}: when the clock of reminders and escalations runs
  ADD COLUMN hours jsonb,
  -- By which time the open stage has to be decided. Only for the index: what counts is
  -- its opening and its timeout.
  ADD COLUMN stage_expires_at timestamptz,
  -- When to look whether the open stage needs a reminder or an escalation: then or
  -- earlier. Null: never.
  ADD COLUMN wake_at timestamptz;

-- What is due, whatever else waits. A closed request leaves both by itself.
CREATE INDEX requests_deadline ON requests (LEAST(expires_at, stage_expires_at))
  WHERE status = 'pending';
CREATE INDEX requests_wake ON requests (wake_at) WHERE status = 'pending';

-- Each request is read with all of its decisions.
CREATE INDEX decisions_request ON decisions (request_id, id);

-- 'reminder': to those who can decide. 'escalation': to those who have joined them.
ALTER TABLE deliveries
  DROP CONSTRAINT deliveries_kind_check,
  ADD CONSTRAINT deliveries_kind_check CHECK (kind IN ('answer', 'say', 'notice',
    'card', 'private', 'held', 'call', 'reminder', 'escalation')),
  ADD COLUMN stage integer;  -- which stage such a message is about

-- `stored_requests` with the new columns.
CREATE VIEW timed_requests AS
SELECT r.*, bot_now() AS now,
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
