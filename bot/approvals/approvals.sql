-- name: insert_request
-- A request as it is raised; raising the same interrupt again changes nothing.
INSERT INTO requests (
  id, code, team_id, enterprise_id, conversation_id, interrupt_id, position,
  tool_call_id, tool, arguments, schema_digest, call_digest, grant_digest,
  requester_id, participants, rules, why, policy_version, note,
  status, outcome_note, decided_at, expires_at)
VALUES (
  %(id)s, %(code)s, %(team)s, %(enterprise)s, %(conversation)s, %(interrupt)s,
  %(position)s, %(tool_call)s, %(tool)s, %(arguments)s, %(schema_digest)s,
  %(call_digest)s, %(grant_digest)s, %(requester)s, %(participants)s, %(rules)s,
  %(why)s, %(policy_version)s, %(note)s,
  %(status)s, %(outcome_note)s,
  CASE WHEN %(status)s = 'pending' THEN NULL ELSE bot_now() END,
  bot_now() + %(timeout)s)
ON CONFLICT (conversation_id, interrupt_id, position) DO NOTHING
RETURNING id;

-- name: insert_stages
-- The chain of a request; its first stage opens at once.
INSERT INTO stages (request_id, position, approvers, people, quorum, opened_at)
SELECT %(id)s, s.position, s.approvers,
       ARRAY(SELECT jsonb_array_elements_text(s.people)), s.quorum,
       CASE WHEN s.position = 0 THEN bot_now() END
FROM jsonb_to_recordset(%(stages)s::jsonb)
  AS s (position integer, approvers text, people jsonb, quorum integer);

-- name: set_messages
-- Which messages in Slack show this request.
UPDATE requests SET card_id = %(card)s, notice_id = %(notice)s WHERE id = %(id)s;

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
SELECT r.*, bot_now() AS now, g.state AS execution, d.channel_id AS card_channel,
  d.posted_channel AS card_posted, d.message_ts AS card_ts, s.stages, x.decisions
FROM requests r
LEFT JOIN grants g ON g.request_id = r.id
LEFT JOIN deliveries d ON d.id = r.card_id
LEFT JOIN LATERAL (
  SELECT jsonb_agg(to_jsonb(s) ORDER BY s.position) AS stages
  FROM stages s WHERE s.request_id = r.id) s ON true
LEFT JOIN LATERAL (
  SELECT jsonb_agg(to_jsonb(x) ORDER BY x.id) AS decisions
  FROM decisions x WHERE x.request_id = r.id AND x.voided_at IS NULL) x ON true
WHERE r.id = %(id)s;

-- name: lock_request
-- Take the row before it is read: whoever holds it decides.
SELECT id FROM requests WHERE id = %(id)s FOR UPDATE;

-- name: select_requests
-- Several requests, whole: those of a card, of a conversation's open questions, or of
-- a status; oldest first.
SELECT r.*, bot_now() AS now, g.state AS execution, d.channel_id AS card_channel,
  d.posted_channel AS card_posted, d.message_ts AS card_ts, s.stages, x.decisions
FROM requests r
LEFT JOIN grants g ON g.request_id = r.id
LEFT JOIN deliveries d ON d.id = r.card_id
LEFT JOIN LATERAL (
  SELECT jsonb_agg(to_jsonb(s) ORDER BY s.position) AS stages
  FROM stages s WHERE s.request_id = r.id) s ON true
LEFT JOIN LATERAL (
  SELECT jsonb_agg(to_jsonb(x) ORDER BY x.id) AS decisions
  FROM decisions x WHERE x.request_id = r.id AND x.voided_at IS NULL) x ON true
WHERE (%(delivery)s::uuid IS NULL OR r.card_id = %(delivery)s OR r.notice_id = %(delivery)s)
  AND (%(conversation)s::uuid IS NULL
       OR (r.conversation_id = %(conversation)s AND r.resumed_at IS NULL))
  AND (%(status)s::text IS NULL OR r.status = %(status)s)
ORDER BY r.raised_at, r.position, r.id
LIMIT %(limit)s;

-- name: insert_decision
-- One person's word.
INSERT INTO decisions (
  request_id, stage, enterprise_id, team_id, user_id, verdict, reason, via, click)
VALUES (%(id)s, %(stage)s, %(enterprise)s, %(team)s, %(user)s, %(verdict)s,
  %(reason)s, %(via)s, %(click)s);

-- name: void_decision
-- A decision that no longer counts, because the right to it was lost.
UPDATE decisions SET voided_at = bot_now(), void_reason = %(reason)s
WHERE request_id = %(id)s AND user_id = %(user)s AND voided_at IS NULL;

