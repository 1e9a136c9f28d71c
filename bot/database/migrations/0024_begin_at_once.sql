-- A run begins with what it needs in one trip to the server, and the disk is not waited
-- for: whatever it does that must last is committed after this, and waits for both.

-- As before, but for the number: it comes from the real clock, and from chance. Where a
-- crash of the server takes back that a run began, no later run gets its number, so the
-- one that goes on in a living process has lost the conversation.
CREATE OR REPLACE FUNCTION start_run(wanted uuid, work text) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
  waits boolean;
  message bigint;
  is_new boolean := false;
  run bigint;
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
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
      'requests', ARRAY(SELECT whole_request(r.id) FROM requests r
        WHERE waits AND r.conversation_id = c.id AND r.resumed_at IS NULL
        ORDER BY r.raised_at, r.position, r.id))
    FROM conversations c WHERE c.id = wanted);
END $$;

-- The latest checkpoint of a graph's thread, in the columns of LangGraph's own
-- statement for it. A function, so that it sees what `start_run` has waited for.
CREATE FUNCTION latest_checkpoint(thread text) RETURNS TABLE (
  thread_id text, checkpoint jsonb, checkpoint_ns text, checkpoint_id text,
  parent_checkpoint_id text, metadata jsonb, channel_values bytea[],
  pending_writes bytea[])
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  SELECT c.thread_id, c.checkpoint, c.checkpoint_ns, c.checkpoint_id,
    c.parent_checkpoint_id, c.metadata,
    (SELECT array_agg(ARRAY[b.channel::bytea, b.type::bytea, b.blob])
      FROM jsonb_each_text(c.checkpoint -> 'channel_versions') AS v
      JOIN checkpoint_blobs b ON b.thread_id = c.thread_id
        AND b.checkpoint_ns = c.checkpoint_ns
        AND b.channel = v.key AND b.version = v.value),
    (SELECT array_agg(ARRAY[w.task_id::bytea, w.channel::bytea, w.type::bytea, w.blob,
        convert_to(w.task_path, 'UTF8'), w.idx::text::bytea])
      FROM checkpoint_writes w WHERE w.thread_id = c.thread_id
        AND w.checkpoint_ns = c.checkpoint_ns AND w.checkpoint_id = c.checkpoint_id)
  FROM checkpoints c
  WHERE c.thread_id = thread AND c.checkpoint_ns = ''
  ORDER BY c.checkpoint_id DESC LIMIT 1;
END $$;
