-- A job as by `defer_for_conversation`, behind all those that people wait for.
CREATE FUNCTION defer_behind_others(task text, conversation uuid) RETURNS bigint
LANGUAGE sql AS $$
  SELECT (procrastinate_defer_jobs_v1(ARRAY[
    ROW('runs', task, -1, conversation::text, NULL,
      jsonb_build_object('conversation', conversation), NULL
    )::procrastinate_job_to_defer_v1
  ]))[1]
$$;
