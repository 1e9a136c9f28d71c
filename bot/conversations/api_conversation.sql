-- name: select_aside
-- A conversation, and whether a person has written in it.
SELECT c.id, c.team_id, c.channel_id, c.thread_ts,
  EXISTS (SELECT FROM messages m
    WHERE m.conversation_id = c.id AND m.user_id = %(user)s) AS is_theirs,
  EXISTS (SELECT FROM requests r
    WHERE r.conversation_id = c.id AND r.resumed_at IS NULL) AS waits,
  EXISTS (SELECT FROM messages m
    WHERE m.conversation_id = c.id
      AND m.state IN ('received', 'held', 'running')) AS works
FROM conversations c WHERE c.id = %(id)s;

-- name: select_said
-- What was said in a conversation, oldest first: by people, and to them.
SELECT * FROM (
  SELECT received_at AS at, user_id AS by, text FROM messages
  WHERE conversation_id = %(id)s
  UNION ALL
  SELECT created_at, NULL, text FROM deliveries
  WHERE team_id = %(team)s AND channel_id = %(channel)s AND thread_ts = %(thread_ts)s
    AND text IS NOT NULL AND (user_id IS NULL OR user_id = %(user)s)
) AS said
ORDER BY at LIMIT %(limit)s;

-- name: requests_of_conversation
-- The requests that it has raised, newest last.
SELECT id, status FROM requests WHERE conversation_id = %(id)s
ORDER BY raised_at DESC, id LIMIT %(limit)s;
