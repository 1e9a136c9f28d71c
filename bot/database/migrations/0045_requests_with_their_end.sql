-- What everything reads of a request, with how its action has ended: one look at its
-- grant instead of two, and no second object to merge into its JSON.
-- `asked_requests` stays for replicas of the version before.
CREATE VIEW full_requests AS
SELECT r.*, bot_now() AS now, g.state AS execution, g.finished_at, g.result,
  (SELECT c.channel_id FROM conversations c WHERE c.id = r.conversation_id) AS asked_in,
  (SELECT ARRAY[COALESCE(d.posted_channel, d.channel_id), d.message_ts]
   FROM deliveries d WHERE d.id = r.card_id) AS card,
  ARRAY(SELECT to_jsonb(s) FROM stages s
    WHERE s.request_id = r.id ORDER BY s.position) AS stages,
  ARRAY(SELECT to_jsonb(x) FROM decisions x
    WHERE x.request_id = r.id ORDER BY x.id) AS decisions,
  ARRAY(SELECT to_jsonb(k) FROM (
    SELECT * FROM comments c WHERE c.request_id = r.id ORDER BY c.id DESC LIMIT 3) k
    ORDER BY k.id) AS comments,
  ARRAY(SELECT jsonb_build_array(COALESCE(d.posted_channel, d.channel_id), d.message_ts)
    FROM request_messages m JOIN deliveries d ON d.id = m.delivery_id
    WHERE m.request_id = r.id AND d.message_ts IS NOT NULL) AS places
FROM requests r LEFT JOIN grants g ON g.request_id = r.id;

-- As before, of that view.
CREATE OR REPLACE FUNCTION lock_request(named text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  locked text;
BEGIN
  SELECT r.id INTO locked FROM requests r
  WHERE r.id = COALESCE(
    (SELECT t.id FROM requests t WHERE t.token = named),
    (SELECT t.request_id FROM spent_tokens t WHERE t.token = named), named)
  FOR UPDATE;
  RETURN (SELECT to_jsonb(r) FROM full_requests r WHERE r.id = locked);
END $$;

-- As before, of that view, and only where something is waited for.
CREATE OR REPLACE FUNCTION start_run(wanted uuid, work text) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
  waits boolean;
  message bigint;
  is_new boolean := false;
  run bigint;
  asked jsonb[] := '{}';
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true)
  FROM conversations c WHERE c.id = wanted FOR NO KEY UPDATE;
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

-- What a turn's end offers under its sentence, if it does.
CREATE FUNCTION offer_under(delivery uuid) RETURNS jsonb STABLE LANGUAGE sql AS $$
  SELECT jsonb_build_object('taken_by', o.taken_by, 'taken_at', o.taken_at,
    'stands', c.generation = o.generation)
  FROM offers o JOIN conversations c ON c.id = o.conversation_id
  WHERE o.delivery_id = delivery
$$;

-- What a tool's server asks in a message, if it does.
CREATE FUNCTION question_in(delivery uuid) RETURNS jsonb STABLE LANGUAGE sql AS $$
  SELECT jsonb_build_object('user_id', q.user_id, 'server', q.server,
    'message', q.message, 'status', q.status, 'due_at', q.due_at,
    'stands', q.status = 'open' AND q.due_at > bot_now()
      AND c.generation = q.generation)
  FROM server_questions q JOIN conversations c ON c.id = q.conversation_id
  WHERE q.delivery_id = delivery
$$;
