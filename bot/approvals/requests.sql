-- name: raise
-- A request as it is raised, with its chain, its messages, what its call names now, and
-- the trail; raising the same interrupt again changes nothing. A card and a notice
-- where their channel is set. The `terms` are one parameter, since psycopg reads a
-- statement of more than fifty anew at each use.
WITH fresh AS (
  SELECT WHERE NOT EXISTS (
    SELECT FROM requests WHERE conversation_id = %(conversation)s
      AND interrupt_id = %(interrupt)s AND position = %(position)s)),
posts AS (
  INSERT INTO deliveries (id, kind, team_id, channel_id, thread_ts, user_id)
  SELECT m.id, m.kind, %(team)s, m.channel, m.thread, m.reader
  FROM fresh, (VALUES
    (%(card)s::uuid, 'card', %(card_channel)s, %(card_thread)s, %(card_user)s::text),
    (%(notice)s::uuid, 'notice', %(channel)s, %(thread)s, NULL)
  ) AS m (id, kind, channel, thread, reader)
  WHERE m.id IS NOT NULL
  ON CONFLICT (id) DO NOTHING),  -- calls of one question share theirs
raised AS (
  INSERT INTO requests (
    id, code, team_id, enterprise_id, conversation_id, interrupt_id, position,
    tool_call_id, tool, kind, arguments, schema, schema_digest, call_digest,
    raised_digest, grant_digest, requester_id, participants, rules, why,
    policy_version, note, status, outcome, outcome_note, decided_at, expires_at,
    card_id, notice_id, confirm, confirm_argument, allow, critical, takes, guarded,
    headline, form, graph_version, message_id, hours, stage_expires_at, wake_at,
    title, tool_title, risk, asks_reason, agent, agent_key, agent_asked, claim_within,
    result_within, resumed_at)
  SELECT
    %(id)s, %(code)s, %(team)s, %(enterprise)s, %(conversation)s, %(interrupt)s,
    %(position)s, %(tool_call)s, %(tool)s, %(kind)s, %(arguments)s, %(schema)s,
    %(schema_digest)s, %(call_digest)s, %(call_digest)s, %(grant_digest)s,
    %(requester)s, %(participants)s, t.rules, t.why, %(policy_version)s, %(note)s,
    %(status)s, t.outcome, t.outcome_note,
    CASE WHEN %(status)s = 'pending' THEN NULL ELSE bot_now() END,
    bot_now() + make_interval(secs => %(timeout)s), %(card)s, %(notice)s, t.confirm,
    t.confirm_argument, t.allow, t.critical, %(takes)s, %(guarded)s, %(headline)s,
    %(form)s, %(graph_version)s,
    (SELECT min(m.id) FROM messages m
     WHERE m.conversation_id = %(conversation)s AND m.state = 'running'), %(hours)s,
    bot_now() + make_interval(secs => %(stage_timeout)s),
    bot_now() + make_interval(secs => %(wakes_after)s),
    t.title, %(tool_title)s, t.risk, t.asks_reason, %(agent)s, %(agent_key)s,
    %(agent_asked)s, make_interval(secs => %(claim_within)s),
    make_interval(secs => %(result_within)s),
    -- no graph waits for it
    CASE WHEN %(agent)s <> '' THEN bot_now() END
  FROM fresh, jsonb_populate_record(NULL::requests, %(terms)s) AS t
  RETURNING *),
shown AS (
  INSERT INTO request_messages (request_id, delivery_id)
  SELECT raised.id, m.id
  FROM raised, unnest(ARRAY[%(card)s, %(notice)s]::uuid[]) AS m (id)
  WHERE m.id IS NOT NULL
  ON CONFLICT DO NOTHING),
chain AS (
  INSERT INTO stages
    (request_id, position, approvers, people, quorum, source, channel, times,
     opened_at)
  SELECT raised.id, s.position, s.approvers,
    ARRAY(SELECT jsonb_array_elements_text(s.people)), s.quorum, s.source, s.channel,
    s.times, CASE WHEN s.position = 0 THEN bot_now() END
  FROM raised, jsonb_to_recordset(%(stages)s::jsonb)
    AS s (position integer, approvers text, people jsonb, quorum integer,
          source text, channel text, times jsonb)),
granted AS (
  INSERT INTO grants (conversation_id, tool_call_id, request_id, tool, rule,
    policy_version, call_digest, grant_digest, state, due_at)
  SELECT conversation_id,
    CASE WHEN guarded THEN tool_call_id ELSE interrupt_id || ':' || position END,
    id, tool, array_to_string(rules, ', '), policy_version, call_digest, grant_digest,
    'approved', bot_now() + claim_within
  FROM raised WHERE status = 'approved'),
looked AS (
  INSERT INTO seen (request_id, call_digest, what)
  SELECT id, call_digest, %(seen)s::text FROM raised WHERE %(seen)s::text IS NOT NULL
  ON CONFLICT DO NOTHING),
trail AS (
  INSERT INTO audit
    (team_id, event, request_id, conversation_id, actor, detail, texts)
  SELECT team_id, %(event)s, id, conversation_id, 'bot', %(detail)s, %(texts)s
  FROM raised)
SELECT id FROM raised;

