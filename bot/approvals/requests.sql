-- name: raise
-- Requests as they are raised; raising the same interrupt again changes nothing.
SELECT raise_requests(%(asked)s) AS raised;

-- name: select_rejected_lately
-- The clock, and what people have rejected here within the last hour.
SELECT bot_now() AS now, rejected_lately(%(conversation)s) AS rejected;

-- name: insert_delivery
-- Something to be sent; the job that sends it is deferred beside it.
INSERT INTO deliveries (id, kind, team_id, channel_id, thread_ts, user_id, text)
VALUES (%(id)s, %(kind)s, %(team)s, %(channel)s, %(thread_ts)s, %(user)s, %(text)s);

-- name: place_of_card
-- Where a request's card stands.
SELECT d.channel_id, d.thread_ts FROM requests r JOIN deliveries d ON d.id = r.card_id
WHERE r.id = %(id)s;

-- name: show_in
-- A message that is about these requests.
INSERT INTO request_messages (request_id, delivery_id)
SELECT unnest(%(requests)s::text[]), %(delivery)s;

-- name: touch_deliveries
-- The messages of a request show something old now. They may be those of other requests
-- too, so that their locks are taken in one order everywhere.
UPDATE deliveries SET revision = revision + 1
WHERE id IN (SELECT d.id
  FROM request_messages m JOIN deliveries d ON d.id = m.delivery_id
  WHERE m.request_id = %(id)s ORDER BY d.id FOR NO KEY UPDATE OF d)
RETURNING id;

-- name: clock
-- The only clock.
SELECT bot_now() AS now;

-- name: lock_request
-- Take a request, then read it: its holder decides. By its id, or by what one of
-- its buttons carries or carried.
SELECT lock_request(%(id)s::text) AS request;

-- name: find_request
-- One request, whole, with the clock, by its id or by a button's token.
SELECT * FROM full_requests r
WHERE r.id = COALESCE(
  (SELECT t.id FROM requests t WHERE t.token = %(id)s),
  (SELECT t.request_id FROM spent_tokens t WHERE t.token = %(id)s), %(id)s);

-- name: select_requests
-- Several requests, whole: those of a status, of a code; the newest ones, newest first.
SELECT * FROM full_requests r
WHERE (%(status)s::text IS NULL OR r.status = %(status)s)
  AND (%(code)s::text IS NULL OR r.code = %(code)s)
ORDER BY r.raised_at DESC, r.position DESC, r.id DESC
LIMIT %(limit)s;

-- name: select_requests_named
-- Requests by their ids, in that order.
SELECT * FROM full_requests r
WHERE r.id = ANY(%(ids)s)
ORDER BY array_position(%(ids)s, r.id);

-- name: select_requests_shown
-- The requests that a message in Slack shows, in call order.
SELECT * FROM full_requests r
WHERE r.id IN (SELECT m.request_id FROM request_messages m
               WHERE m.delivery_id = %(delivery)s)
ORDER BY r.raised_at, r.position, r.id;

-- name: find_card
-- A card by its place; by its id, where Slack's word on its place is not stored yet.
SELECT id::text AS id, COALESCE(user_id, '') AS reader FROM deliveries
WHERE kind = 'card' AND (
  (posted_channel = %(channel)s AND message_ts = %(ts)s)
  OR (message_ts IS NULL AND id::text = %(card)s))
LIMIT 1;

-- name: select_requests_unresumed
-- What a conversation's graph waits for: open questions, and answers not yet taken.
SELECT * FROM full_requests r
WHERE r.conversation_id = %(conversation)s AND r.resumed_at IS NULL
ORDER BY r.raised_at, r.position, r.id;

-- name: comment
-- A message in the thread of a card of ours, once: kept with the requests on the card.
WITH card AS (
  SELECT id FROM deliveries
  WHERE kind = 'card' AND team_id = %(team)s AND posted_channel = %(channel)s
    AND message_ts = %(thread_ts)s),
kept AS (
  INSERT INTO comments (request_id, team_id, user_id, channel_id, ts, text)
  SELECT m.request_id, %(team)s, %(user)s, %(channel)s, %(ts)s, %(text)s
  FROM card JOIN request_messages m ON m.delivery_id = card.id
  ON CONFLICT DO NOTHING
  RETURNING request_id),
trail AS (
  INSERT INTO audit (team_id, event, request_id, conversation_id, actor, via, detail)
  SELECT r.team_id, 'commented', r.id, r.conversation_id, %(user)s, 'slack',
    jsonb_build_object('tool', r.tool)
  FROM kept JOIN requests r ON r.id = kept.request_id),
touched AS (  -- in the order of `touch_deliveries`
  UPDATE deliveries SET revision = revision + 1
  WHERE id IN (SELECT d.id FROM kept JOIN request_messages m USING (request_id)
    JOIN deliveries d ON d.id = m.delivery_id
    WHERE d.kind = 'card' ORDER BY d.id FOR NO KEY UPDATE OF d)
  RETURNING id)
SELECT EXISTS (SELECT FROM card) AS is_card,
  EXISTS (SELECT FROM card JOIN request_messages m ON m.delivery_id = card.id
    JOIN requests r ON r.id = m.request_id WHERE r.status = 'pending') AS is_open,
  ARRAY(SELECT id::text FROM touched) AS touched;
