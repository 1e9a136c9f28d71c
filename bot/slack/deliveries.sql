-- name: take
-- Begin to send: from here on the outcome may be unknown. Says what it was before. The
-- lease goes by the real clock, since it is about processes and not about deadlines.
-- The commit need not wait for the disk: a later try looks for the post in any case.
WITH quick AS (SELECT set_config('synchronous_commit', 'off', true)),
before AS (
  SELECT id, state FROM deliveries
  WHERE id = %(id)s AND shown < revision
    AND (taken_until IS NULL OR taken_until < clock_timestamp())
  FOR UPDATE)
UPDATE deliveries d
SET state = CASE WHEN d.message_ts IS NULL THEN 'sending' ELSE d.state END,
  taken_until = clock_timestamp() + %(lease)s
FROM before, quick WHERE d.id = before.id
RETURNING d.*, before.state AS was, bot_now() AS now,
  d.created_at < bot_now() - interval '4 seconds' AS is_late;

-- name: is_open
-- Whether there is still something to bring: somebody else may be about to.
SELECT shown < revision AS open FROM deliveries WHERE id = %(id)s;

-- name: sent
-- It stands in Slack, as of this revision; says whether it has changed meanwhile. The
-- first time is on the trail; a card's posting is there as `shown`.
WITH quick AS (SELECT set_config('synchronous_commit', 'off', true)),
trail AS (
  INSERT INTO audit (team_id, event, detail)
  SELECT d.team_id, 'delivered', jsonb_strip_nulls(jsonb_build_object(
    'kind', d.kind, 'to', d.user_id, 'card', jsonb_build_array(
      %(channel)s::text, %(ts)s::text), 'thread', d.thread_ts, 'delivery', d.id))
  FROM deliveries d, quick
  WHERE d.id = %(id)s AND d.sent_at IS NULL AND d.kind <> 'card')
UPDATE deliveries SET state = 'sent', shown = greatest(shown, %(revision)s), error = NULL,
  message_ts = %(ts)s, posted_channel = %(channel)s, taken_until = NULL,
  sent_at = COALESCE(sent_at, bot_now())
FROM quick WHERE id = %(id)s
RETURNING shown < revision AS again;

-- name: let_go
-- It was not brought; the next try need not wait for the lease.
UPDATE deliveries SET taken_until = NULL WHERE id = %(id)s;

-- name: failed
-- Slack refuses it for good.
UPDATE deliveries SET state = 'failed', shown = revision, error = %(error)s,
  taken_until = NULL
WHERE id = %(id)s;

-- name: wait
-- Slack refuses it now, and it is tried again. This try posted nothing; what one
-- before it did may still be unknown.
UPDATE deliveries SET state = %(was)s, error = %(error)s, taken_until = NULL
WHERE id = %(id)s;

-- name: post_anew
-- Somebody has deleted it in Slack while people wait for it: it is posted once more.
UPDATE deliveries SET state = 'queued', message_ts = NULL, posted_channel = NULL,
  shown = 0, taken_until = NULL
WHERE id = %(id)s;

-- name: last_author
-- Who wrote last in a thread.
SELECT m.user_id FROM conversations c JOIN messages m ON m.conversation_id = c.id
WHERE (c.team_id, c.channel_id, c.thread_ts)
  = (%(team_id)s, %(channel_id)s, %(thread_ts)s)
ORDER BY m.id DESC LIMIT 1;

-- name: shown
-- A card stands in Slack: a fact about each request on it.
INSERT INTO audit (team_id, event, request_id, conversation_id, detail)
SELECT r.team_id, 'shown', r.id, r.conversation_id, jsonb_build_object(
  'on_behalf_of', r.requester_id, 'tool', r.tool, 'schema', r.schema_digest,
  'call', r.call_digest, 'digest', r.grant_digest, 'policy', r.policy_version,
  'channel', %(channel)s::text, 'ts', %(ts)s::text, 'card', %(id)s::text,
  'number', row_number() OVER (ORDER BY r.position, r.raised_at, r.id),
  'calls', count(*) OVER ())
FROM requests r JOIN request_messages m ON m.request_id = r.id
WHERE m.delivery_id = %(id)s::uuid
ORDER BY r.position, r.raised_at, r.id;

-- name: followers_of_card
-- What links to a card that now stands, since its requests are decided there; and
-- whether it stands already, with the link to the card before.
SELECT DISTINCT d.id, d.message_ts IS NOT NULL AS stands
FROM requests r
JOIN request_messages m ON m.request_id = r.id
JOIN deliveries d ON d.id = m.delivery_id AND d.kind IN ('notice', 'held')
WHERE r.card_id = %(id)s;

-- name: out_of_date
-- These messages show something old now.
UPDATE deliveries SET revision = revision + 1 WHERE id = ANY(%(ids)s);

-- name: place_of_conversation
-- The thread that a request came from.
SELECT channel_id, thread_ts FROM conversations WHERE id = %(id)s;

-- name: offer
-- Whether a sentence offers to try again, and who has done it.
SELECT o.taken_by, o.taken_at, c.generation = o.generation AS stands
FROM offers o JOIN conversations c ON c.id = o.conversation_id
WHERE o.delivery_id = %(id)s;
