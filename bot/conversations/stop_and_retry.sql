-- name: find_turn_at
-- The conversation of a thread.
SELECT id::text AS id FROM conversations
WHERE (team_id, channel_id, thread_ts) = (%(team)s, %(channel)s, %(thread_ts)s);

-- name: lock_turn
-- Hold a conversation before anything of it is read.
SELECT id FROM conversations WHERE id = %(conversation)s FOR NO KEY UPDATE;

-- name: lock_waiting
-- What its graph waits for, before anybody decides it.
SELECT id FROM requests
WHERE conversation_id = %(conversation)s AND resumed_at IS NULL
ORDER BY raised_at, position, id FOR UPDATE;

-- name: lock_grants
-- What is claimed in it by now, and what could still be: a claim waits for the row of its
-- grant, and finds it gone.
SELECT g.tool, g.request_id, g.state, COALESCE(r.guarded, true) AS guarded
FROM grants g LEFT JOIN requests r ON r.id = g.request_id
WHERE g.conversation_id = %(conversation)s AND g.state IN ('approved', 'executing')
FOR UPDATE OF g;

-- name: select_askers
-- Who wrote in the turn that it is at. Where nothing else goes on, that is already the
-- turn of the word itself, which is then for the agent.
SELECT user_id FROM messages
WHERE conversation_id = %(conversation)s AND state = 'running' AND ts <> %(said)s
ORDER BY id;

-- name: end_stopped
-- The turn is over: its message is done, its run is replaced, and nothing is waited for.
-- A message that the run has streamed becomes the word on that. What is unread is next.
-- Each replica hears of it where it hears of jobs, and whichever runs it stops.
WITH own AS (
  SELECT id, team_id, channel_id, thread_ts,
    CASE WHEN stream_run = generation THEN stream_ts END AS stream_ts
  FROM conversations WHERE id = %(conversation)s),
stopped AS (
  UPDATE conversations c SET generation = generation + 1, stopped = true,
    stopping = NULL,
    stream_run = CASE WHEN own.stream_ts IS NULL THEN c.stream_run END,
    stream_ts = NULL,
    stream_at = CASE WHEN own.stream_ts IS NULL THEN c.stream_at END
  FROM own WHERE c.id = own.id
  RETURNING c.id),
closed AS (
  UPDATE messages SET state = 'failed'
  WHERE conversation_id = %(conversation)s AND state = 'running'),
taken AS (
  UPDATE requests SET resumed_at = bot_now()
  WHERE conversation_id = %(conversation)s AND resumed_at IS NULL),
answered AS (
  UPDATE messages SET state = 'answered'
  WHERE conversation_id = %(conversation)s AND ts = %(said)s
    AND state IN ('received', 'held')
  RETURNING id),
told AS (
  INSERT INTO deliveries (id, kind, team_id, channel_id, thread_ts, text,
    streamed, message_ts, posted_channel)
  SELECT %(delivery)s::uuid, 'say', team_id, channel_id, thread_ts, %(text)s,
    stream_ts IS NOT NULL, stream_ts,
    CASE WHEN stream_ts IS NOT NULL THEN channel_id END
  FROM own)
SELECT pg_notify(%(hears)s, jsonb_build_object('type', 'turn_stopped',
    'conversation', id)::text),
  CASE WHEN EXISTS (SELECT FROM messages u WHERE u.conversation_id = stopped.id
      AND u.state IN ('received', 'held')
      AND u.id NOT IN (SELECT answered.id FROM answered))
    THEN defer_for_conversation('turn', stopped.id) END AS next
FROM stopped;

-- name: stop_later
-- The turn is over once what has begun has its end, which its own run writes; what it
-- waits for beside that is not waited for any more.
WITH stopping AS (
  UPDATE conversations SET stopping = %(user)s WHERE id = %(conversation)s
  RETURNING id),
answered AS (
  UPDATE messages SET state = 'answered'
  WHERE conversation_id = %(conversation)s AND ts = %(said)s
    AND state IN ('received', 'held')),
taken AS (
  UPDATE requests SET resumed_at = bot_now()
  WHERE id = ANY(%(idle)s) AND resumed_at IS NULL)
SELECT pg_notify(%(hears)s, jsonb_build_object('type', 'turn_stopped',
    'conversation', id)::text)
FROM stopping;

-- name: select_stopping
-- Who has said to stop a turn whose run is still the conversation's own.
SELECT stopping FROM conversations
WHERE id = %(conversation)s AND generation = %(generation)s;

-- name: carry_on
-- The agent has been told that the turn before was stopped.
UPDATE conversations SET stopped = false WHERE id = %(conversation)s;
