-- name: tell_alone
-- Whether nobody else works the outbox off; until the transaction ends. One at a time,
-- so that the changes of a request are told in their order.
SELECT pg_try_advisory_xact_lock(hashtext('approval-bot'), hashtext('outbox')) AS alone;

-- name: take_outbox
-- The oldest changes, which are told by what the same transaction writes.
DELETE FROM outbox WHERE seq IN (SELECT seq FROM outbox ORDER BY seq LIMIT %(limit)s)
RETURNING *;

-- name: insert_event
-- An event as it is sent, each time.
INSERT INTO webhook_events (seq, request_id, type, body)
VALUES (%(seq)s, %(request)s, %(type)s, %(body)s)
ON CONFLICT (seq) DO NOTHING;

-- name: pick_event
-- Requests with an event that nobody has sent in time, handed out to one process: nobody
-- else picks them before its lease would be over. Those of a request go one by one.
UPDATE webhook_events SET due_at = clock_timestamp() + %(lease)s
WHERE seq IN (
  SELECT w.seq FROM webhook_events w
  WHERE w.state = 'queued' AND w.due_at <= clock_timestamp()
    AND (w.taken_until IS NULL OR w.taken_until < clock_timestamp())
    AND NOT EXISTS (SELECT FROM webhook_events e WHERE e.state = 'queued'
      AND e.request_id = w.request_id AND e.seq < w.seq)
  ORDER BY w.due_at, w.seq LIMIT %(most)s FOR UPDATE SKIP LOCKED)
RETURNING request_id AS key;

-- name: take_event
-- Begin to send the oldest event of a request; the lease goes by the real clock.
UPDATE webhook_events w SET taken_until = clock_timestamp() + %(lease)s
WHERE w.seq = (SELECT min(e.seq) FROM webhook_events e
    WHERE e.request_id = %(key)s AND e.state = 'queued')
  AND w.state = 'queued'
  AND (w.taken_until IS NULL OR w.taken_until < clock_timestamp())
RETURNING w.seq, w.request_id, w.type, w.body, w.tries, w.made_at, bot_now() AS now;

-- name: postpone_event
-- It is tried again later.
UPDATE webhook_events SET taken_until = NULL, tries = tries + 1, tried_at = bot_now(),
  answer = %(answer)s,
  due_at = clock_timestamp() + make_interval(secs => %(seconds)s)
WHERE seq = %(seq)s;

-- name: event_ends
-- What came of the last try.
UPDATE webhook_events SET tries = tries + 1, tried_at = bot_now(), answer = %(answer)s,
  state = %(state)s, taken_until = NULL,
  sent_at = CASE WHEN %(state)s = 'sent' THEN bot_now() END
WHERE seq = %(seq)s;

-- name: insert_email
-- One e-mail to one person about one change.
INSERT INTO emails (id, seq, request_id, team_id, user_id, kind)
VALUES (%(id)s, %(seq)s, %(request)s, %(team)s, %(user)s, %(kind)s)
ON CONFLICT (seq, user_id) DO NOTHING;

-- name: pick_email
-- E-mails that nobody has sent in time, handed out as `pick_event` does.
UPDATE emails SET due_at = clock_timestamp() + %(lease)s
WHERE id IN (
  SELECT id FROM emails
  WHERE state = 'queued' AND due_at <= clock_timestamp()
    AND (taken_until IS NULL OR taken_until < clock_timestamp())
  ORDER BY due_at LIMIT %(most)s FOR UPDATE SKIP LOCKED)
RETURNING id::text AS key;

-- name: take_email
-- Begin to send an e-mail; the lease goes by the real clock.
UPDATE emails SET taken_until = clock_timestamp() + %(lease)s
WHERE id = %(key)s AND state = 'queued'
  AND (taken_until IS NULL OR taken_until < clock_timestamp())
RETURNING id, seq, request_id, team_id, user_id, kind, tries, made_at, bot_now() AS now;

-- name: postpone_email
-- It is tried again later.
UPDATE emails SET taken_until = NULL, tries = tries + 1, answer = %(answer)s,
  due_at = clock_timestamp() + make_interval(secs => %(seconds)s)
WHERE id = %(id)s;

-- name: email_ends
-- What came of the last try.
UPDATE emails SET tries = tries + 1, answer = %(answer)s, state = %(state)s,
  taken_until = NULL,
  sent_at = CASE WHEN %(state)s = 'sent' THEN bot_now() END
WHERE id = %(id)s;
