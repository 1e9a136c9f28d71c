-- name: put_checkpoints
-- Checkpoints with the values that are new in them, as long as the run is still the
-- conversation's own. The lock makes whoever begins the next run wait for this commit,
-- which need not wait for the disk where a commit that does comes before all that follows.
-- Large values go in binary form (`b`): as text each byte in them would be escaped.
WITH quick AS (
  SELECT CASE WHEN %(quick)s THEN set_config('synchronous_commit', 'off', true) END),
own AS (
  SELECT c.id::text AS thread_id FROM conversations c, quick
  WHERE c.id = %(thread_id)s::uuid AND c.generation = %(generation)s FOR SHARE OF c)
SELECT save_checkpoints(thread_id, %(checkpoint_ns)s, %(saved)b, %(blobs)b) FROM own;

-- name: put_writes
-- What a task has written, likewise.
WITH own AS (
  SELECT c.id::text AS thread_id FROM conversations c
  WHERE c.id = %(thread_id)s::uuid AND c.generation = %(generation)s FOR SHARE)
SELECT save_writes(thread_id, %(checkpoint_ns)s, %(step)s, %(written)b,
  %(written_blobs)b)
FROM own;
