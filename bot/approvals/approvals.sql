-- name: raise
-- A request as it is raised, with its chain, its messages and the trail; raising the
-- same interrupt again changes nothing. A card and a notice where their channel is set.
WITH fresh AS (
  SELECT WHERE NOT EXISTS (
    SELECT FROM requests WHERE conversation_id = %(conversation)s
      AND interrupt_id = %(interrupt)s AND position = %(position)s)),
messages AS (
  INSERT INTO deliveries (id, kind, team_id, channel_id, thread_ts)
  SELECT m.id, m.kind, %(team)s, m.channel, m.thread
  FROM fresh, (VALUES
    (%(card)s::uuid, 'card', %(card_channel)s, %(card_thread)s),
    (%(notice)s::uuid, 'notice', %(channel)s, %(thread)s)
  ) AS m (id, kind, channel, thread)
  WHERE m.id IS NOT NULL
  RETURNING id),
raised AS (
  INSERT INTO requests (
    id, code, team_id, enterprise_id, conversation_id, interrupt_id, position,
    tool_call_id, tool, kind, arguments, schema, schema_digest, call_digest,
    raised_digest, grant_digest, requester_id, participants, rules, why,
    policy_version, note, status, outcome, outcome_note, decided_at, expires_at,
    card_id, notice_id, confirm, confirm_argument, allow)
  SELECT
    %(id)s, %(code)s, %(team)s, %(enterprise)s, %(conversation)s, %(interrupt)s,
    %(position)s, %(tool_call)s, %(tool)s, %(kind)s, %(arguments)s, %(schema)s,
    %(schema_digest)s, %(call_digest)s, %(call_digest)s, %(grant_digest)s,
    %(requester)s, %(participants)s, %(rules)s, %(why)s, %(policy_version)s, %(note)s,
    %(status)s, %(outcome)s, %(outcome_note)s,
    CASE WHEN %(status)s = 'pending' THEN NULL ELSE bot_now() END,
    bot_now() + %(timeout)s, %(card)s, %(notice)s,
    %(confirm)s, %(confirm_argument)s, %(allow)s
  FROM fresh
  RETURNING *),
shown AS (
  INSERT INTO request_messages (request_id, delivery_id)
  SELECT raised.id, messages.id FROM raised, messages),
chain AS (
  INSERT INTO stages
    (request_id, position, approvers, people, quorum, source, channel, opened_at)
  SELECT raised.id, s.position, s.approvers,
    ARRAY(SELECT jsonb_array_elements_text(s.people)), s.quorum, s.source, s.channel,
    CASE WHEN s.position = 0 THEN bot_now() END
  FROM raised, jsonb_to_recordset(%(stages)s::jsonb)
    AS s (position integer, approvers text, people jsonb, quorum integer,
          source text, channel text)),
granted AS (
  INSERT INTO grants (conversation_id, tool_call_id, request_id, tool, rule,
    policy_version, call_digest, grant_digest, state)
  SELECT conversation_id, tool_call_id, id, tool, array_to_string(rules, ', '),
    policy_version, call_digest, grant_digest, 'approved'
  FROM raised WHERE status = 'approved'),
trail AS (
  INSERT INTO audit (team_id, event, request_id, conversation_id, actor, detail)
  SELECT team_id, %(event)s, id, conversation_id, 'bot', %(detail)s FROM raised)
SELECT id FROM raised;

-- name: select_rejected_before
-- The clock; and, for the loop guard, which of these calls people have rejected here
-- within the last hour, with whoever did so last. At least one row.
SELECT bot_now() AS now, asked.digest, last.by, last.at
FROM (SELECT unnest(%(digests)s::text[]) AS digest
      UNION SELECT NULL) AS asked
LEFT JOIN LATERAL (
  SELECT r.decided_at AS at,
    (SELECT d.user_id FROM decisions d
     WHERE d.request_id = r.id AND d.verdict = 'reject' AND d.voided_at IS NULL
     ORDER BY d.id DESC LIMIT 1) AS by
  FROM requests r
  WHERE r.conversation_id = %(conversation)s AND r.status = 'rejected'
    AND r.outcome = '' AND r.decided_at > bot_now() - interval '1 hour'
    AND asked.digest IN (r.raised_digest, r.call_digest)
  ORDER BY r.decided_at DESC LIMIT 1) AS last ON true;

