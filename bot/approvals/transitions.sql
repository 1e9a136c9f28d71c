-- name: void_decisions
-- A decision whose right was lost no longer counts, and none of a stage behind it:
-- those people decided after a stage that is open again.
UPDATE decisions SET voided_at = bot_now(), void_reason = %(reason)s
WHERE request_id = %(id)s AND voided_at IS NULL
  AND (user_id = %(user)s OR stage > %(stage)s);

-- name: decide
-- A word, what it passes, and the verdict, if it is one, with the trail: one winner, and
-- never after the deadline: the request's, or that of the stage. Says whether the verdict
-- was written, and which messages now show something old; the graph is resumed with it,
-- and after something critical the trail is signed. `begun`: the job that resumes, if
-- this worker is at it. The row is locked before.
WITH word AS (
  INSERT INTO decisions (
    request_id, stage, enterprise_id, team_id, user_id, verdict, reason, via, click,
    for_user)
  SELECT %(id)s, %(stage)s, %(enterprise)s, %(team)s, %(user)s, %(verdict)s,
    %(reason)s, %(via)s, %(click)s, %(for_user)s
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
    AND bot_now() < LEAST(expires_at,
      (SELECT s.opened_at + make_interval(secs => (s.times->>'timeout')::float8)
       FROM stages s WHERE s.request_id = %(id)s AND s.position = %(stage)s))
  RETURNING *),
granted AS (
  INSERT INTO grants (conversation_id, tool_call_id, request_id, tool, rule,
    policy_version, call_digest, grant_digest, state, due_at)
  SELECT conversation_id,
    CASE WHEN guarded THEN tool_call_id ELSE interrupt_id || ':' || position END,
    id, tool, array_to_string(rules, ', '), policy_version, call_digest, grant_digest,
    'approved', bot_now() + claim_within
  -- the answer to a graph's own question can make it do anything
  FROM closed WHERE status = 'approved' OR (status = 'answered' AND kind = 'interrupt')
  -- a call that an older policy denied, and that was asked again after a crash
  ON CONFLICT (conversation_id, tool_call_id) DO UPDATE
  SET request_id = EXCLUDED.request_id, rule = EXCLUDED.rule, result = NULL,
    policy_version = EXCLUDED.policy_version, call_digest = EXCLUDED.call_digest,
    grant_digest = EXCLUDED.grant_digest, state = 'approved', finished_at = NULL
  WHERE grants.state = 'denied'),
trail AS (
  INSERT INTO audit
    (team_id, event, request_id, conversation_id, actor, via, detail, texts)
  SELECT a.team, a.event, a.request, a.conversation, a.actor, a.via, a.detail, a.texts
  FROM jsonb_to_recordset(%(facts)s::jsonb)
    AS a (team text, event text, request text, conversation uuid, actor text,
          via text, detail jsonb, texts jsonb)),
touched AS (  -- in the order of `touch_deliveries`
  UPDATE deliveries SET revision = revision + 1
  WHERE id IN (SELECT d.id FROM request_messages m
    JOIN deliveries d ON d.id = m.delivery_id
    WHERE m.request_id = %(id)s ORDER BY d.id FOR NO KEY UPDATE OF d)
  RETURNING id)
SELECT EXISTS (SELECT FROM closed) AS closed,
  ARRAY(SELECT id::text FROM touched) AS touched,
  (SELECT begin_for_conversation('resume', conversation_id, %(worker)s)
   FROM closed WHERE agent = '') AS begun,
  (SELECT defer_job('checkpoint', 'checkpoint ' || team_id,
     jsonb_build_object('team', team_id))
   FROM requests WHERE id = %(id)s AND (critical OR %(critical)s)) AS checkpoint;

-- name: expire
-- Silence: the verdict on requests whose deadline is over, or that of the open stage, with
-- the trail; as `decide`, for many at once. Their graphs are resumed behind all that
-- people wait for, and `later` says in how many seconds, as for the changes of their cards.
-- Says which were closed, and which messages now show something old. The rows are locked
-- before.
WITH closed AS (
  UPDATE requests r
  SET status = 'timed_out', decided_at = bot_now(), outcome = g.outcome,
    outcome_note = g.note
  FROM jsonb_to_recordset(%(requests)s::jsonb)
    AS g (id text, stage integer, outcome text, note text)
  WHERE r.id = g.id AND r.status = 'pending' AND bot_now() >= LEAST(r.expires_at,
    (SELECT s.opened_at + make_interval(secs => (s.times->>'timeout')::float8)
     FROM stages s WHERE s.request_id = g.id AND s.position = g.stage))
  RETURNING r.id, r.team_id, r.conversation_id, r.agent, r.critical),
trail AS (
  INSERT INTO audit
    (team_id, event, request_id, conversation_id, actor, via, detail, texts)
  SELECT a.team, a.event, a.request, a.conversation, a.actor, a.via, a.detail, a.texts
  FROM jsonb_to_recordset(%(facts)s::jsonb)
    AS a (team text, event text, request text, conversation uuid, actor text,
          via text, detail jsonb, texts jsonb)),
touched AS (  -- in the order of `touch_deliveries`
  UPDATE deliveries SET revision = revision + 1,
    due_at = GREATEST(due_at, clock_timestamp() + make_interval(secs => %(later)s::float8))
  WHERE id IN (SELECT d.id FROM request_messages m
    JOIN deliveries d ON d.id = m.delivery_id
    WHERE m.request_id IN (SELECT id FROM closed) ORDER BY d.id FOR NO KEY UPDATE OF d)
  RETURNING id)
