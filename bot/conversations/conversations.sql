-- name: receive
-- A message, once by its event and once by its place, with the job that answers it; its
-- thread is the conversation. Counted for its author, where there is a limit. `begun`:
-- the job's number, if this worker begins it. Then the first run of a conversation is
-- started, too: of a later one there may be a large checkpoint to be read, for which
-- Slack does not wait. `OFFSET 0` keeps the job's function from being called twice.
WITH conversation AS (
  INSERT INTO conversations (id, team_id, channel_id, thread_ts)
  VALUES (%(new_id)s, %(team)s, %(channel)s, %(thread_ts)s)
  ON CONFLICT (team_id, channel_id, thread_ts)
    -- a column of no key: a lock that lets grants and messages refer to the row
    DO UPDATE SET generation = conversations.generation
  RETURNING id, last_run_at IS NULL AS is_first),
message AS (
  INSERT INTO messages (team_id, enterprise_id, channel_id, ts, event_id,
    conversation_id, user_id, text)
  SELECT %(team)s, %(enterprise)s, %(channel)s, %(ts)s, %(event_id)s, id, %(user)s,
    %(text)s
  FROM conversation
  ON CONFLICT DO NOTHING
  RETURNING conversation_id, id, team_id, user_id),
pace AS (
  -- of the message's own author, so that one that is known already counts for nothing
  SELECT counted.* FROM message, count_pace(team_id, user_id, 'messages', %(most)s,
    %(span)s, %(pause)s) AS counted
  WHERE %(most)s::integer IS NOT NULL),
trail AS (
  INSERT INTO audit (team_id, event, conversation_id, actor, via, detail)
  SELECT %(team)s, 'received', conversation_id, %(user)s, %(via)s,
    jsonb_build_object('channel', %(channel)s::text, 'ts', %(ts)s::text)
  FROM message)
SELECT stored.*, CASE WHEN begun IS NOT NULL AND is_first
  THEN start_run(conversation_id, 'turn', true) END AS started
FROM (SELECT conversation_id, message.id, is_first, pace.is_over, pace.tell,
    CASE WHEN pace.is_over IS NOT TRUE
      THEN begin_for_conversation('turn', conversation_id, %(worker)s) END AS begun
  FROM message JOIN conversation ON true LEFT JOIN pace ON true OFFSET 0) AS stored;

-- name: has_asked
-- Whether a person has asked the agent in a thread. A refused message does not count.
SELECT m.id FROM conversations c JOIN messages m ON m.conversation_id = c.id
WHERE (c.team_id, c.channel_id, c.thread_ts)
    = (%(team)s, %(channel)s, %(thread_ts)s)
  AND m.user_id = %(user)s AND m.state NOT IN ('refused', 'deleted')
LIMIT 1;

-- name: change_message
-- Its author has edited or deleted a message before it was taken up.
UPDATE messages SET text = %(text)s,
  state = CASE WHEN %(gone)s THEN 'deleted' ELSE state END
WHERE (team_id, channel_id, ts) = (%(team)s, %(channel)s, %(ts)s)
  AND user_id = %(user)s AND state IN ('received', 'held');

-- name: start_run
-- Where a conversation is, whether it waits for people, its open messages and what its
-- graph asks; and a new run, where its work needs one, with the graph's latest
-- checkpoint, and what people have rejected here within the last hour. The pause of its
-- workspace is read after what was decided, so that a lift cannot pass between the two.
SELECT started, (pause_of(started->>'team_id')).reason AS pause,
  rejected_lately((started->>'id')::uuid) AS rejected, latest.*
FROM (SELECT start_run(%(conversation)s::uuid, %(work)s::text, false) AS started
  OFFSET 0) AS run
LEFT JOIN LATERAL latest_checkpoint(
  CASE WHEN started->>'run' IS NOT NULL THEN started->>'id' END) AS latest ON true;

-- name: select_generation
-- The run that a conversation is at.
SELECT generation FROM conversations WHERE id = %(conversation)s;

