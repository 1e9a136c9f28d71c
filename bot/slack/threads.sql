-- name: heard_until
-- The message before one in its thread that the agent was given: it does not know what
-- others have said there since.
SELECT max(b.ts COLLATE "C") AS ts FROM messages b
WHERE b.conversation_id = %(conversation)s AND b.ts COLLATE "C" < %(ts)s
  AND b.state <> 'refused';

-- name: place_of_conversation
-- The thread of a conversation.
SELECT channel_id, thread_ts FROM conversations WHERE id = %(id)s;
