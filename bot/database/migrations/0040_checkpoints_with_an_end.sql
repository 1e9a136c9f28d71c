-- The end of a run stores the checkpoints that it has come to, in its own statement.

-- Checkpoints with the values that are new in them, in LangGraph's own tables.
CREATE FUNCTION save_checkpoints(thread text, namespace text, ids text[],
  parents text[], checkpoints jsonb[], metadata jsonb[], channels text[],
  versions text[], types text[], blobs bytea[]) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  INSERT INTO checkpoint_blobs (thread_id, checkpoint_ns, channel, version, type, blob)
  SELECT thread, namespace, b.* FROM unnest(channels, versions, types, blobs) AS b
  ON CONFLICT (thread_id, checkpoint_ns, channel, version) DO NOTHING;
  INSERT INTO checkpoints (thread_id, checkpoint_ns, checkpoint_id,
    parent_checkpoint_id, checkpoint, metadata)
  SELECT thread, namespace, c.* FROM unnest(ids, parents, checkpoints, metadata) AS c
  ON CONFLICT (thread_id, checkpoint_ns, checkpoint_id)
    DO UPDATE SET checkpoint = EXCLUDED.checkpoint, metadata = EXCLUDED.metadata;
END $$;