-- name: insert_delivery
-- Something to be sent; the job that sends it is deferred beside it.
INSERT INTO deliveries (id, kind, team_id, channel_id, thread_ts, user_id, text)
VALUES (%(id)s, %(kind)s, %(team)s, %(channel)s, %(thread_ts)s, %(user)s, %(text)s);

-- name: show_in
-- A message that is about these requests.
INSERT INTO request_messages (request_id, delivery_id)
SELECT unnest(%(requests)s::text[]), %(delivery)s;

-- name: touch_deliveries
-- The messages of a request show something old now.
UPDATE deliveries SET revision = revision + 1
WHERE id IN (SELECT delivery_id FROM request_messages WHERE request_id = %(id)s)
RETURNING id;

-- name: select_request
-- One request, whole, with the clock.
SELECT * FROM stored_requests r
WHERE r.id = %(id)s;

-- name: clock
-- The only clock.
SELECT bot_now() AS now;

-- name: lock_request
-- Take the row before it is read: whoever holds it decides. By its id, or by what one of
-- its buttons carries or carried.
SELECT id FROM requests
WHERE id = COALESCE(
  (SELECT t.id FROM requests t WHERE t.token = %(id)s),
  (SELECT t.request_id FROM spent_tokens t WHERE t.token = %(id)s), %(id)s)
FOR UPDATE;

-- name: find_request
-- The id of a request by that or by a button's token.
SELECT COALESCE(
  (SELECT t.id FROM requests t WHERE t.token = %(id)s),
  (SELECT t.request_id FROM spent_tokens t WHERE t.token = %(id)s), %(id)s) AS id;

-- name: select_requests
-- Several requests, whole: those of a status, of a code; the newest ones, newest first.
SELECT * FROM stored_requests r
WHERE (%(status)s::text IS NULL OR r.status = %(status)s)
  AND (%(code)s::text IS NULL OR r.code = %(code)s)
ORDER BY r.raised_at DESC, r.position DESC, r.id DESC
LIMIT %(limit)s;

-- name: select_requests_shown
-- The requests that a message in Slack shows, in call order.
SELECT * FROM stored_requests r
WHERE r.id IN (SELECT m.request_id FROM request_messages m
               WHERE m.delivery_id = %(delivery)s)
ORDER BY r.raised_at, r.position, r.id;

-- name: select_requests_unresumed
-- What a conversation's graph waits for: open questions, and answers not yet taken.
SELECT * FROM stored_requests r
WHERE r.conversation_id = %(conversation)s AND r.resumed_at IS NULL
ORDER BY r.raised_at, r.position, r.id;

-- name: void_decisions
-- A decision whose right was lost no longer counts, and none of a stage behind it:
-- those people decided after a stage that is open again.
UPDATE decisions SET voided_at = bot_now(), void_reason = %(reason)s
WHERE request_id = %(id)s AND voided_at IS NULL
  AND (user_id = %(user)s OR stage > %(stage)s);

-- name: decide
-- A word, what it passes, and the verdict, if it is one, with the trail: one winner, and
-- never after the deadline except by the deadline. Says whether the verdict was written,
-- and which messages now show something old. The row is locked before.
WITH word AS (
  INSERT INTO decisions (
    request_id, stage, enterprise_id, team_id, user_id, verdict, reason, via, click)
  SELECT %(id)s, %(stage)s, %(enterprise)s, %(team)s, %(user)s, %(verdict)s,
    %(reason)s, %(via)s, %(click)s
  WHERE %(verdict)s::text IS NOT NULL),
passed AS (
  UPDATE stages SET
    passed_at = CASE WHEN position = %(stage)s THEN bot_now() ELSE passed_at END,
    opened_at = COALESCE(opened_at, bot_now())
  WHERE %(passes)s AND request_id = %(id)s
    AND position IN (%(stage)s, %(opens)s)),
