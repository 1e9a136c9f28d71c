-- A message in Slack that grows while a conversation's run writes it. Slack takes no
-- metadata when it begins, so that it is noted here first: `stream_run` begins one,
-- `stream_ts` is where it stands, and without that nobody knows whether it does. What a
-- later run finds here of an earlier one has been left unfinished.
ALTER TABLE conversations
  ADD COLUMN stream_run bigint,
  ADD COLUMN stream_ts text,
  ADD COLUMN stream_at timestamptz;  -- by the real clock, as Slack's messages are

-- The answer is to be the end of a message that was streamed, and stands there already.
ALTER TABLE deliveries ADD COLUMN streamed boolean NOT NULL DEFAULT false;
