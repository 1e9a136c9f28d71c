-- As before, but the commit of its statement may wait for the disk, as that of the one
-- that stores a message has to. The function without that choice stays for replicas of
-- the version before.
CREATE FUNCTION start_run(wanted uuid, work text, waits_for_disk boolean) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
  waits boolean;
  message bigint;
  is_new boolean := false;
  run bigint;
  asked jsonb[] := '{}';
BEGIN
  PERFORM FROM conversations c WHERE c.id = wanted FOR NO KEY UPDATE;
  IF NOT waits_for_disk THEN
    PERFORM set_config('synchronous_commit', 'off', true);
  END IF;
  waits := EXISTS (SELECT FROM requests r
    WHERE r.conversation_id = wanted AND r.resumed_at IS NULL);
  IF waits THEN
    asked := ARRAY(SELECT to_jsonb(r) FROM full_requests r
      WHERE r.conversation_id = wanted AND r.resumed_at IS NULL
      ORDER BY r.raised_at, r.position, r.id);
  ELSIF work IN ('turn', 'end') THEN
    -- in the order in which people wrote them: events overtake each other
    SELECT m.id, m.state <> 'running' INTO message, is_new FROM messages m
    WHERE m.conversation_id = wanted AND m.state IN ('received', 'held', 'running')
    ORDER BY m.state <> 'running', m.ts COLLATE "C", m.id LIMIT 1;
    UPDATE messages m SET state = 'running' WHERE m.id = message AND is_new;
  END IF;
  IF work IN ('resume', 'end') OR (work = 'turn' AND message IS NOT NULL)
    OR (work = 'reconcile' AND waits)
  THEN
    UPDATE conversations c SET last_run_at = bot_now(), generation = 1
      + GREATEST(c.generation, extract(epoch FROM clock_timestamp()) * 1000000)::bigint
      + floor(random() * 1000)::bigint
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
      'requests', asked)
    FROM conversations c WHERE c.id = wanted);
END $$;