-- name: select_rejected_before
-- The clock, and which of these calls people have rejected here within the last hour.
SELECT bot_now() AS now, ARRAY(SELECT to_jsonb(r)
  FROM rejected_before(%(conversation)s, %(digests)s) AS r) AS rejected;

-- name: insert_delivery
-- Something to be sent; the job that sends it is deferred beside it.
INSERT INTO deliveries (id, kind, team_id, channel_id, thread_ts, user_id, text)
VALUES (%(id)s, %(kind)s, %(team)s, %(channel)s, %(thread_ts)s, %(user)s, %(text)s);

-- name: place_of_card
-- Where a request's card stands.
SELECT d.channel_id, d.thread_ts FROM requests r JOIN deliveries d ON d.id = r.card_id
WHERE r.id = %(id)s;

-- name: show_in
-- A message that is about these requests.
INSERT INTO request_messages (request_id, delivery_id)
SELECT unnest(%(requests)s::text[]), %(delivery)s;

-- name: touch_deliveries
-- The messages of a request show something old now. They may be those of other requests
-- too, so that their locks are taken in one order everywhere.
UPDATE deliveries SET revision = revision + 1
WHERE id IN (SELECT d.id FROM request_messages m JOIN deliveries d ON d.id = m.delivery_id
  WHERE m.request_id = %(id)s ORDER BY d.id FOR NO KEY UPDATE OF d)
RETURNING id;

-- name: clock
-- The only clock.
SELECT bot_now() AS now;

-- name: lock_request
-- Take a request, then read it: its holder decides. By its id, or by what one of
-- its buttons carries or carried.
SELECT lock_request(%(id)s::text) AS request;

-- name: find_request
-- One request, whole, with the clock, by its id or by a button's token.
SELECT * FROM full_requests r
WHERE r.id = COALESCE(
  (SELECT t.id FROM requests t WHERE t.token = %(id)s),
  (SELECT t.request_id FROM spent_tokens t WHERE t.token = %(id)s), %(id)s);

-- name: select_requests
-- Several requests, whole: those of a status, of a code; the newest ones, newest first.
SELECT * FROM full_requests r
WHERE (%(status)s::text IS NULL OR r.status = %(status)s)
  AND (%(code)s::text IS NULL OR r.code = %(code)s)
ORDER BY r.raised_at DESC, r.position DESC, r.id DESC
LIMIT %(limit)s;

-- name: select_requests_named
-- Requests by their ids, in that order.
SELECT * FROM full_requests r
WHERE r.id = ANY(%(ids)s)
ORDER BY array_position(%(ids)s, r.id);

-- name: select_requests_shown
-- The requests that a message in Slack shows, in call order.
SELECT * FROM full_requests r
WHERE r.id IN (SELECT m.request_id FROM request_messages m
               WHERE m.delivery_id = %(delivery)s)
ORDER BY r.raised_at, r.position, r.id;

-- name: find_card
-- A card by its place; by its id, where Slack's word on its place is not stored yet.
SELECT id::text AS id, COALESCE(user_id, '') AS reader FROM deliveries
WHERE kind = 'card' AND (
  (posted_channel = %(channel)s AND message_ts = %(ts)s)
  OR (message_ts IS NULL AND id::text = %(card)s))
LIMIT 1;

-- name: select_requests_unresumed
-- What a conversation's graph waits for: open questions, and answers not yet taken.
SELECT * FROM full_requests r
WHERE r.conversation_id = %(conversation)s AND r.resumed_at IS NULL
ORDER BY r.raised_at, r.position, r.id;

-- name: comment
-- A message in the thread of a card of ours, once: kept with the requests on the card.
WITH card AS (
  SELECT id FROM deliveries
  WHERE kind = 'card' AND team_id = %(team)s AND posted_channel = %(channel)s
    AND message_ts = %(thread_ts)s),
kept AS (
  INSERT INTO comments (request_id, team_id, user_id, channel_id, ts, text)
  SELECT m.request_id, %(team)s, %(user)s, %(channel)s, %(ts)s, %(text)s
  FROM card JOIN request_messages m ON m.delivery_id = card.id
  ON CONFLICT DO NOTHING
  RETURNING request_id),
trail AS (
  INSERT INTO audit (team_id, event, request_id, conversation_id, actor, via, detail)
  SELECT r.team_id, 'commented', r.id, r.conversation_id, %(user)s, 'slack',
    jsonb_build_object('tool', r.tool)
  FROM kept JOIN requests r ON r.id = kept.request_id),
touched AS (  -- in the order of `touch_deliveries`
  UPDATE deliveries SET revision = revision + 1
  WHERE id IN (SELECT d.id FROM kept JOIN request_messages m USING (request_id)
    JOIN deliveries d ON d.id = m.delivery_id
    WHERE d.kind = 'card' ORDER BY d.id FOR NO KEY UPDATE OF d)
  RETURNING id)
SELECT EXISTS (SELECT FROM card) AS is_card,
  EXISTS (SELECT FROM card JOIN request_messages m ON m.delivery_id = card.id
    JOIN requests r ON r.id = m.request_id WHERE r.status = 'pending') AS is_open,
  ARRAY(SELECT id::text FROM touched) AS touched;
