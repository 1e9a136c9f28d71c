-- name: select_card_history
-- The trail of the requests on one card: their own rows, the posting of all their cards,
-- and the message of the requester that each of them came from. `number` counts the calls.
WITH card AS (
  SELECT id FROM deliveries
  WHERE kind = 'card' AND message_ts = %(ts)s
    AND COALESCE(posted_channel, channel_id) = %(channel)s
), asked AS (
  SELECT r.id, r.conversation_id, r.requester_id,
    row_number() OVER (ORDER BY r.position, r.raised_at, r.id) AS number,
    (SELECT min(a.seq) FROM audit a WHERE a.request_id = r.id) AS first_seq
  FROM requests r
  JOIN request_messages m ON m.request_id = r.id
  JOIN card ON card.id = m.delivery_id
), cards AS (
  SELECT DISTINCT m.delivery_id AS id
  FROM request_messages m JOIN asked ON asked.id = m.request_id
), origins AS (
  SELECT DISTINCT (
    SELECT max(a.seq) FROM audit a
    WHERE a.event = 'received' AND a.conversation_id = asked.conversation_id
      AND a.actor = asked.requester_id AND a.seq < asked.first_seq) AS seq
  FROM asked
)
SELECT a.seq, a.at, a.event, a.actor, a.via, a.detail, asked.number,
  (SELECT count(*) FROM asked) AS calls
FROM audit a LEFT JOIN asked ON asked.id = a.request_id
WHERE asked.id IS NOT NULL
   OR a.seq IN (SELECT seq FROM origins)
   OR (a.event = 'shown' AND a.detail->>'card' IN (SELECT id::text FROM cards))
ORDER BY a.seq;
