-- name: pick_message
-- Messages that nobody has sent in time, handed out to one process: nobody else picks
-- them before its lease would be over. New ones come before changes of what stands, and
-- the channels take turns, so that the one with most of them is the last to be done.
-- `paused`: channels in which Slack takes no changes from this process now.
WITH picked AS (
  SELECT d.id, d.message_ts IS NOT NULL AS stands, waiting.turn, d.due_at, d.created_at
  FROM deliveries d JOIN (
    SELECT e.id, row_number() OVER (
      PARTITION BY e.team_id, COALESCE(e.posted_channel, e.channel_id)
      ORDER BY e.due_at, e.created_at) AS turn
    FROM deliveries e
    WHERE e.shown < e.revision AND e.due_at <= clock_timestamp()
      AND (e.taken_until IS NULL OR e.taken_until < clock_timestamp())
      AND (e.message_ts IS NULL
        OR COALESCE(e.posted_channel, e.channel_id) <> ALL(%(paused)s))
      -- a notice links to its card, and is sent when that stands; looked up for each
      -- by itself, since a join would read all messages
      AND NOT EXISTS (SELECT FROM requests r JOIN deliveries c ON c.id = r.card_id
        WHERE r.notice_id = e.id AND r.status = 'pending' AND c.message_ts IS NULL
        OFFSET 0)
    ) AS waiting ON waiting.id = d.id
  -- once more, of the row as it is locked: another process may have picked it
  WHERE d.shown < d.revision AND d.due_at <= clock_timestamp()
    AND (d.taken_until IS NULL OR d.taken_until < clock_timestamp())
  ORDER BY stands, waiting.turn, d.due_at, d.created_at
  LIMIT %(most)s FOR UPDATE OF d SKIP LOCKED),
handed_out AS (
  UPDATE deliveries d SET due_at = clock_timestamp() + %(lease)s
  FROM picked WHERE d.id = picked.id)
SELECT id::text AS key FROM picked ORDER BY stands, turn, due_at, created_at;

-- name: take_messages
-- Begin to send messages, and read all that each is drawn from: from here on the
-- outcome may be unknown. The lease goes by the real clock, since it is about processes
-- and not about deadlines. The commit need not wait for the disk: a later try looks for
-- the post in any case. `revision` is what the other tables are read as of, whatever a
-- change meanwhile has made of it: then there is more to show. What is locked is left
-- out, so that it holds up no other, but waited for where it is `alone`. Of what is not
-- due only the id is told.
WITH quick AS (SELECT set_config('synchronous_commit', 'off', true)),
before AS (
  SELECT id, state, shown < revision
    AND (taken_until IS NULL OR taken_until < clock_timestamp()) AS is_due
  FROM deliveries WHERE id = ANY(%(ids)s::uuid[])
    AND (%(alone)s::uuid IS NULL OR wait_for_message(%(alone)s))
  FOR NO KEY UPDATE SKIP LOCKED),
taken AS (
  UPDATE deliveries d
  SET state = CASE WHEN d.message_ts IS NULL THEN 'sending' ELSE d.state END,
    taken_until = clock_timestamp() + %(lease)s
  FROM before, quick
  WHERE d.id = before.id AND before.is_due AND d.id = ANY(%(ids)s::uuid[])
  RETURNING d.*, before.state AS was)
SELECT b.id::text AS id, t.kind, t.team_id, t.channel_id, t.thread_ts, t.user_id,
  t.text, t.message_ts, t.posted_channel, t.error, t.created_at, t.stage, t.tries,
  t.was, t.streamed AND t.sent_at IS NULL AS streamed,
  (SELECT seen.revision FROM deliveries seen WHERE seen.id = t.id) AS revision,
  bot_now() AS now,
  (SELECT p.reason FROM pauses p WHERE p.team_id = t.team_id) AS pause,
  t.created_at < bot_now() - interval '4 seconds' AS is_late,
  COALESCE((SELECT json_agg(r ORDER BY r.raised_at, r.position, r.id)
    FROM full_requests r WHERE r.id IN (SELECT m.request_id FROM request_messages m
      WHERE m.delivery_id = t.id)), '[]') AS requests,
  CASE t.kind WHEN 'say' THEN offer_under(t.id) END AS offer,
  CASE t.kind WHEN 'say' THEN question_in(t.id) END AS question
FROM before b LEFT JOIN taken t ON t.id = b.id;

-- name: postpone_message
-- It was not brought, and is tried again later. `state`: what it was before the try,
-- where that has certainly posted nothing.
UPDATE deliveries SET taken_until = NULL, tries = tries + 1,
  state = COALESCE(%(state)s, state),
  due_at = clock_timestamp() + make_interval(secs => %(seconds)s)
WHERE id = %(id)s;

