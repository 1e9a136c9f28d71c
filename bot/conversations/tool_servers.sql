-- name: put_question
-- A question for the author of the message that the conversation's turn works off. There
-- is nobody to ask where that did not come from Slack.
WITH asked AS (
  SELECT c.id, c.team_id, c.channel_id, c.thread_ts, c.generation, m.user_id
  FROM conversations c
  JOIN messages m ON m.conversation_id = c.id AND m.state = 'running'
  WHERE c.id = %(conversation)s AND c.channel_id <> %(aside)s
  ORDER BY m.id LIMIT 1),
message AS (
  INSERT INTO deliveries (id, kind, team_id, channel_id, thread_ts, text)
  SELECT %(id)s, 'say', team_id, channel_id, thread_ts, %(text)s FROM asked)
INSERT INTO server_questions (delivery_id, conversation_id, generation, user_id, server,
  message, schema, due_at)
SELECT %(id)s, id, generation, user_id, %(server)s, %(message)s, %(schema)s,
  bot_now() + make_interval(secs => %(seconds)s)
FROM asked
RETURNING delivery_id;

-- name: question_stands
-- Whether a question still waits for its answer.
SELECT q.status = 'open' AND q.due_at > bot_now() AND c.generation = q.generation AS stands
FROM server_questions q JOIN conversations c ON c.id = q.conversation_id
WHERE q.delivery_id = %(id)s;

-- name: close_question
-- The end of a question for the call that waited, with the answer, which is not kept.
WITH found AS (
  SELECT delivery_id, status, answer FROM server_questions
  WHERE delivery_id = %(id)s FOR UPDATE),
closed AS (
  UPDATE server_questions q SET answer = NULL,
    status = CASE WHEN q.status = 'open' THEN 'over' ELSE q.status END
  FROM found WHERE q.delivery_id = found.delivery_id),
shown AS (
  UPDATE deliveries d SET revision = revision + 1
  FROM found WHERE d.id = found.delivery_id AND found.status = 'open')
SELECT status, answer FROM found;

-- name: lock_question
-- A question at a click, and whether it still waits for its answer.
SELECT q.*, c.team_id, COALESCE(d.posted_channel, d.channel_id) AS channel_id,
  d.message_ts,
  q.status = 'open' AND q.due_at > bot_now() AND c.generation = q.generation AS stands
FROM server_questions q
JOIN conversations c ON c.id = q.conversation_id
JOIN deliveries d ON d.id = q.delivery_id
WHERE q.delivery_id = %(id)s
FOR UPDATE OF q;

-- name: answer_question
-- Its person's one word, of which each replica hears where it hears of jobs.
WITH answered AS (
  UPDATE server_questions
  SET status = %(status)s, answer = %(answer)s, answered_at = bot_now()
  WHERE delivery_id = %(id)s AND status = 'open'
  RETURNING conversation_id),
shown AS (
  UPDATE deliveries SET revision = revision + 1 FROM answered WHERE id = %(id)s)
SELECT pg_notify(%(hears)s, jsonb_build_object('type', 'question_answered',
  'conversation', conversation_id)::text)
FROM answered;

-- name: show_question
-- The message of a question is drawn again.
UPDATE deliveries SET revision = revision + 1 WHERE id = %(id)s;

-- name: known_tools
-- What some servers listed when they were last asked.
SELECT server, tool, digest, definition, changed_under FROM tool_pins
WHERE server = ANY(%(servers)s) AND listed
ORDER BY server, tool;

-- name: pinned_tools
-- All that is known of a server, to be compared; one process at a time.
SELECT tool, digest, changed_under,
  COALESCE(changed_at > bot_now() - interval '1 hour', false) AS lately
FROM tool_pins WHERE server = %(server)s
ORDER BY tool FOR UPDATE;

-- name: pin_tool
-- A tool that is new, or another than it was.
INSERT INTO tool_pins (server, tool, digest, definition)
VALUES (%(server)s, %(tool)s, %(digest)s, %(definition)s)
ON CONFLICT (server, tool) DO UPDATE SET listed = true,
  changed_at = CASE WHEN tool_pins.digest <> excluded.digest THEN bot_now()
    ELSE tool_pins.changed_at END,
  changed_under = CASE WHEN tool_pins.digest <> excluded.digest
    THEN %(waivers)s ELSE tool_pins.changed_under END,
  digest = excluded.digest, definition = excluded.definition;

-- name: unlist_tools
-- Tools that a server does not list any more; what they were is kept.
UPDATE tool_pins SET listed = false
WHERE server = %(server)s AND listed AND NOT tool = ANY(%(tools)s);