-- name: pass_stage
-- The open stage has its quorum; the next one opens.
UPDATE stages SET
  passed_at = CASE WHEN position = %(stage)s THEN bot_now() ELSE passed_at END,
  opened_at = CASE WHEN position = %(stage)s + 1 THEN bot_now() ELSE opened_at END
WHERE request_id = %(id)s AND position IN (%(stage)s, %(stage)s + 1);

-- name: close_request
-- The verdict: one winner, and never after the deadline except by the deadline.
UPDATE requests
SET status = %(status)s, decided_at = bot_now(), outcome_note = %(note)s
WHERE id = %(id)s AND status = 'pending'
  AND (%(status)s = 'timed_out') = (expires_at <= bot_now())
RETURNING id;

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
-- The right to run goes with the verdict that gave it.
DELETE FROM grants WHERE request_id = %(id)s AND state = 'approved';

-- name: mark_resumed
-- The graph has these answers.
UPDATE requests SET resumed_at = bot_now()
WHERE id = ANY(%(ids)s) AND resumed_at IS NULL;

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

-- name: insert_grant
-- The right to run one call, given with the last decision.
INSERT INTO grants (conversation_id, tool_call_id, request_id, tool, rule,
  policy_version, call_digest, grant_digest, state)
VALUES (%(conversation)s, %(tool_call)s, %(request)s, %(tool)s, %(rule)s,
  %(policy_version)s, %(call_digest)s, %(grant_digest)s, 'approved');

-- name: claim_waived
-- A call that the policy lets run: granted and claimed at once, by this run only.
INSERT INTO grants (conversation_id, tool_call_id, tool, rule, policy_version,
  call_digest, grant_digest, state, generation, claimed_at)
SELECT %(conversation)s, %(tool_call)s, %(tool)s, %(rule)s, %(policy_version)s,
  %(call_digest)s, '', 'executing', %(generation)s, bot_now()
FROM conversations c
WHERE c.id = %(conversation)s AND c.generation = %(generation)s
ON CONFLICT (conversation_id, tool_call_id) DO NOTHING
RETURNING state;

-- name: deny
-- A call that the policy does not allow, once on the trail however often it is asked.
INSERT INTO grants (conversation_id, tool_call_id, tool, rule, policy_version,
  call_digest, grant_digest, state, result, finished_at)
VALUES (%(conversation)s, %(tool_call)s, %(tool)s, %(rule)s, %(policy_version)s,
  %(call_digest)s, '', 'denied', %(why)s, bot_now())
ON CONFLICT (conversation_id, tool_call_id) DO NOTHING;

-- name: claim_approved
-- The one moment at which an approved call may start.
UPDATE grants g SET state = 'executing', generation = %(generation)s,
  claimed_at = bot_now()
FROM requests r, conversations c
WHERE g.conversation_id = %(conversation)s AND g.tool_call_id = %(tool_call)s
  AND g.state = 'approved' AND g.call_digest = %(call_digest)s
  AND g.grant_digest = %(grant_digest)s
  AND r.id = g.request_id AND r.status = 'approved'
  AND r.grant_digest = %(grant_digest)s
  AND c.id = g.conversation_id AND c.generation = %(generation)s
RETURNING g.state;

-- name: select_grant
-- Why a claim found nothing to take.
SELECT g.*, c.generation AS current_generation, r.status AS request_status
FROM conversations c
LEFT JOIN grants g ON g.conversation_id = c.id AND g.tool_call_id = %(tool_call)s
LEFT JOIN requests r ON r.id = g.request_id
WHERE c.id = %(conversation)s;

-- name: mark_unknown
-- A claim of a run that is gone: nobody knows whether the action happened.
UPDATE grants SET state = 'unknown', finished_at = bot_now()
WHERE conversation_id = %(conversation)s AND tool_call_id = %(tool_call)s
  AND state = 'executing' AND generation IS DISTINCT FROM %(generation)s
RETURNING request_id;

-- name: finish_grant
-- What came of it.
UPDATE grants SET state = %(state)s, result = %(result)s, finished_at = bot_now()
WHERE conversation_id = %(conversation)s AND tool_call_id = %(tool_call)s
  AND state = 'executing' AND generation = %(generation)s
RETURNING request_id;

-- name: append_audit
-- Facts for the trail, in order.
INSERT INTO audit (team_id, event, request_id, conversation_id, actor, via, detail)
SELECT a.team, a.event, a.request, a.conversation, a.actor, a.via, a.detail
FROM jsonb_to_recordset(%(facts)s::jsonb)
  AS a (team text, event text, request text, conversation uuid, actor text,
        via text, detail jsonb);