closed AS (
  UPDATE requests
  SET status = %(status)s, decided_at = bot_now(), outcome = %(outcome)s,
    outcome_note = %(note)s
  WHERE id = %(id)s AND status = 'pending' AND %(status)s::text IS NOT NULL
    AND (%(status)s::text = 'timed_out') = (expires_at <= bot_now())
  RETURNING *),
granted AS (
  INSERT INTO grants (conversation_id, tool_call_id, request_id, tool, rule,
    policy_version, call_digest, grant_digest, state)
  SELECT conversation_id, tool_call_id, id, tool, array_to_string(rules, ', '),
    policy_version, call_digest, grant_digest, 'approved'
  FROM closed WHERE status = 'approved'
  -- a call that an older policy denied, and that was asked again after a crash
  ON CONFLICT (conversation_id, tool_call_id) DO UPDATE
  SET request_id = EXCLUDED.request_id, rule = EXCLUDED.rule, result = NULL,
    policy_version = EXCLUDED.policy_version, call_digest = EXCLUDED.call_digest,
    grant_digest = EXCLUDED.grant_digest, state = 'approved', finished_at = NULL
  WHERE grants.state = 'denied'),
trail AS (
  INSERT INTO audit (team_id, event, request_id, conversation_id, actor, via, detail)
  SELECT a.team, a.event, a.request, a.conversation, a.actor, a.via, a.detail
  FROM jsonb_to_recordset(%(facts)s::jsonb)
    AS a (team text, event text, request text, conversation uuid, actor text,
          via text, detail jsonb)),
touched AS (
  UPDATE deliveries SET revision = revision + 1
  WHERE id IN (SELECT delivery_id FROM request_messages WHERE request_id = %(id)s)
  RETURNING id)
SELECT EXISTS (SELECT FROM closed) AS closed,
  ARRAY(SELECT id::text FROM touched) AS touched;

-- name: edit
-- Other arguments, another digest, another chain; what was said of the old ones is void,
-- and the buttons that show them are spent. The row is locked before.
WITH old AS (
  INSERT INTO spent_tokens (token, request_id)
  SELECT COALESCE(token, id), id FROM requests WHERE id = %(id)s),
void AS (
  UPDATE decisions SET voided_at = bot_now(), void_reason = 'edited'
  WHERE request_id = %(id)s AND voided_at IS NULL),
gone AS (
  DELETE FROM stages WHERE request_id = %(id)s AND position >= %(length)s)
UPDATE requests SET arguments = %(arguments)s,
  raised_arguments = COALESCE(raised_arguments, arguments),
  call_digest = %(call_digest)s, grant_digest = %(grant_digest)s, rules = %(rules)s,
  why = %(why)s, policy_version = %(policy_version)s, edited_by = %(edited_by)s,
  confirm = %(confirm)s, confirm_argument = %(confirm_argument)s, allow = %(allow)s,
  token = %(token)s, outcome = '', outcome_note = ''
WHERE id = %(id)s;

-- name: write_chain
-- The chain as it is now, stage by stage; open is the first that has not passed.
INSERT INTO stages
  (request_id, position, approvers, people, quorum, source, channel, opened_at)
SELECT %(id)s, s.position, s.approvers,
  ARRAY(SELECT jsonb_array_elements_text(s.people)), s.quorum, s.source, s.channel,
  CASE WHEN s.open THEN bot_now() END
FROM jsonb_to_recordset(%(stages)s::jsonb)
  AS s (position integer, approvers text, people jsonb, quorum integer, source text,
        channel text, open boolean, passed boolean)
ON CONFLICT (request_id, position) DO UPDATE
SET approvers = EXCLUDED.approvers, people = EXCLUDED.people, quorum = EXCLUDED.quorum,
  source = EXCLUDED.source, channel = EXCLUDED.channel,
  opened_at = CASE WHEN %(anew)s THEN EXCLUDED.opened_at
    ELSE COALESCE(stages.opened_at, EXCLUDED.opened_at) END,
  passed_at = CASE WHEN %(anew)s OR stages.position = ANY(%(reopened)s) THEN NULL
    ELSE stages.passed_at END;

-- name: tighten
-- What the policy in force adds beside the stages, and why the card changes.
UPDATE requests SET confirm = %(confirm)s, confirm_argument = %(confirm_argument)s,
  allow = %(allow)s, outcome = 'reopened', outcome_note = %(note)s