-- name: sent
-- They stand in Slack, each as of its revision; says which have changed meanwhile. The
-- first time is on the trail, by workspace, so that all commits lock their chains in
-- one order. What is locked is left out, or `alone`, as in `take_messages`.
WITH own AS (
  SELECT d.kind, d.team_id, d.thread_ts, d.user_id, d.sent_at, g.*
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS g (
    id uuid, revision integer, channel text, ts text, redraw_at timestamptz)
  JOIN deliveries d ON d.id = g.id
  WHERE d.id = ANY(%(ids)s::uuid[])
    AND (%(alone)s::uuid IS NULL OR wait_for_message(%(alone)s))
  FOR NO KEY UPDATE OF d SKIP LOCKED),
delivered AS (
  INSERT INTO audit (team_id, event, detail)
  SELECT team_id, 'delivered', jsonb_strip_nulls(jsonb_build_object(
    'kind', kind, 'to', user_id, 'card', jsonb_build_array(channel, ts),
    'thread', thread_ts, 'delivery', id))
  FROM own WHERE sent_at IS NULL AND kind <> 'card' ORDER BY team_id)
UPDATE deliveries d SET state = 'sent', shown = greatest(d.shown, own.revision),
  error = NULL, message_ts = own.ts, posted_channel = own.channel, taken_until = NULL,
  tries = 0, due_at = clock_timestamp(),  -- of its next change
  redraw_at = own.redraw_at, sent_at = COALESCE(d.sent_at, bot_now())
FROM own WHERE d.id = own.id AND d.id = ANY(%(ids)s::uuid[])
RETURNING d.id::text AS id, d.shown < d.revision AS again,
  set_config('synchronous_commit', 'off', true) AS quick;

-- name: split_answer
-- What of an answer has no room in its message is one of its own.
WITH rest AS (
  INSERT INTO deliveries (id, kind, team_id, channel_id, thread_ts, text)
  SELECT %(next)s, kind, team_id, channel_id, thread_ts, %(rest)s
  FROM deliveries WHERE id = %(id)s
  ON CONFLICT DO NOTHING)
UPDATE deliveries SET text = %(said)s WHERE id = %(id)s
RETURNING %(next)s::text AS id;

-- name: card_sent
-- Likewise of a card that is new in Slack: on the trail as a fact about each request on
-- it. What links to it follows, since its requests are decided there; what stands
-- already, with the link to a card before, is out of date.
WITH shown AS (
  INSERT INTO audit (team_id, event, request_id, conversation_id, detail)
  SELECT r.team_id, 'shown', r.id, r.conversation_id, jsonb_build_object(
    'on_behalf_of', r.requester_id, 'tool', r.tool, 'schema', r.schema_digest,
    'call', r.call_digest, 'digest', r.grant_digest, 'policy', r.policy_version,
    'channel', %(channel)s::text, 'ts', %(ts)s::text, 'card', m.delivery_id,
    'number', row_number() OVER (ORDER BY r.position, r.raised_at, r.id),
    'calls', count(*) OVER ())
  FROM requests r JOIN request_messages m ON m.request_id = r.id
  WHERE m.delivery_id = %(id)s
  ORDER BY r.position, r.raised_at, r.id),
followers AS (
  SELECT DISTINCT d.id, d.message_ts IS NOT NULL AS stands
  FROM requests r
  JOIN request_messages m ON m.request_id = r.id
  JOIN deliveries d ON d.id = m.delivery_id AND d.kind IN ('notice', 'held')
  WHERE r.card_id = %(id)s)
UPDATE deliveries SET state = 'sent', shown = greatest(shown, %(revision)s), error = NULL,
  message_ts = %(ts)s, posted_channel = %(channel)s, taken_until = NULL, tries = 0,
  due_at = clock_timestamp(),  -- of its next change
  redraw_at = %(redraw_at)s, sent_at = COALESCE(sent_at, bot_now())
WHERE id = %(id)s
RETURNING shown < revision AS again,
  ARRAY(SELECT id::text FROM followers WHERE NOT stands) AS follow,
  ARRAY(SELECT id::text FROM followers WHERE stands) AS out_of_date,
  set_config('synchronous_commit', 'off', true) AS quick;

-- name: rate_answer
-- What somebody thinks of an answer, by a click on its own message; their last word.
INSERT INTO feedback (delivery_id, team_id, user_id, rating)
SELECT d.id, d.team_id, %(user)s, %(rating)s FROM deliveries d
WHERE d.id = CASE WHEN %(answer)s ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
    THEN %(answer)s::text::uuid END
  AND d.kind = 'answer' AND d.team_id = %(team)s
  AND ((d.posted_channel = %(channel)s AND d.message_ts = %(ts)s)
    OR (d.message_ts IS NULL AND d.id::text = %(card)s))
ON CONFLICT (delivery_id, user_id)
  DO UPDATE SET rating = EXCLUDED.rating, at = bot_now()
RETURNING rating;

-- name: failed
-- Slack refuses it for good.
UPDATE deliveries SET state = 'failed', shown = revision, error = %(error)s,
  taken_until = NULL
