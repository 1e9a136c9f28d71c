-- A turn that has failed offers to be tried again, once: the button stands under the
-- sentence that says what went wrong. It holds as long as nothing has run since.
CREATE TABLE offers (
  delivery_id uuid PRIMARY KEY REFERENCES deliveries ON DELETE CASCADE,
  conversation_id uuid NOT NULL REFERENCES conversations ON DELETE CASCADE,
  message_id bigint NOT NULL REFERENCES messages ON DELETE CASCADE,
  generation bigint NOT NULL,   -- of the run that has failed
  taken_by text,
  taken_at timestamptz
);
CREATE INDEX offers_conversation ON offers (conversation_id);
CREATE INDEX offers_message ON offers (message_id);

-- What is over is found by these, however much is kept; each reference to a row that
-- goes has an index, and so has what a conversation reads of its messages.
CREATE INDEX conversations_last ON conversations ((COALESCE(last_run_at, created_at)));
CREATE INDEX messages_conversation ON messages (conversation_id, id);
CREATE INDEX messages_done ON messages (received_at)
  WHERE state IN ('answered', 'failed', 'refused');
CREATE INDEX requests_message ON requests (message_id);
CREATE INDEX emails_request ON emails (request_id);
CREATE INDEX webhook_events_done ON webhook_events (made_at) WHERE state <> 'queued';
CREATE INDEX deliveries_done ON deliveries (created_at) WHERE shown >= revision;
CREATE INDEX jobs_done ON procrastinate_jobs (id)
  WHERE status IN ('failed', 'succeeded', 'cancelled', 'aborted');

-- Whether people or the agent still wait for something of a request, be it somebody's
-- word on an action whose end is unknown.
CREATE FUNCTION request_is_open(request requests) RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT request.status = 'pending' OR request.resumed_at IS NULL
    OR EXISTS (SELECT FROM grants g WHERE g.request_id = request.id
      AND (g.state = 'executing' OR (g.state = 'unknown' AND request.marked = '')))
$$;

-- Whether nothing of a conversation is waited for: no message, request, card or job. And
-- all of it is from before then.
CREATE FUNCTION conversation_is_over(conversation conversations, before timestamptz)
RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT NOT EXISTS (SELECT FROM messages m WHERE m.conversation_id = conversation.id
      AND (m.state IN ('received', 'held', 'running') OR m.received_at >= before))
    AND NOT EXISTS (SELECT FROM requests r WHERE r.conversation_id = conversation.id
      AND (request_is_open(r) OR r.decided_at >= before OR r.marked_at >= before))
    AND NOT EXISTS (SELECT FROM requests r
      JOIN request_messages s ON s.request_id = r.id
      JOIN deliveries d ON d.id = s.delivery_id
      WHERE r.conversation_id = conversation.id
        AND d.shown < d.revision AND d.state <> 'failed')
    AND NOT EXISTS (SELECT FROM procrastinate_jobs j
      WHERE j.lock = conversation.id::text AND j.status IN ('todo', 'doing'))
$$;

-- Forget some conversations that have been over for as long as that, with their
-- checkpoints; returns how many. Whoever runs the bot may not delete requests otherwise:
-- what is pending cannot go by this. Looked at twice, since what was committed while a
-- conversation's lock was waited for is seen by the second look only; while the lock is
-- held nothing new can refer to it.
CREATE FUNCTION forget_conversations(keep interval, most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  before timestamptz := bot_now() - keep;
  old uuid[];
BEGIN
  old := ARRAY(SELECT c.id FROM conversations c
    WHERE COALESCE(c.last_run_at, c.created_at) < before
      AND conversation_is_over(c, before)
    ORDER BY COALESCE(c.last_run_at, c.created_at) LIMIT most
    FOR UPDATE SKIP LOCKED);
  old := ARRAY(SELECT c.id FROM conversations c
    WHERE c.id = ANY(old) AND conversation_is_over(c, before));
  DELETE FROM grants WHERE conversation_id = ANY(old);
  DELETE FROM requests WHERE conversation_id = ANY(old);
  DELETE FROM messages WHERE conversation_id = ANY(old);
  DELETE FROM checkpoint_writes WHERE thread_id = ANY(old::text[]);
  DELETE FROM checkpoint_blobs WHERE thread_id = ANY(old::text[]);
  DELETE FROM checkpoints WHERE thread_id = ANY(old::text[]);
  DELETE FROM conversations WHERE id = ANY(old);
  RETURN cardinality(old);
END $$;

-- Forget how much people have sent who have sent nothing for as long as that.
CREATE FUNCTION forget_paces(keep interval, most integer) RETURNS void
LANGUAGE sql SECURITY DEFINER AS $$
  DELETE FROM paces p USING (
    SELECT team_id, user_id, kind FROM paces
    WHERE last_at < bot_now() - keep LIMIT most FOR UPDATE SKIP LOCKED) old
  WHERE (p.team_id, p.user_id, p.kind) = (old.team_id, old.user_id, old.kind)
$$;

-- Forget events that were told outside of Slack, or given up, as long ago as that.
CREATE FUNCTION forget_events(keep interval, most integer) RETURNS void
LANGUAGE sql SECURITY DEFINER AS $$
  DELETE FROM webhook_events WHERE seq IN (
    SELECT seq FROM webhook_events
    WHERE state <> 'queued' AND made_at < bot_now() - keep
    ORDER BY made_at LIMIT most FOR UPDATE SKIP LOCKED)
$$;

-- Like the triggers of the trail: they look nowhere but in their own schema, and are
-- nobody's to call whom docs/roles.sql does not name.
DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['forget_conversations', 'forget_paces',
    'forget_events'] LOOP
    EXECUTE format('ALTER FUNCTION %I(interval, integer) SET search_path = %I, pg_temp',
      name, current_schema());
    EXECUTE format('REVOKE EXECUTE ON FUNCTION %I(interval, integer) FROM PUBLIC', name);
  END LOOP;
END $$;
