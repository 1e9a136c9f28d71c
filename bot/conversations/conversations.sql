-- name: receive
-- A message, once by its event and once by its place; its thread is the conversation.
WITH conversation AS (
  INSERT INTO conversations (id, team_id, channel_id, thread_ts)
  VALUES (%(new_id)s, %(team)s, %(channel)s, %(thread_ts)s)
  ON CONFLICT (team_id, channel_id, thread_ts)
    DO UPDATE SET team_id = excluded.team_id
  RETURNING id)
INSERT INTO messages (team_id, enterprise_id, channel_id, ts, event_id,
  conversation_id, user_id, text)
SELECT %(team)s, %(enterprise)s, %(channel)s, %(ts)s, %(event_id)s, id, %(user)s,
  %(text)s
FROM conversation
ON CONFLICT DO NOTHING
RETURNING conversation_id;

-- name: select_conversation
-- Where a conversation is, whether it waits for people, and its open messages.
SELECT c.*,
  EXISTS (SELECT FROM requests r
          WHERE r.conversation_id = c.id AND r.resumed_at IS NULL) AS waits,
  (SELECT jsonb_agg(to_jsonb(m) ORDER BY m.id) FROM messages m
   WHERE m.conversation_id = c.id
     AND m.state IN ('received', 'held', 'running')) AS messages,
  ARRAY(SELECT DISTINCT m.user_id FROM messages m
   WHERE m.conversation_id = c.id AND m.state IN ('running', 'failed')
     AND m.id > COALESCE((SELECT max(a.id) FROM messages a
       WHERE a.conversation_id = c.id AND a.state = 'answered'), 0)) AS participants
FROM conversations c WHERE c.id = %(conversation)s;

-- name: start_run
-- A new run: whatever ran before under a lower number has been replaced.
UPDATE conversations SET generation = generation + 1
WHERE id = %(conversation)s RETURNING generation;

-- name: own_run
-- Hold the conversation if this run is still its run.
SELECT id FROM conversations
WHERE id = %(conversation)s AND generation = %(generation)s FOR UPDATE;

-- name: set_message_state
-- What has become of a message.
UPDATE messages SET state = %(state)s WHERE id = %(message)s;

-- name: close_messages
-- The message of this turn is done with.
UPDATE messages SET state = %(state)s
WHERE conversation_id = %(conversation)s AND state = 'running';

-- name: count_open_messages
-- Whether somebody still waits to be heard.
SELECT count(*) AS open FROM messages
WHERE conversation_id = %(conversation)s AND state IN ('received', 'held');

-- name: select_left_behind
-- Conversations with work but no job: a job was lost, or gave up.
SELECT m.conversation_id AS id, 'turn' AS job FROM messages m
WHERE (m.state IN ('received', 'held')
       OR (m.state = 'running' AND NOT EXISTS (
         SELECT FROM requests r WHERE r.conversation_id = m.conversation_id
           AND r.resumed_at IS NULL)))
  AND m.received_at < bot_now() - %(age)s
  AND NOT EXISTS (SELECT FROM requests r
    WHERE r.conversation_id = m.conversation_id AND r.resumed_at IS NULL)
  AND NOT EXISTS (SELECT FROM procrastinate_jobs j
    WHERE j.lock = m.conversation_id::text AND j.status IN ('todo', 'doing'))
UNION
SELECT r.conversation_id, 'resume' FROM requests r
WHERE r.resumed_at IS NULL AND r.status <> 'pending'
  AND r.decided_at < bot_now() - %(age)s
  AND NOT EXISTS (SELECT FROM procrastinate_jobs j
    WHERE j.lock = r.conversation_id::text AND j.status IN ('todo', 'doing'))
UNION
SELECT d.id, 'deliver' FROM deliveries d
WHERE d.shown < d.revision AND d.state <> 'failed'
  AND d.created_at < bot_now() - %(age)s
  AND NOT EXISTS (SELECT FROM procrastinate_jobs j
    WHERE j.lock = d.id::text AND j.status IN ('todo', 'doing'))
LIMIT %(limit)s;
