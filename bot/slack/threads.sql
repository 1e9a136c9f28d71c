-- name: heard_until
-- The message before one in its thread that the agent was given: it does not know what
-- others have said there since.
SELECT max(b.ts COLLATE "C") AS ts FROM messages b
WHERE b.conversation_id = %(conversation)s AND b.ts COLLATE "C" < %(ts)s
  AND b.state NOT IN ('refused', 'deleted');

-- name: place_of_conversation
-- The thread of a conversation.
SELECT channel_id, thread_ts FROM conversations WHERE id = %(id)s;

-- name: greet
-- The first words to somebody who opens the conversation with the app.
WITH new AS (
  INSERT INTO greeted (team_id, user_id) VALUES (%(team)s, %(user)s)
  ON CONFLICT DO NOTHING
  RETURNING team_id)
INSERT INTO deliveries (id, kind, team_id, channel_id, thread_ts, text)
SELECT %(delivery)s, 'say', team_id, %(channel)s, %(thread_ts)s, %(text)s FROM new
RETURNING id::text AS id;