WHERE id = %(id)s;

-- name: note_refusal
-- Slack refuses a card now, and it is tried again. If it is one person's copy, another
-- copy that was posted is the card from here on.
WITH passed_on AS (
  UPDATE requests r SET card_id = s.id
  FROM (
    SELECT DISTINCT ON (m.request_id) m.request_id, d.id
    FROM deliveries own
    JOIN request_messages o ON o.delivery_id = own.id
    JOIN request_messages m ON m.request_id = o.request_id
    JOIN deliveries d ON d.id = m.delivery_id AND d.kind = 'card'
      AND d.user_id IS NOT NULL AND d.message_ts IS NOT NULL
    WHERE own.id = %(id)s AND own.user_id IS NOT NULL
    ORDER BY m.request_id, d.created_at, d.id) AS s
  WHERE r.id = s.request_id AND r.card_id = %(id)s AND r.status = 'pending')
UPDATE deliveries SET error = %(error)s WHERE id = %(id)s;

-- name: post_anew
-- Somebody has deleted it in Slack while people wait for it: it is posted once more.
UPDATE deliveries SET state = 'queued', message_ts = NULL, posted_channel = NULL,
  shown = 0, taken_until = NULL
WHERE id = %(id)s;

-- name: card_anew
-- Slack lets nobody change a card any more: what people can still decide moves to a new
-- one in the same place.
WITH card AS (
  INSERT INTO deliveries (id, kind, team_id, channel_id, thread_ts, user_id)
  SELECT gen_random_uuid(), kind, team_id, channel_id, thread_ts, user_id
  FROM deliveries
  WHERE id = %(id)s AND EXISTS (SELECT FROM requests r
    WHERE r.card_id = %(id)s AND r.status = 'pending')
  RETURNING id),
moved AS (
  UPDATE requests r SET card_id = card.id FROM card
  WHERE r.card_id = %(id)s AND r.status = 'pending'
  RETURNING r.id),
shown AS (
  INSERT INTO request_messages (request_id, delivery_id)
  SELECT moved.id, card.id FROM moved, card)
SELECT id::text AS id FROM card;

-- name: say_once
-- A sentence in a thread that has none like it.
INSERT INTO deliveries (id, kind, team_id, channel_id, thread_ts, text)
SELECT gen_random_uuid(), 'say', %(team_id)s, %(channel)s, %(thread_ts)s, %(text)s
WHERE NOT EXISTS (
  SELECT FROM deliveries d
  WHERE (d.team_id, d.channel_id, d.thread_ts, d.text)
    = (%(team_id)s, %(channel)s, %(thread_ts)s, %(text)s) AND d.kind = 'say')
RETURNING id::text AS id;

-- name: tell_author
-- Words for the person who wrote last in a thread, sent to them directly.
INSERT INTO deliveries (id, kind, team_id, channel_id, user_id, text)
SELECT gen_random_uuid(), %(kind)s::text, c.team_id,
  CASE %(kind)s::text WHEN 'answer' THEN m.user_id ELSE '' END,
  CASE %(kind)s::text WHEN 'private' THEN m.user_id END, %(text)s
FROM conversations c JOIN messages m ON m.conversation_id = c.id
WHERE (c.team_id, c.channel_id, c.thread_ts)
  = (%(team_id)s, %(channel_id)s, %(thread_ts)s)
ORDER BY m.id DESC LIMIT 1
RETURNING id::text AS id;

-- name: out_of_date
-- These messages show something old now.
UPDATE deliveries SET revision = revision + 1 WHERE id = ANY(%(ids)s);

-- name: say_to_conversation
-- A sentence to the thread that a request came from.
INSERT INTO deliveries (id, kind, team_id, channel_id, thread_ts, text)
SELECT gen_random_uuid(), 'say', team_id, channel_id, thread_ts, %(text)s
FROM conversations WHERE id = %(conversation)s
RETURNING id::text AS id;

-- name: copy_card
-- A card of their own for those who can decide and have none, however often it is asked.
WITH lacking AS (
  SELECT c.id, c.person, c.request
  FROM jsonb_to_recordset(%(copies)s::jsonb) AS c (id uuid, person text, request text)
  WHERE NOT EXISTS (
    SELECT FROM request_messages m JOIN deliveries d ON d.id = m.delivery_id
    WHERE m.request_id = c.request AND d.kind = 'card' AND d.user_id = c.person)),
made AS (
  INSERT INTO deliveries (id, kind, team_id, channel_id, user_id)
  SELECT DISTINCT id, 'card', %(team)s, person, person FROM lacking
  ON CONFLICT DO NOTHING),
shown AS (
  INSERT INTO request_messages (request_id, delivery_id)
  SELECT request, id FROM lacking
  ON CONFLICT DO NOTHING)
SELECT DISTINCT id::text AS id FROM lacking;
