-- name: take_back_alone
-- Whether nobody else gives the jobs of dead workers back; until the transaction ends.
SELECT pg_try_advisory_xact_lock(hashtext('approval-bot'), hashtext('stalled')) AS alone;

-- name: what_is_due
-- All that the clock may have to see to, by duty; one look for a tick at which nothing is
-- due. `left_behind`: conversations with work but no job, since a job was lost, or gave
-- up; while people are waited for, only a message that nobody has answered yet is work.
-- `unpruned`: conversations that are quiet now and keep checkpoints that nobody needs.
-- `held`: jobs that these workers are said to be at.
SELECT
  EXISTS (SELECT FROM requests WHERE status = 'pending'
    AND LEAST(expires_at, stage_expires_at) <= bot_now()) AS overdue,
  EXISTS (SELECT FROM requests WHERE status = 'pending'
    AND wake_at <= bot_now()) AS waking,
  EXISTS (SELECT FROM grants WHERE due_at <= bot_now()
    AND state IN ('approved', 'executing')) AS lapsed,
  EXISTS (SELECT FROM deliveries WHERE shown < revision
    AND due_at <= clock_timestamp()
    AND (taken_until IS NULL OR taken_until < clock_timestamp())) AS messages,
  EXISTS (SELECT FROM deliveries WHERE redraw_at <= bot_now()) AS outdated,
  EXISTS (SELECT FROM outbox) AS changes,
  EXISTS (SELECT FROM home_viewers
    WHERE opened_at > bot_now() - interval '30 minutes' OR (shown < revision
      AND due_at <= clock_timestamp())) AS homes,
  EXISTS (SELECT FROM delegations) AS delegations,
  EXISTS (SELECT FROM webhook_events WHERE state = 'queued'
    AND due_at <= clock_timestamp()
    AND (taken_until IS NULL OR taken_until < clock_timestamp())) AS events,
  EXISTS (SELECT FROM emails WHERE state = 'queued'
    AND due_at <= clock_timestamp()
    AND (taken_until IS NULL OR taken_until < clock_timestamp())) AS emails,
  EXISTS (SELECT FROM procrastinate_jobs j
    LEFT JOIN procrastinate_workers w ON w.id = j.worker_id
    WHERE j.status = 'doing' AND (w.id IS NULL
      OR w.last_heartbeat < now() - make_interval(secs => %(stalled)s))) AS stalled,
  ARRAY(SELECT jsonb_build_array(j.id, j.worker_id) FROM procrastinate_jobs j
    WHERE j.status = 'doing' AND j.worker_id = ANY(%(workers)s)) AS held,
  ARRAY(SELECT c.id::text FROM conversations c
    WHERE c.pruned < c.generation AND c.last_run_at < bot_now() - %(quiet)s
      AND NOT EXISTS (SELECT FROM procrastinate_jobs j
        WHERE j.lock = c.id::text AND j.status IN ('todo', 'doing'))
    ORDER BY c.last_run_at LIMIT %(pruned_at_once)s) AS unpruned,
  ARRAY(SELECT jsonb_build_array(l.job, l.id) FROM (
    SELECT m.conversation_id AS id, 'turn' AS job FROM messages m
    WHERE m.state IN ('received', 'held', 'running')
      AND m.received_at < bot_now() - %(age)s
      AND (m.state = 'received' OR NOT EXISTS (SELECT FROM requests r
        WHERE r.conversation_id = m.conversation_id AND r.resumed_at IS NULL))
    UNION
    SELECT r.conversation_id, 'resume' FROM requests r
    WHERE r.resumed_at IS NULL AND r.status <> 'pending'
      AND r.decided_at < bot_now() - %(age)s) AS l
    WHERE NOT EXISTS (SELECT FROM procrastinate_jobs j
      WHERE j.lock = l.id::text AND j.status IN ('todo', 'doing'))
    LIMIT %(most)s) AS left_behind;

-- name: redraw
-- Messages that time alone has made old: what they offered is over.
UPDATE deliveries SET revision = revision + 1, redraw_at = NULL
WHERE id IN (SELECT id FROM deliveries WHERE redraw_at <= bot_now()
  LIMIT %(most)s FOR UPDATE SKIP LOCKED);