WHERE id = %(id)s;

-- name: place_stage
-- Where the people of the open stage are told: by a card of their own channel, or by a
-- reply to the card that stands there already.
-- A chain of an older version names no channels and stays where it is.
WITH request AS (
  SELECT r.id, r.team_id,
    CASE %(channel)s WHEN 'thread' THEN c.channel_id WHEN '' THEN d.channel_id
      ELSE %(channel)s END AS channel,
    CASE %(channel)s WHEN 'thread' THEN c.thread_ts WHEN '' THEN d.thread_ts
      END AS thread
  FROM requests r JOIN conversations c ON c.id = r.conversation_id
  JOIN deliveries d ON d.id = r.card_id
  WHERE r.id = %(id)s),
standing AS (
  SELECT d.id FROM request r
  JOIN request_messages m ON m.request_id = r.id
  JOIN deliveries d ON d.id = m.delivery_id AND d.kind = 'card'
    AND d.channel_id = r.channel AND d.thread_ts IS NOT DISTINCT FROM r.thread
  LIMIT 1),
message AS (
  INSERT INTO deliveries (id, kind, team_id, channel_id, thread_ts)
  SELECT %(delivery)s::uuid,
    CASE WHEN EXISTS (SELECT FROM standing) THEN 'call' ELSE 'card' END,
    team_id, channel, thread
  FROM request
  RETURNING id, kind),
shown AS (
  INSERT INTO request_messages (request_id, delivery_id)
  SELECT %(id)s, id FROM message)
UPDATE requests r SET card_id = COALESCE(
  (SELECT id FROM standing), (SELECT id FROM message))
WHERE r.id = %(id)s;

-- name: close_by_operator
-- The operator's brake: rejects whatever is still open, overdue or not.
UPDATE requests
SET status = 'rejected', decided_at = bot_now(), outcome = 'operator',
  outcome_note = %(note)s
WHERE id = %(id)s AND status = 'pending'
RETURNING id;

-- name: reopen_request
-- A verdict whose approver has lost the right to it, or to which the policy has added,
-- before the graph has taken it.
UPDATE requests SET status = 'pending', decided_at = NULL, outcome = 'reopened',
  outcome_note = %(note)s
WHERE id = %(id)s AND status IN ('approved', 'answered') AND resumed_at IS NULL
RETURNING id;

-- name: reopen_stage
-- The stage of a voided decision, and those behind it, are to be decided again.
UPDATE stages SET passed_at = NULL,
  opened_at = CASE WHEN position = %(stage)s THEN bot_now() END
WHERE request_id = %(id)s AND position >= %(stage)s;

-- name: withdraw_grant
-- The right to run goes with the verdict that gave it, unless it is taken already.
DELETE FROM grants WHERE request_id = %(id)s AND state = 'approved';

-- name: orphan_requests
-- Questions that the graph no longer asks.
UPDATE requests SET status = 'orphaned', decided_at = bot_now(), resumed_at = bot_now(),
  outcome_note = %(note)s
WHERE id = ANY(%(ids)s) AND status = 'pending'
RETURNING id;

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
touched AS (
  UPDATE deliveries SET revision = revision + 1
  WHERE kind = 'card' AND id IN (
    SELECT m.delivery_id FROM kept JOIN request_messages m USING (request_id))
  RETURNING id)
SELECT EXISTS (SELECT FROM card) AS is_card,
  ARRAY(SELECT id::text FROM touched) AS touched;

-- name: select_due
-- Requests whose time is over; each replica takes others.
SELECT id FROM requests
WHERE status = 'pending' AND expires_at <= bot_now()
ORDER BY expires_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED;

-- name: claim_waived
-- A call that the policy lets run: granted and claimed at once, by this run only.
WITH claimed AS (
  INSERT INTO grants (conversation_id, tool_call_id, tool, rule, policy_version,
    call_digest, grant_digest, state, generation, claimed_at)
  SELECT %(conversation)s, %(tool_call)s, %(tool)s, %(rule)s, %(policy_version)s,
    %(call_digest)s, '', 'executing', %(generation)s, bot_now()
  FROM conversations c
  WHERE c.id = %(conversation)s AND c.generation = %(generation)s
  ON CONFLICT (conversation_id, tool_call_id) DO NOTHING
  RETURNING conversation_id),
