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

-- name: select_event
-- An event that is to be sent, and whether its time is over.
SELECT seq, request_id, type, body, tries,
  made_at < bot_now() - %(patience)s AS is_over
FROM webhook_events WHERE seq = %(seq)s AND state = 'queued';

-- name: event_tried
-- What came of a try.
UPDATE webhook_events SET tries = tries + 1, tried_at = bot_now(), answer = %(answer)s,
  state = %(state)s,
  sent_at = CASE WHEN %(state)s = 'sent' THEN bot_now() END
WHERE seq = %(seq)s;

-- name: insert_email
-- One e-mail to one person about one change.
INSERT INTO emails (id, seq, request_id, team_id, user_id, kind)
VALUES (%(id)s, %(seq)s, %(request)s, %(team)s, %(user)s, %(kind)s)
ON CONFLICT (seq, user_id) DO NOTHING
RETURNING id;

-- name: select_email
-- An e-mail that is to be sent, and whether its time is over.
SELECT id, seq, request_id, team_id, user_id, kind, tries,
  made_at < bot_now() - %(patience)s AS is_over
FROM emails WHERE id = %(id)s AND state = 'queued';

-- name: email_tried
-- What came of a try.
UPDATE emails SET tries = tries + 1, answer = %(answer)s, state = %(state)s,
  sent_at = CASE WHEN %(state)s = 'sent' THEN bot_now() END
WHERE id = %(id)s;

-- name: notices_left_behind
-- E-mails and events whose job was lost.
SELECT 'email' AS job, e.id::text AS id, e.id::text AS lock FROM emails e
WHERE e.state = 'queued' AND e.made_at < bot_now() - %(age)s
  AND NOT EXISTS (SELECT FROM procrastinate_jobs j
    WHERE j.lock = e.id::text AND j.status IN ('todo', 'doing'))
UNION ALL
SELECT 'webhook', w.seq::text, w.request_id FROM webhook_events w
WHERE w.state = 'queued' AND w.made_at < bot_now() - %(age)s
  AND NOT EXISTS (SELECT FROM procrastinate_jobs j
    WHERE j.lock = 'webhook:' || w.request_id AND j.status IN ('todo', 'doing'))
LIMIT %(limit)s;
