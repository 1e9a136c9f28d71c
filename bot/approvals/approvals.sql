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
  WHERE m.id IS NOT NULL),
raised AS (
  INSERT INTO requests (
    id, code, team_id, enterprise_id, conversation_id, interrupt_id, position,
    tool_call_id, tool, arguments, schema_digest, call_digest, grant_digest,
    requester_id, participants, rules, why, policy_version, note,
    status, outcome_note, decided_at, expires_at, card_id, notice_id)
  SELECT
    %(id)s, %(code)s, %(team)s, %(enterprise)s, %(conversation)s, %(interrupt)s,
    %(position)s, %(tool_call)s, %(tool)s, %(arguments)s, %(schema_digest)s,
    %(call_digest)s, %(grant_digest)s, %(requester)s, %(participants)s, %(rules)s,
    %(why)s, %(policy_version)s, %(note)s, %(status)s, %(outcome_note)s,
    CASE WHEN %(status)s = 'pending' THEN NULL ELSE bot_now() END,
    bot_now() + %(timeout)s, %(card)s, %(notice)s
  FROM fresh
  RETURNING *),
chain AS (
  INSERT INTO stages (request_id, position, approvers, people, quorum, opened_at)
  SELECT raised.id, s.position, s.approvers,
    ARRAY(SELECT jsonb_array_elements_text(s.people)), s.quorum,
    CASE WHEN s.position = 0 THEN bot_now() END
  FROM raised, jsonb_to_recordset(%(stages)s::jsonb)
    AS s (position integer, approvers text, people jsonb, quorum integer)),
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

-- name: insert_delivery
-- Something to be sent; the job that sends it is deferred beside it.
INSERT INTO deliveries (id, kind, team_id, channel_id, thread_ts, user_id, text)
VALUES (%(id)s, %(kind)s, %(team)s, %(channel)s, %(thread_ts)s, %(user)s, %(text)s);

-- name: touch_deliveries
-- The messages of a request show something old now.
UPDATE deliveries SET revision = revision + 1
WHERE id IN (SELECT unnest(ARRAY[card_id, notice_id]) FROM requests WHERE id = %(id)s)
RETURNING id;

-- name: select_request
-- One request, whole, with the clock.
SELECT * FROM stored_requests r
WHERE r.id = %(id)s;

-- name: lock_request
-- Take the row before it is read: whoever holds it decides.
SELECT id FROM requests WHERE id = %(id)s FOR UPDATE;

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
    opened_at = CASE WHEN position = %(stage)s THEN opened_at ELSE bot_now() END
  WHERE %(passes)s AND request_id = %(id)s
    AND position IN (%(stage)s, %(stage)s + 1)),
closed AS (
  UPDATE requests
  SET status = %(status)s, decided_at = bot_now(), outcome_note = %(note)s
  WHERE id = %(id)s AND status = 'pending' AND %(status)s::text IS NOT NULL
    AND (%(status)s::text = 'timed_out') = (expires_at <= bot_now())
  RETURNING *),
granted AS (
  INSERT INTO grants (conversation_id, tool_call_id, request_id, tool, rule,
    policy_version, call_digest, grant_digest, state)
  SELECT conversation_id, tool_call_id, id, tool, array_to_string(rules, ', '),
    policy_version, call_digest, grant_digest, 'approved'
  FROM closed WHERE status = 'approved'),
trail AS (
  INSERT INTO audit (team_id, event, request_id, conversation_id, actor, via, detail)
  SELECT a.team, a.event, a.request, a.conversation, a.actor, a.via, a.detail
  FROM jsonb_to_recordset(%(facts)s::jsonb)
    AS a (team text, event text, request text, conversation uuid, actor text,
          via text, detail jsonb)),
touched AS (
  UPDATE deliveries SET revision = revision + 1
  WHERE id IN (SELECT unnest(ARRAY[card_id, notice_id]) FROM requests
               WHERE id = %(id)s)
  RETURNING id)
SELECT EXISTS (SELECT FROM closed) AS closed,
  ARRAY(SELECT id::text FROM touched) AS touched;

-- name: close_by_operator
-- The operator's brake: rejects whatever is still open, overdue or not.
UPDATE requests
SET status = 'rejected', decided_at = bot_now(), outcome_note = %(note)s
WHERE id = %(id)s AND status = 'pending'
RETURNING id;

-- name: reopen_request
-- A verdict whose approver has lost the right to it, before the graph has taken it.
UPDATE requests SET status = 'pending', decided_at = NULL, outcome_note = %(note)s
WHERE id = %(id)s AND status = 'approved' AND resumed_at IS NULL
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