-- name: end_run
-- The end of a run, if it is still the conversation's own. That row is held, but so
-- that a click that stores a grant, which refers to it, need not wait.
-- `answered`: what the graph has taken; it is on the trail only if that is `known`.
-- `kind`: of the last word. Without one the run waits for people, and its stream was
-- closed before. With one the turn is over: its message is done, and what is unread is
-- next; a message that the run has streamed becomes its last word. A turn that was to
-- stop has stopped, unless it has come to its answer.
-- `lease`: the last word is taken, too, as `take_messages` would take it.
-- `again`: it is offered to try the turn again. Where all calls go by our own gate
-- (`gated`) always; in another graph only if the turn has asked nothing, since an
-- answer that it was given may come before an action that would happen a second time.
-- `saved`: checkpoints of the run that are not stored yet. `job`: it is deleted.
-- `asked`: the requests to be raised, beside what the `step` that asks has `written`.
-- `behind`: the checkpoint before that step, where it is stored already. Its commit may
-- not have waited for the disk, and a crash of the server may have taken it back. Then
-- nothing is asked, and the clock takes the turn up again.
WITH own AS (
  SELECT id, team_id, channel_id, thread_ts, stopping,
    CASE WHEN stream_run = generation THEN stream_ts END AS stream_ts,
    stream_run IS NOT DISTINCT FROM generation
      AND (stream_ts IS NOT NULL OR %(kind)s = '') AS closes
  FROM conversations
  WHERE id = %(conversation)s AND generation = %(generation)s
    AND (%(behind)s::text IS NULL OR EXISTS (SELECT FROM checkpoints
      WHERE thread_id = %(conversation)s::uuid::text AND checkpoint_ns = ''
        AND checkpoint_id = %(behind)s))
  FOR NO KEY UPDATE),
ended AS (
  SELECT * FROM own WHERE %(kind)s::text <> ''),
closed_stream AS (
  UPDATE conversations c SET
    stream_run = CASE WHEN NOT own.closes THEN c.stream_run END,
    stream_ts = CASE WHEN NOT own.closes THEN c.stream_ts END,
    stream_at = CASE WHEN NOT own.closes THEN c.stream_at END,
    stopped = c.stopped OR c.stopping IS NOT NULL AND %(kind)s = 'say',
    stopping = CASE WHEN %(kind)s = '' THEN c.stopping END
  FROM own WHERE c.id = own.id AND (own.closes OR own.stopping IS NOT NULL)),
taken AS (
  UPDATE requests SET resumed_at = bot_now() FROM own
  WHERE requests.id = ANY(%(answered)s) AND resumed_at IS NULL
  RETURNING requests.*),
trail AS (
  INSERT INTO audit (team_id, event, request_id, conversation_id, actor, detail)
  SELECT team_id, 'resumed', id, conversation_id, 'bot', jsonb_build_object(
    'on_behalf_of', requester_id, 'tool', tool, 'schema', schema_digest,
    'call', call_digest, 'digest', grant_digest, 'policy', policy_version,
    'outcome', status)
  FROM taken WHERE %(known)s
  RETURNING seq),
closed AS (
  UPDATE messages m SET state = CASE %(kind)s WHEN 'answer' THEN 'answered'
    ELSE 'failed' END
  FROM ended WHERE m.conversation_id = ended.id AND m.state = 'running'
  RETURNING m.id),
said AS (
  INSERT INTO deliveries (id, kind, team_id, channel_id, thread_ts, text,
    streamed, message_ts, posted_channel, state, taken_until)
  SELECT %(delivery)s::uuid, %(kind)s, team_id, channel_id, thread_ts, %(text)s,
    stream_ts IS NOT NULL, stream_ts,
    CASE WHEN stream_ts IS NOT NULL THEN channel_id END,
    CASE WHEN %(lease)s::interval IS NULL OR stream_ts IS NOT NULL THEN 'queued'
      ELSE 'sending' END,
    clock_timestamp() + %(lease)s::interval
  FROM ended
  RETURNING *),
offered AS (
  INSERT INTO offers (delivery_id, conversation_id, message_id, generation)
  SELECT %(delivery)s, ended.id, m.id, %(generation)s
  FROM ended, (SELECT min(id) AS id FROM closed) m
  WHERE %(again)s AND m.id IS NOT NULL
    AND (%(gated)s OR NOT EXISTS (SELECT FROM requests r
      WHERE r.message_id = m.id AND NOT r.guarded))),
done AS (
  DELETE FROM procrastinate_jobs j USING own
  WHERE j.id = %(job)s AND j.status = 'doing')