SELECT ARRAY(SELECT id FROM closed) AS closed,
  ARRAY(SELECT id::text FROM touched) AS touched,
  procrastinate_defer_jobs_v1(ARRAY(
    SELECT ROW('runs', 'resume', -1, conversation_id::text, NULL,
      jsonb_build_object('conversation', conversation_id),
      now() + make_interval(secs => NULLIF(%(later)s::float8, 0))
    )::procrastinate_job_to_defer_v1
    FROM closed WHERE agent = '')) AS resumes,
  ARRAY(SELECT defer_job('checkpoint', 'checkpoint ' || team_id,
      jsonb_build_object('team', team_id))
    FROM closed WHERE critical GROUP BY team_id) AS checkpoints;

-- name: add_reason
-- Why somebody has rejected it, said right after it; a reason that stands stays. The row
-- is locked before.
WITH word AS (
  UPDATE decisions SET reason = %(reason)s
  WHERE request_id = %(id)s AND user_id = %(user)s AND verdict = 'reject'
    AND reason = '' AND voided_at IS NULL
  RETURNING request_id)
UPDATE requests SET outcome_note = %(reason)s
WHERE id IN (SELECT request_id FROM word);

-- name: edit
-- Other arguments, or an answer to a graph's question before the chain: another digest,
-- another chain. What was said of the old ones is void, and the buttons that show them
-- are spent. The row is locked before.
WITH old AS (
  INSERT INTO spent_tokens (token, request_id)
  SELECT COALESCE(token, id), id FROM requests WHERE id = %(id)s),
void AS (
  UPDATE decisions SET voided_at = bot_now(), void_reason = %(reason)s
  WHERE request_id = %(id)s AND voided_at IS NULL),
gone AS (
  DELETE FROM stages WHERE request_id = %(id)s AND position >= %(length)s)
UPDATE requests SET arguments = %(arguments)s, answer = %(answer)s,
  raised_arguments = CASE WHEN %(reason)s = 'answered' THEN raised_arguments
    ELSE COALESCE(raised_arguments, arguments) END,
  call_digest = %(call_digest)s, grant_digest = %(grant_digest)s, rules = %(rules)s,
  why = %(why)s, policy_version = %(policy_version)s, edited_by = %(edited_by)s,
  confirm = %(confirm)s, confirm_argument = %(confirm_argument)s, allow = %(allow)s,
  token = %(token)s, hours = %(hours)s, title = %(title)s, risk = %(risk)s,
  asks_reason = %(asks_reason)s, outcome = '', outcome_note = ''
WHERE id = %(id)s;

-- name: take_answer_back
-- The person who gave the answer may no longer decide; the question is as it was raised.
WITH old AS (
  INSERT INTO spent_tokens (token, request_id)
  SELECT COALESCE(token, id), id FROM requests WHERE id = %(id)s)
UPDATE requests SET refused_answer = answer, answer = NULL, token = %(token)s,
  grant_digest = %(grant_digest)s
WHERE id = %(id)s;

-- name: write_chain
-- The chain as it is now, stage by stage; open is the first that has not passed.
INSERT INTO stages
  (request_id, position, approvers, people, quorum, source, channel, times, opened_at)
SELECT %(id)s, s.position, s.approvers,
  ARRAY(SELECT jsonb_array_elements_text(s.people)), s.quorum, s.source, s.channel,
  s.times, CASE WHEN s.open THEN bot_now() END
FROM jsonb_to_recordset(%(stages)s::jsonb)
  AS s (position integer, approvers text, people jsonb, quorum integer, source text,
        channel text, times jsonb, open boolean)
ON CONFLICT (request_id, position) DO UPDATE
SET approvers = EXCLUDED.approvers, people = EXCLUDED.people, quorum = EXCLUDED.quorum,
  source = EXCLUDED.source, channel = EXCLUDED.channel, times = EXCLUDED.times,
  reminded_at = CASE WHEN NOT %(anew)s THEN stages.reminded_at END,
  escalated_at = CASE WHEN NOT %(anew)s THEN stages.escalated_at END,
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
  ORDER BY d.created_at DESC LIMIT 1),
message AS (
  INSERT INTO deliveries (id, kind, team_id, channel_id, thread_ts, user_id)
  SELECT %(delivery)s::uuid,
    CASE WHEN EXISTS (SELECT FROM standing) THEN 'call' ELSE 'card' END,
    team_id, channel, thread,
    CASE WHEN NOT EXISTS (SELECT FROM standing) THEN %(user)s::text END
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
RETURNING id, critical;

-- name: reopen_request
-- A verdict whose approver has lost the right to it, or to which the policy has added,
-- before the graph has taken it.
UPDATE requests SET status = 'pending', decided_at = NULL, outcome = 'reopened',
  outcome_note = %(note)s
WHERE id = %(id)s AND status IN ('approved', 'answered')
  AND (resumed_at IS NULL OR agent <> '')
RETURNING id;

-- name: reopen_stage
-- The stage of a voided decision, and those behind it, are to be decided again.
UPDATE stages SET passed_at = NULL, reminded_at = NULL, escalated_at = NULL,
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

-- name: waits_for_tool
-- Requests that wait for a tool of the bot's own graph, in the order of their locking.
SELECT id FROM requests
WHERE tool = %(tool)s AND status = 'pending' AND agent = '' ORDER BY id;

-- name: change_tool
-- The tool is not what people were shown: the same arguments, another digest, and the
-- buttons that show the old ones are spent. The row is locked before.
WITH old AS (
  INSERT INTO spent_tokens (token, request_id)
  SELECT COALESCE(token, id), id FROM requests WHERE id = %(id)s)
UPDATE requests SET schema = %(schema)s, schema_digest = %(schema_digest)s,
  call_digest = %(call_digest)s, grant_digest = %(grant_digest)s, token = %(token)s,
  risk = %(risk)s, outcome = 'reopened', outcome_note = %(note)s
WHERE id = %(id)s;
