-- name: held
-- Jobs that these workers are said to be at.
SELECT id, worker_id FROM procrastinate_jobs
WHERE status = 'doing' AND worker_id = ANY(%(workers)s);
