-- The end of a run that asks raises its requests, in one statement. So what these are
-- judged by has to be known before: it comes with the run's start.

-- For the loop guard: what people have rejected in a conversation within the last hour,
-- oldest first, by the digests of the call as it was raised and as it was edited last,
-- with the last person who did so. Volatile, so that it sees what was committed while
-- `start_run` has waited.
CREATE FUNCTION rejected_lately(conversation uuid) RETURNS jsonb
LANGUAGE plpgsql AS $$
BEGIN
  RETURN (
    SELECT jsonb_agg(jsonb_build_object(
      'digests', ARRAY[r.raised_digest, r.call_digest],
      'by', last.user_id, 'at', r.decided_at) ORDER BY r.decided_at)
    FROM requests r, LATERAL (
      SELECT d.user_id FROM decisions d
      WHERE d.request_id = r.id AND d.verdict = 'reject' AND d.voided_at IS NULL
      ORDER BY d.id DESC LIMIT 1) AS last
    WHERE r.conversation_id = conversation AND r.status = 'rejected'
      AND r.outcome = '' AND r.decided_at > bot_now() - interval '1 hour');
END $$;

-- Requests as they are raised, in their order, each with its chain, its messages, what
-- its call names now, and the trail; raising the same interrupt again changes nothing.
-- Each comes as its columns, with what is written beside them. Their jobs are stored,
-- too: one sees whether a call was approved ahead; another goes on with the graph where
-- nobody is asked. Returns the ids of the requests that are new.
CREATE FUNCTION raise_requests(asked jsonb) RETURNS text[] LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  given jsonb;
  new_one text;
  raised_ids text[] := '{}';
  going_on uuid;
BEGIN
  FOR place IN 0 .. jsonb_array_length(asked) - 1 LOOP
    given := asked -> place;
    WITH fresh AS (
      SELECT f.* FROM jsonb_populate_record(NULL::requests, given) AS f
      WHERE NOT EXISTS (SELECT FROM requests r
        WHERE r.conversation_id = f.conversation_id
          AND r.interrupt_id = f.interrupt_id AND r.position = f.position)),
    posts AS (
      INSERT INTO deliveries (id, kind, team_id, channel_id, thread_ts, user_id)
      SELECT p.id, p.kind, fresh.team_id, p.channel_id, p.thread_ts, p.user_id
      FROM fresh, jsonb_to_recordset(given -> 'posts')
        AS p (id uuid, kind text, channel_id text, thread_ts text, user_id text)
      ON CONFLICT (id) DO NOTHING),  -- calls of one question share theirs
    raised AS (
      INSERT INTO requests (
        id, code, team_id, enterprise_id, conversation_id, interrupt_id, position,
        tool_call_id, tool, kind, arguments, schema, schema_digest, call_digest,
        raised_digest, grant_digest, requester_id, participants, rules, why,
        policy_version, note, status, outcome, outcome_note, decided_at, expires_at,
        card_id, notice_id, confirm, confirm_argument, allow, critical, takes, guarded,
        headline, form, graph_version, message_id, hours, stage_expires_at, wake_at,
        title, tool_title, risk, asks_reason, agent, agent_key, agent_asked,
        claim_within, result_within, resumed_at)
      SELECT
        id, code, team_id, enterprise_id, conversation_id, interrupt_id, position,
        tool_call_id, tool, kind, arguments, schema, schema_digest, call_digest,
        call_digest, grant_digest, requester_id, participants, rules, why,
        policy_version, note, status, outcome, outcome_note,
        CASE WHEN status <> 'pending' THEN bot_now() END,
        bot_now() + (given ->> 'timeout')::interval,
        card_id, notice_id, confirm, confirm_argument, allow, critical, takes, guarded,
        headline, form, graph_version,
        (SELECT min(m.id) FROM messages m
         WHERE m.conversation_id = fresh.conversation_id AND m.state = 'running'),
        hours, bot_now() + (given ->> 'stage_timeout')::interval,
        bot_now() + (given ->> 'wakes_after')::interval,
        title, tool_title, risk, asks_reason, agent, agent_key, agent_asked,
        claim_within, result_within,
        CASE WHEN agent <> '' THEN bot_now() END  -- no graph waits for it
      FROM fresh
      RETURNING *),
    shown AS (
      INSERT INTO request_messages (request_id, delivery_id)
      SELECT raised.id, m.id
      FROM raised, unnest(ARRAY[card_id, notice_id]) AS m (id)
      WHERE m.id IS NOT NULL
      ON CONFLICT DO NOTHING),
    chain AS (
      INSERT INTO stages
        (request_id, position, approvers, people, quorum, source, channel, times,
         opened_at)
      SELECT raised.id, s.position, s.approvers, s.people, s.quorum, s.source,
        s.channel, s.times, CASE WHEN s.position = 0 THEN bot_now() END
      FROM raised, jsonb_to_recordset(given -> 'stages')
        AS s (position integer, approvers text, people text[], quorum integer,
              source text, channel text, times jsonb)),
    granted AS (
      INSERT INTO grants (conversation_id, tool_call_id, request_id, tool, rule,
        policy_version, call_digest, grant_digest, state, due_at)
      SELECT conversation_id,
        CASE WHEN guarded THEN tool_call_id ELSE interrupt_id || ':' || position END,
        id, tool, array_to_string(rules, ', '), policy_version, call_digest,
        grant_digest, 'approved', bot_now() + claim_within
      FROM raised WHERE status = 'approved'),
    looked AS (
      INSERT INTO seen (request_id, call_digest, what)
      SELECT id, call_digest, given ->> 'seen' FROM raised
      WHERE given ->> 'seen' IS NOT NULL
      ON CONFLICT DO NOTHING),
    trail AS (
      INSERT INTO audit
        (team_id, event, request_id, conversation_id, actor, detail, texts)
      SELECT team_id, given ->> 'event', id, conversation_id, 'bot', given -> 'detail',
        given -> 'texts'
      FROM raised)
    SELECT id INTO new_one FROM raised;
    CONTINUE WHEN new_one IS NULL;
    raised_ids := raised_ids || new_one;
    IF given ->> 'card_id' IS NULL AND given ->> 'agent' = '' THEN
      going_on := given ->> 'conversation_id';
    END IF;
    IF (given ->> 'takes_standing')::boolean THEN
      PERFORM defer_job('standing', 'standing ' || new_one,
        jsonb_build_object('request', new_one));
    END IF;
  END LOOP;
  IF going_on IS NOT NULL THEN
    PERFORM defer_for_conversation('resume', going_on);
  END IF;
  RETURN raised_ids;
END $$;
