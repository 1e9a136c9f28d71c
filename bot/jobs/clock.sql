-- name: take_back_alone
-- Whether nobody else gives the jobs of dead workers back; until the transaction ends.
SELECT pg_try_advisory_xact_lock(hashtext('approval-bot'), hashtext('stalled')) AS alone;

-- name: select_left_behind
-- Conversations with work but no job: a job was lost, or gave up. While people are
-- waited for, only a message that nobody has answered yet is work.
SELECT m.conversation_id AS id, 'turn' AS job FROM messages m
WHERE m.state IN ('received', 'held', 'running')
  AND m.received_at < bot_now() - %(age)s
  AND (m.state = 'received' OR NOT EXISTS (SELECT FROM requests r
    WHERE r.conversation_id = m.conversation_id AND r.resumed_at IS NULL))
  AND NOT EXISTS (SELECT FROM procrastinate_jobs j
    WHERE j.lock = m.conversation_id::text AND j.status IN ('todo', 'doing'))
UNION
SELECT r.conversation_id, 'resume' FROM requests r
WHERE r.resumed_at IS NULL AND r.status <> 'pending'
  AND r.decided_at < bot_now() - %(age)s
  AND NOT EXISTS (SELECT FROM procrastinate_jobs j
    WHERE j.lock = r.conversation_id::text AND j.status IN ('todo', 'doing'))
UNION
SELECT d.id, 'deliver' FROM deliveries d
WHERE d.shown < d.revision AND d.state <> 'failed'
  AND d.created_at < bot_now() - %(age)s
  -- a notice links to its card, and is sent when that stands
  AND NOT EXISTS (SELECT FROM requests r JOIN deliveries c ON c.id = r.card_id
    WHERE r.notice_id = d.id AND r.status = 'pending' AND c.message_ts IS NULL)
  AND NOT EXISTS (SELECT FROM procrastinate_jobs j
    WHERE j.lock = d.id::text AND j.status IN ('todo', 'doing'))
LIMIT %(limit)s;

-- name: select_unpruned
-- Conversations that are quiet now and keep checkpoints that nobody needs.
SELECT id FROM conversations
WHERE pruned < generation AND last_run_at < bot_now() - %(age)s
  AND NOT EXISTS (SELECT FROM procrastinate_jobs j
    WHERE j.lock = conversations.id::text AND j.status IN ('todo', 'doing'))
ORDER BY last_run_at LIMIT %(limit)s;

-- name: held
-- Jobs that these workers are said to be at.
SELECT id, worker_id FROM procrastinate_jobs
WHERE status = 'doing' AND worker_id = ANY(%(workers)s);
