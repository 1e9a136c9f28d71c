-- The end of a run that asks tells which of its calls were rejected before; and what
-- checkpoints hold comes as one value, since a client makes each list by itself.
-- The function that takes lists stays for replicas of the version before.

-- For the loop guard: which of these calls people have rejected in a conversation within
-- the last hour, with the last person who did so.
CREATE FUNCTION rejected_before(conversation uuid, digests text[])
RETURNS TABLE (digest text, by text, at timestamptz)
LANGUAGE sql STABLE AS $$
  SELECT asked.digest, last.by, last.at
  FROM unnest(digests) AS asked (digest), LATERAL (
    SELECT r.decided_at AS at,
      (SELECT d.user_id FROM decisions d
       WHERE d.request_id = r.id AND d.verdict = 'reject' AND d.voided_at IS NULL
       ORDER BY d.id DESC LIMIT 1) AS by
    FROM requests r
    WHERE r.conversation_id = conversation AND r.status = 'rejected'
      AND r.outcome = '' AND r.decided_at > bot_now() - interval '1 hour'
      AND asked.digest IN (r.raised_digest, r.call_digest)
    ORDER BY r.decided_at DESC LIMIT 1) AS last
  WHERE last.by IS NOT NULL
$$;

-- Checkpoints with the values that are new in them, in LangGraph's own tables: `blobs`
-- are those of the `values`, in their order.
CREATE FUNCTION save_checkpoints(thread text, namespace text, saved jsonb, blobs bytea[])
RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  INSERT INTO checkpoint_blobs (thread_id, checkpoint_ns, channel, version, type, blob)
  SELECT thread, namespace, v.channel, v.version, v.type, blobs[v.place::integer]
  FROM ROWS FROM (jsonb_to_recordset(saved -> 'values')
    AS (channel text, version text, type text)) WITH ORDINALITY
    AS v (channel, version, type, place)
  ON CONFLICT (thread_id, checkpoint_ns, channel, version) DO NOTHING;
  INSERT INTO checkpoints (thread_id, checkpoint_ns, checkpoint_id,
    parent_checkpoint_id, checkpoint, metadata)
  SELECT thread, namespace, c.* FROM jsonb_to_recordset(saved -> 'checkpoints')
    AS c (id text, parent text, checkpoint jsonb, metadata jsonb)
  ON CONFLICT (thread_id, checkpoint_ns, checkpoint_id)
    DO UPDATE SET checkpoint = EXCLUDED.checkpoint, metadata = EXCLUDED.metadata;
END $$;

-- What tasks have written behind a checkpoint, likewise. What LangGraph itself notes
-- about a task (under numbers below zero) replaces what was noted; a value stays as it
-- was first written.
CREATE FUNCTION save_writes(thread text, namespace text, step text, written jsonb,
  blobs bytea[]) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  INSERT INTO checkpoint_writes (thread_id, checkpoint_ns, checkpoint_id, task_id,
    task_path, idx, channel, type, blob)
  SELECT thread, namespace, step, w.task, w.path, w.number, w.channel, w.type,
    blobs[w.place::integer]
  FROM ROWS FROM (jsonb_to_recordset(written)
    AS (task text, path text, number integer, channel text, type text)) WITH ORDINALITY
    AS w (task, path, number, channel, type, place)
  ON CONFLICT (thread_id, checkpoint_ns, checkpoint_id, task_id, idx)
    DO UPDATE SET channel = EXCLUDED.channel, type = EXCLUDED.type, blob = EXCLUDED.blob
    WHERE EXCLUDED.idx < 0;
END $$;
