-- A job as by `defer_for_conversation`, which a worker is at from the start: its id, if
-- the worker lives, and nothing else of the conversation is at work or waits. Else it
-- waits like any other, and this is null. What is written at the same time is not waited
-- for: a click waits for no run and no other click.
CREATE FUNCTION begin_for_conversation(task text, conversation uuid, worker bigint)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  named text := conversation;
  begun bigint;
  waiting bigint;
BEGIN
  IF worker IS NOT NULL
    AND pg_try_advisory_xact_lock(hashtext('begin'), hashtext(named))
  THEN
    INSERT INTO procrastinate_jobs (queue_name, task_name, lock, args, status, worker_id)
    SELECT 'runs', task, named, jsonb_build_object('conversation', conversation),
      'doing', w.id
    FROM procrastinate_workers w
    WHERE w.id = worker AND NOT EXISTS (SELECT FROM procrastinate_jobs j
      WHERE j.lock = named AND j.status IN ('todo', 'doing'))
    FOR KEY SHARE OF w  -- so that it is not forgotten before this is committed
    ON CONFLICT DO NOTHING  -- another one was fetched since
    RETURNING id INTO begun;
  END IF;
  IF begun IS NULL THEN
    waiting := defer_for_conversation(task, conversation);
  END IF;
  RETURN begun;
END $$;
