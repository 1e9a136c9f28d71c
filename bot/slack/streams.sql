-- name: begin_stream
-- A message is about to begin in Slack, of a run that is still the conversation's own.
UPDATE conversations SET stream_run = generation, stream_ts = NULL, stream_at = now()
WHERE id = %(conversation)s AND generation = %(generation)s
RETURNING id;

-- name: place_stream
-- It stands there, of a run that goes on.
UPDATE conversations SET stream_ts = %(ts)s
WHERE id = %(conversation)s AND stream_run = %(generation)s
  AND generation = %(generation)s
RETURNING id;

-- name: forget_stream
-- What a run before has left unfinished is closed.
UPDATE conversations SET stream_run = NULL, stream_ts = NULL, stream_at = NULL
WHERE id = %(conversation)s AND stream_run = %(generation)s
RETURNING id;
