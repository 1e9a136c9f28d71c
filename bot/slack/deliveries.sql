-- name: take
-- Begin to send: from here on the outcome may be unknown. Says what it was before.
WITH before AS (
  SELECT id, state FROM deliveries WHERE id = %(id)s AND shown < revision FOR UPDATE)
UPDATE deliveries d
SET state = CASE WHEN d.message_ts IS NULL THEN 'sending' ELSE d.state END
FROM before WHERE d.id = before.id
RETURNING d.*, before.state AS was;

-- name: sent
-- It stands in Slack, as of this revision.
UPDATE deliveries SET state = 'sent', shown = greatest(shown, %(revision)s), error = NULL,
  message_ts = %(ts)s, posted_channel = %(channel)s,
  sent_at = COALESCE(sent_at, bot_now())
WHERE id = %(id)s;

-- name: failed
-- Slack refuses it for good.
UPDATE deliveries SET state = 'failed', shown = revision, error = %(error)s
WHERE id = %(id)s;

-- name: notices_of_card
-- What the conversations' threads say about the requests of a card that now stands.
SELECT DISTINCT notice_id AS id FROM requests
WHERE card_id = %(id)s AND notice_id IS NOT NULL;
