-- name: put_checkpoints
-- Checkpoints with the values that are new in them, as long as the run is still the
-- conversation's own. The lock makes whoever begins the next run wait for this commit,
-- which need not wait for the disk where a commit that does comes before all that follows.
-- Large lists go in binary form (`b`): as text each quote in them would be escaped.
WITH quick AS (
  SELECT CASE WHEN %(quick)s THEN set_config('synchronous_commit', 'off', true) END),
own AS (
  SELECT c.id::text AS thread_id FROM conversations c, quick
  WHERE c.id = %(thread_id)s::uuid AND c.generation = %(generation)s FOR SHARE OF c)
SELECT save_checkpoints(thread_id, %(checkpoint_ns)s, %(ids)s, %(parents)s,
  %(checkpoints)b, %(metadata)b, %(channels)s, %(versions)s, %(types)s, %(blobs)b)
FROM own;

-- name: put_writes
-- What a task has written, likewise. What LangGraph itself notes about a task (under
-- numbers below zero) replaces what was noted; a value stays as it was first written.
WITH own AS (
  SELECT c.id::text AS thread_id FROM conversations c
  WHERE c.id = %(thread_id)s::uuid AND c.generation = %(generation)s FOR SHARE),
kept AS (
  INSERT INTO checkpoint_writes (thread_id, checkpoint_ns, checkpoint_id, task_id,
    task_path, idx, channel, type, blob)
  SELECT own.thread_id, %(checkpoint_ns)s, %(checkpoint_id)s, %(task_id)s,
    %(task_path)s, w.idx, w.channel, w.type, w.blob
  FROM own, unnest(%(numbers)s::integer[], %(channels)s::text[], %(types)s::text[],
    %(blobs)b::bytea[]) AS w (idx, channel, type, blob)
  ON CONFLICT (thread_id, checkpoint_ns, checkpoint_id, task_id, idx)
    DO UPDATE SET channel = EXCLUDED.channel, type = EXCLUDED.type, blob = EXCLUDED.blob
    WHERE EXCLUDED.idx < 0)
SELECT thread_id FROM own;