SELECT own.stopping,
  CASE WHEN %(saved)b::jsonb IS NOT NULL
    THEN save_checkpoints(own.id::text, '', %(saved)b, %(blobs)b) END AS saved,
  CASE WHEN %(step)s::text IS NOT NULL THEN save_writes(
    own.id::text, '', %(step)s, %(written)b, %(written_blobs)b) END AS written,
  CASE WHEN %(asked)b::jsonb IS NOT NULL THEN raise_requests(%(asked)b) END AS raised,
  CASE WHEN EXISTS (
  SELECT FROM ended JOIN messages u ON u.conversation_id = ended.id
  WHERE u.state IN ('received', 'held'))
  THEN defer_for_conversation('turn', own.id) END AS next,
  said.id::text AS id, said.kind, said.team_id, said.channel_id, said.thread_ts,
  said.user_id, said.text, said.message_ts, said.posted_channel, said.error,
  said.created_at, said.stage, said.tries, said.streamed, said.revision,
  bot_now() AS now
-- on the trail, what it has `taken` comes before what it asks
FROM own CROSS JOIN (SELECT count(*) FROM trail) AS noted LEFT JOIN said ON true;

-- name: lock_offer
-- What a turn's end has offered, and whether nothing has run since; the conversation
-- is held. Both rows are locked, so that what was waited for is read as it is now.
SELECT o.*, c.team_id, c.generation = o.generation AS stands, m.user_id AS author,
  COALESCE(d.posted_channel, d.channel_id) AS channel_id, d.message_ts
FROM offers o
JOIN conversations c ON c.id = o.conversation_id
JOIN messages m ON m.id = o.message_id
JOIN deliveries d ON d.id = o.delivery_id
WHERE o.delivery_id = %(id)s
FOR NO KEY UPDATE OF o, c;

-- name: take_offer
-- Somebody tries it again: the message's turn goes on, and its sentence says so.
WITH taken AS (
  UPDATE offers SET taken_by = %(user)s, taken_at = bot_now()
  WHERE delivery_id = %(id)s AND taken_at IS NULL
  RETURNING message_id),
begun AS (
  UPDATE messages SET state = 'running' FROM taken WHERE messages.id = taken.message_id)
UPDATE deliveries SET revision = revision + 1 FROM taken WHERE id = %(id)s;

-- name: show_offer
-- The sentence with the offer is drawn again.
UPDATE deliveries SET revision = revision + 1 WHERE id = %(id)s;

-- name: say_unless_said
-- A sentence in a conversation, unless it was said there within an hour, or, `in_channel`,
-- ever in its channel.
INSERT INTO deliveries (id, kind, team_id, channel_id, thread_ts, text)
SELECT %(delivery)s, 'say', c.team_id, c.channel_id, c.thread_ts, %(text)s
FROM conversations c
WHERE c.id = %(conversation)s AND NOT EXISTS (
  SELECT FROM deliveries d
  WHERE (d.team_id, d.channel_id, d.text) = (c.team_id, c.channel_id, %(text)s)
    AND d.kind = 'say' AND (%(in_channel)s OR d.thread_ts = c.thread_ts
      AND d.created_at > bot_now() - interval '1 hour'))
RETURNING id::text AS id;

-- name: set_message_state
-- What has become of a message.
UPDATE messages SET state = %(state)s WHERE id = %(message)s;

-- name: pruned
-- Its older checkpoints are gone, up to this run.
UPDATE conversations SET pruned = %(generation)s WHERE id = %(conversation)s;

-- name: select_aside
-- A conversation, and whether a person has written in it.
SELECT c.id, c.team_id, c.channel_id, c.thread_ts,
  EXISTS (SELECT FROM messages m
    WHERE m.conversation_id = c.id AND m.user_id = %(user)s) AS is_theirs,
  EXISTS (SELECT FROM requests r
    WHERE r.conversation_id = c.id AND r.resumed_at IS NULL) AS waits,
  EXISTS (SELECT FROM messages m
    WHERE m.conversation_id = c.id
      AND m.state IN ('received', 'held', 'running')) AS works
FROM conversations c WHERE c.id = %(id)s;

-- name: select_said
-- What was said in a conversation, oldest first: by people, and to them.
SELECT * FROM (
  SELECT received_at AS at, user_id AS by, text FROM messages
  WHERE conversation_id = %(id)s
  UNION ALL
  SELECT created_at, NULL, text FROM deliveries
  WHERE team_id = %(team)s AND channel_id = %(channel)s AND thread_ts = %(thread_ts)s
    AND text IS NOT NULL AND (user_id IS NULL OR user_id = %(user)s)
) AS said
ORDER BY at LIMIT %(limit)s;

-- name: requests_of_conversation
-- The requests that it has raised, newest last.
SELECT id, status FROM requests WHERE conversation_id = %(id)s
ORDER BY raised_at DESC, id LIMIT %(limit)s;
