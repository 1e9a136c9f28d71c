-- name: alone
-- Whether no other replica is at it; until the transaction ends.
SELECT pg_try_advisory_xact_lock(hashtext('approval-bot'), hashtext('retention')) AS alone;

-- name: forget_conversations
-- Some of the conversations that have been over for as long as that, with all that
-- belongs to them.
SELECT forget_conversations(%(keep)s, %(most)s) AS gone;

-- name: forget_paces
-- What counted people who have long sent nothing.
SELECT forget_paces(%(keep)s, %(most)s);

-- name: forget_messages
-- Old messages of threads that go on: the inbox, not what the agent knows of them. What a
-- request came from stays with it.
DELETE FROM messages WHERE id IN (
  SELECT m.id FROM messages m
  WHERE m.state IN ('answered', 'failed', 'refused', 'deleted')
    AND m.received_at < bot_now() - %(keep)s
    AND NOT EXISTS (SELECT FROM requests r WHERE r.message_id = m.id)
    AND m.id < (SELECT max(l.id) FROM messages l
      WHERE l.conversation_id = m.conversation_id AND l.state = 'answered')
  ORDER BY m.received_at LIMIT %(most)s
  FOR UPDATE SKIP LOCKED);

-- name: forget_deliveries
-- Old messages that stand in Slack, or never will; what shows a request stays with it.
DELETE FROM deliveries WHERE id IN (
  SELECT d.id FROM deliveries d
  WHERE d.shown >= d.revision AND d.created_at < bot_now() - %(keep)s
    AND NOT EXISTS (SELECT FROM request_messages s WHERE s.delivery_id = d.id)
    AND NOT EXISTS (SELECT FROM requests r WHERE r.card_id = d.id OR r.notice_id = d.id)
  ORDER BY d.created_at LIMIT %(most)s
  FOR UPDATE SKIP LOCKED);

-- name: forget_jobs
-- Jobs that were given up long ago; those that were done are gone already. The queue
-- goes by the server's clock, and so does this. And what a replica of an older version
-- has left: messages, e-mails and events have no jobs any more.
DELETE FROM procrastinate_jobs WHERE id IN (
  SELECT j.id FROM procrastinate_jobs j
  WHERE (j.status IN ('failed', 'succeeded', 'cancelled', 'aborted')
      OR j.task_name IN ('deliver', 'email', 'webhook'))
    AND NOT EXISTS (SELECT FROM procrastinate_events e
      WHERE e.job_id = j.id AND e.at >= bot_now() - %(keep)s)
  ORDER BY j.id LIMIT %(most)s
  FOR UPDATE SKIP LOCKED);

-- name: forget_events
-- Events that were told outside of Slack long ago, or given up.
SELECT forget_events(%(keep)s, %(most)s);

-- name: forget_allowed
-- What was allowed ahead, and who stood in for whom, long after its end.
SELECT forget_allowed(%(keep)s, %(most)s);

-- name: erase_texts
-- What people and models wrote, beside old rows of the trail: the rows stay, with the
-- digests. What a request that is not over has to say about itself stays readable.
DELETE FROM audit_texts WHERE (seq, name) IN (
  SELECT t.seq, t.name FROM audit_texts t
  WHERE t.seq <= (SELECT a.seq FROM audit a
      WHERE a.at < bot_now() - %(keep)s ORDER BY a.at DESC LIMIT 1)
    AND NOT EXISTS (SELECT FROM audit a JOIN requests r ON r.id = a.request_id
      WHERE a.seq = t.seq AND request_is_open(r))
  ORDER BY t.seq LIMIT %(most)s);
