-- What belongs together in one trip to the server. These are functions, and not one
-- statement each, since a row that a statement has waited for is read beside all other
-- tables as they were before; here the second step sees what the first has waited for.

-- A request as everything reads it.
CREATE FUNCTION whole_request(request text) RETURNS jsonb STABLE LANGUAGE sql AS $$
  SELECT to_jsonb(r)
    || jsonb_build_object('finished_at', g.finished_at, 'result', g.result)
  FROM timed_requests r LEFT JOIN grants g ON g.request_id = r.id
  WHERE r.id = request
$$;

-- Take a request before it is read: whoever holds it decides. By its id, or by what one
-- of its buttons carries or carried; null if there is none.
CREATE FUNCTION lock_request(named text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  locked text;
BEGIN
  SELECT r.id INTO locked FROM requests r
  WHERE r.id = COALESCE(
    (SELECT t.id FROM requests t WHERE t.token = named),
    (SELECT t.request_id FROM spent_tokens t WHERE t.token = named), named)
  FOR UPDATE;
  RETURN whole_request(locked);
END $$;

-- A job that follows from the statement around it. No two with the same lock run at the
-- same time.
CREATE FUNCTION defer_job(task text, lock text, arguments jsonb) RETURNS bigint
LANGUAGE sql AS $$
  SELECT (procrastinate_defer_jobs_v1(ARRAY[
    ROW('runs', task, 0, lock, NULL, arguments, NULL)::procrastinate_job_to_defer_v1
  ]))[1]
$$;

CREATE FUNCTION defer_for_conversation(task text, conversation uuid) RETURNS bigint
LANGUAGE sql AS $$
  SELECT defer_job(task, conversation::text,
    jsonb_build_object('conversation', conversation))
$$;

-- Read a conversation, and start a run of it where its work is there to be done: a turn
-- where nothing is waited for and a message is open, which is taken up; a look at what a
-- changed graph still asks, where something is waited for; any other work always.
-- Whatever ran before under a lower number has been replaced. The commit waits for the
-- disk: a number given out twice, after a crash of the server, would let two runs
-- believe that they are the conversation's own.
CREATE FUNCTION start_run(wanted uuid, work text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  waits boolean;
  message bigint;
  is_new boolean := false;
  run bigint;
BEGIN
  PERFORM FROM conversations c WHERE c.id = wanted FOR NO KEY UPDATE;
  waits := EXISTS (SELECT FROM requests r
    WHERE r.conversation_id = wanted AND r.resumed_at IS NULL);
  IF work IN ('turn', 'end') AND NOT waits THEN
    -- in the order in which people wrote them: events overtake each other
    SELECT m.id, m.state <> 'running' INTO message, is_new FROM messages m
    WHERE m.conversation_id = wanted AND m.state IN ('received', 'held', 'running')
    ORDER BY m.state <> 'running', m.ts COLLATE "C", m.id LIMIT 1;
    UPDATE messages m SET state = 'running' WHERE m.id = message AND is_new;
  END IF;
  IF work IN ('resume', 'end') OR (work = 'turn' AND message IS NOT NULL)
    OR (work = 'reconcile' AND waits)
  THEN
    UPDATE conversations c SET generation = c.generation + 1, last_run_at = bot_now()
    WHERE c.id = wanted RETURNING c.generation INTO run;
  END IF;
  RETURN (
    SELECT to_jsonb(c) || jsonb_build_object(
      'now', bot_now(), 'waits', waits, 'run', run, 'is_new', is_new IS TRUE,
      'messages', (SELECT jsonb_agg(to_jsonb(m) ORDER BY m.ts COLLATE "C", m.id)
        FROM messages m WHERE m.conversation_id = c.id
          AND m.state IN ('received', 'held', 'running')),
      'participants', ARRAY(SELECT DISTINCT m.user_id FROM messages m
        WHERE m.conversation_id = c.id AND m.state IN ('running', 'failed')
          AND m.id > COALESCE((SELECT max(a.id) FROM messages a
            WHERE a.conversation_id = c.id AND a.state = 'answered'), 0)),
      'requests', ARRAY(SELECT whole_request(r.id) FROM requests r
        WHERE waits AND r.conversation_id = c.id AND r.resumed_at IS NULL
        ORDER BY r.raised_at, r.position, r.id))
    FROM conversations c WHERE c.id = wanted);
END $$;
