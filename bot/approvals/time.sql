-- name: wind_clock
-- A stage has opened, or has got other times: when it is over, and when to look whether
-- anything comes before, which hours can only delay.
UPDATE requests r SET
  stage_expires_at = o.opened_at + make_interval(secs => (o.times->>'timeout')::float8),
  wake_at = o.opened_at + make_interval(secs => LEAST((o.times->>'after')::float8,
    (SELECT min(each::float8)
     FROM jsonb_array_elements_text(o.times->'reminders') AS each)))
FROM (
  SELECT opened_at, times FROM stages
  WHERE request_id = %(id)s AND passed_at IS NULL ORDER BY position LIMIT 1) AS o
WHERE r.id = %(id)s;

-- name: select_due
-- Requests whose time is over; each replica takes others. `overdue`: how many there are,
-- counted up to 10,000.
SELECT id, (SELECT count(*) FROM (SELECT FROM requests WHERE status = 'pending'
    AND LEAST(expires_at, stage_expires_at) <= bot_now() LIMIT 10000) AS due) AS overdue
FROM requests
WHERE status = 'pending' AND LEAST(expires_at, stage_expires_at) <= bot_now()
ORDER BY LEAST(expires_at, stage_expires_at) LIMIT %(limit)s FOR UPDATE SKIP LOCKED;

-- name: select_waking
-- Requests whose open stage may need a reminder or an escalation; each replica takes
-- others.
SELECT id FROM requests
WHERE status = 'pending' AND wake_at <= bot_now()
ORDER BY wake_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED;

-- name: select_lapsed
-- Requests of agents outside that were not claimed in time, or claimed and of which
-- nothing was told; each replica takes others.
SELECT r.id FROM requests r JOIN grants g ON g.request_id = r.id
WHERE g.due_at <= bot_now() AND g.state IN ('approved', 'executing')
ORDER BY g.due_at LIMIT %(limit)s FOR UPDATE OF r SKIP LOCKED;

-- name: drop_unclaimed
-- What nobody has claimed in time is allowed no more. The row is locked before.
WITH gone AS (
  DELETE FROM grants WHERE request_id = %(id)s AND state = 'approved'
    AND due_at <= bot_now()
  RETURNING request_id)
UPDATE requests r SET status = 'timed_out', outcome = 'unclaimed', outcome_note = ''
FROM gone WHERE r.id = gone.request_id
RETURNING r.id;

-- name: give_up_result
-- Claimed, and nothing told in time: nobody knows whether it happened.
UPDATE grants SET state = 'unknown', finished_at = bot_now()
WHERE request_id = %(id)s AND state = 'executing' AND due_at <= bot_now()
RETURNING request_id;

-- name: wake_later
-- Nothing is due yet, or nothing comes any more.
UPDATE requests SET wake_at = %(wake)s WHERE id = %(id)s;

-- name: nudge
-- A reminder or an escalation: done, told, written down, in one go. Says which messages
-- now show something old. The message stands where the card does: in the card's thread,
-- whose place is found when it is sent, or in the conversation's thread beside it. The
-- row is locked before.
WITH stage AS (
  UPDATE stages SET reminded_at = %(reminded_at)s, escalated_at = %(escalated_at)s
  WHERE request_id = %(id)s AND position = %(stage)s),
request AS (
  UPDATE requests SET wake_at = %(wake)s WHERE id = %(id)s RETURNING *),
message AS (
  INSERT INTO deliveries (id, kind, team_id, channel_id, thread_ts, stage)
  SELECT %(delivery)s, %(kind)s, r.team_id, d.channel_id, d.thread_ts, %(stage)s
  FROM request r JOIN deliveries d ON d.id = r.card_id
  UNION ALL  -- a person with a copy is told beside it
  SELECT gen_random_uuid(), %(kind)s, r.team_id, c.channel_id, NULL, %(stage)s
  FROM request r JOIN deliveries d ON d.id = r.card_id AND d.user_id IS NOT NULL
  JOIN request_messages m ON m.request_id = r.id
  JOIN deliveries c ON c.id = m.delivery_id AND c.kind = 'card'
    AND c.user_id IS NOT NULL AND c.id <> d.id
  RETURNING id),
shown AS (
  INSERT INTO request_messages (request_id, delivery_id)
  SELECT %(id)s, id FROM message),
trail AS (
  INSERT INTO audit (team_id, event, request_id, conversation_id, actor, via, detail)
  SELECT a.team, a.event, a.request, a.conversation, a.actor, a.via, a.detail
  FROM jsonb_to_recordset(%(facts)s::jsonb)
    AS a (team text, event text, request text, conversation uuid, actor text,
          via text, detail jsonb))
UPDATE deliveries SET revision = revision + 1
WHERE id IN (SELECT d.id FROM request_messages m JOIN deliveries d ON d.id = m.delivery_id
  WHERE m.request_id = %(id)s ORDER BY d.id FOR NO KEY UPDATE OF d)  -- in this order
RETURNING id::text AS id;