trail AS (
  INSERT INTO audit (team_id, event, conversation_id, actor, detail)
  SELECT %(team)s, 'claimed', conversation_id, 'bot', %(detail)s FROM claimed)
SELECT EXISTS (SELECT FROM claimed) AS won;

-- name: deny
-- A call that the policy does not allow, once on the trail however often it is asked.
INSERT INTO grants (conversation_id, tool_call_id, tool, rule, policy_version,
  call_digest, grant_digest, state, result, finished_at)
VALUES (%(conversation)s, %(tool_call)s, %(tool)s, %(rule)s, %(policy_version)s,
  %(call_digest)s, '', 'denied', %(why)s, bot_now())
ON CONFLICT (conversation_id, tool_call_id) DO NOTHING;

-- name: claim_approved
-- The one moment at which an approved call may start.
WITH claimed AS (
  UPDATE grants g SET state = 'executing', generation = %(generation)s,
    claimed_at = bot_now()
  FROM requests r, conversations c
  WHERE g.conversation_id = %(conversation)s AND g.tool_call_id = %(tool_call)s
    AND g.state = 'approved' AND g.call_digest = %(call_digest)s
    AND g.grant_digest = %(grant_digest)s
    AND r.id = g.request_id AND r.status = 'approved'
    AND r.call_digest = %(call_digest)s AND r.grant_digest = %(grant_digest)s
    AND c.id = g.conversation_id AND c.generation = %(generation)s
  RETURNING g.conversation_id, g.request_id),
trail AS (
  INSERT INTO audit (team_id, event, request_id, conversation_id, actor, detail)
  SELECT %(team)s, 'claimed', request_id, conversation_id, 'bot', %(detail)s
  FROM claimed)
SELECT EXISTS (SELECT FROM claimed) AS won;

-- name: select_grant
-- Why a claim found nothing to take.
SELECT g.*, c.generation AS current_generation, r.status AS request_status
FROM conversations c
LEFT JOIN grants g ON g.conversation_id = c.id AND g.tool_call_id = %(tool_call)s
LEFT JOIN requests r ON r.id = g.request_id
WHERE c.id = %(conversation)s;

-- name: mark_unknown
-- A claim of a run that is gone: nobody knows whether the action happened. Only the
-- conversation's own run may say so, never one that was itself replaced.
UPDATE grants g SET state = 'unknown', finished_at = bot_now()
FROM conversations c
WHERE g.conversation_id = %(conversation)s AND g.tool_call_id = %(tool_call)s
  AND g.state = 'executing' AND g.generation IS DISTINCT FROM %(generation)s
  AND c.id = g.conversation_id AND c.generation = %(generation)s
RETURNING g.request_id;

-- name: finish_grant
-- What came of it. Its commit need not wait for the disk: a claim without an end is
-- unknown, and never runs again.
WITH quick AS (SELECT set_config('synchronous_commit', 'off', true)),
finished AS (
  UPDATE grants g SET state = %(state)s, result = %(result)s, finished_at = bot_now()
  FROM conversations c, quick
  WHERE g.conversation_id = %(conversation)s AND g.tool_call_id = %(tool_call)s
    AND g.state = 'executing' AND g.generation = %(generation)s
    AND c.id = g.conversation_id
  RETURNING g.conversation_id, g.request_id, c.generation AS current_generation),
trail AS (
  INSERT INTO audit (team_id, event, request_id, conversation_id, actor, detail)
  SELECT %(team)s, %(event)s, request_id, conversation_id, 'bot', %(detail)s
  FROM finished)
SELECT request_id, current_generation FROM finished;

-- name: append_audit
-- Facts for the trail, in order.
INSERT INTO audit (team_id, event, request_id, conversation_id, actor, via, detail)
SELECT a.team, a.event, a.request, a.conversation, a.actor, a.via, a.detail
FROM jsonb_to_recordset(%(facts)s::jsonb)
  AS a (team text, event text, request text, conversation uuid, actor text,
        via text, detail jsonb);
