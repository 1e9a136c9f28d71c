-- name: kept_table
-- One row for each call that an agent in a terminal wanted to make.
CREATE TABLE IF NOT EXISTS agent_grants (
  thread_id text NOT NULL,
  tool_call_id text NOT NULL,
  ruling text NOT NULL,
  args text NOT NULL,
  approved text,
  state text NOT NULL DEFAULT 'open',
  content text,
  PRIMARY KEY (thread_id, tool_call_id)
);

-- name: kept_open
-- The first ruling on a call is the one that counts.
INSERT INTO agent_grants (thread_id, tool_call_id, ruling, args)
VALUES (:thread_id, :tool_call_id, :ruling, :args)
ON CONFLICT DO NOTHING;

-- name: kept_find
-- What is known of a call.
SELECT ruling, approved, state, content FROM agent_grants
WHERE thread_id = :thread_id AND tool_call_id = :tool_call_id;

-- name: kept_decide
-- What a person decided; a reject approves no arguments. Too late once the call began.
UPDATE agent_grants SET approved = :approved
WHERE thread_id = :thread_id AND tool_call_id = :tool_call_id
  AND ruling = 'ask' AND state = 'open';

-- name: kept_claim
-- The one right to run a call: one caller changes the row, whoever else tries.
UPDATE agent_grants SET state = 'executing'
WHERE thread_id = :thread_id AND tool_call_id = :tool_call_id AND state = 'open'
  AND ((ruling = 'waived' AND args = :args) OR (ruling = 'ask' AND approved = :args));

-- name: kept_finish
-- How a claimed call ended.
UPDATE agent_grants SET state = :state, content = :content
WHERE thread_id = :thread_id AND tool_call_id = :tool_call_id AND state = 'executing';
