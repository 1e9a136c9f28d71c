-- name: count_states
-- For the metrics: how many rows of each thing are in each state.
SELECT 'requests' AS what, status AS word, count(*) AS n FROM requests GROUP BY status
UNION ALL
SELECT 'actions', state, count(*) FROM grants GROUP BY state
UNION ALL
SELECT 'messages', state, count(*) FROM messages GROUP BY state
UNION ALL
SELECT 'deliveries', state, count(*) FROM deliveries GROUP BY state
UNION ALL
SELECT 'emails', state, count(*) FROM emails GROUP BY state
UNION ALL
SELECT 'events', state, count(*) FROM webhook_events GROUP BY state
UNION ALL
SELECT 'pauses', 'in_force', count(*) FROM pauses
UNION ALL
SELECT 'feedback', rating, count(*) FROM feedback GROUP BY rating
UNION ALL
SELECT 'jobs', status::text, count(*) FROM procrastinate_jobs GROUP BY status

-- name: oldest_pending
-- The age in seconds of the request that has waited longest.
SELECT COALESCE(extract(epoch FROM bot_now() - min(raised_at)), 0) AS age
FROM requests WHERE status = 'pending'
