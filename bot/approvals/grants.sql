-- name: claim_waived
-- A call that the policy lets run: granted and claimed at once, by this run only. It
-- waits for a stop that is being written, which has counted what runs, and finds it.
-- `stands`: whether the graph still has the call, whose checkpoint need not have waited
-- for the disk. Where a crash of the server has taken it back, the model is asked anew.
WITH checkpoint AS (
  SELECT %(unsynced)s::text = '' OR EXISTS (SELECT FROM checkpoints k
    WHERE k.thread_id = %(conversation)s::uuid::text
      AND k.checkpoint_id = %(unsynced)s) AS stands),
claimed AS (
  INSERT INTO grants (conversation_id, tool_call_id, tool, rule, policy_version,
    call_digest, grant_digest, state, generation, claimed_at)
  SELECT %(conversation)s, %(tool_call)s, %(tool)s, %(rule)s, %(policy_version)s,
    %(call_digest)s, '', 'executing', %(generation)s, bot_now()
  FROM conversations c, checkpoint
  WHERE c.id = %(conversation)s AND c.generation = %(generation)s AND stands
  FOR SHARE OF c
  ON CONFLICT (conversation_id, tool_call_id) DO NOTHING
  RETURNING conversation_id),
trail AS (
  INSERT INTO audit (team_id, event, conversation_id, actor, detail, texts)
  SELECT %(team)s, 'claimed', conversation_id, 'bot',
    %(detail)s::jsonb || jsonb_build_object('on_behalf_of', (
      SELECT m.user_id FROM messages m
      WHERE m.conversation_id = claimed.conversation_id AND m.state = 'running'
      ORDER BY m.id LIMIT 1)), %(texts)s
  FROM claimed)
SELECT EXISTS (SELECT FROM claimed) AS won, stands FROM checkpoint;

-- name: deny
-- A call that the policy does not allow, once on the trail however often it is asked.
WITH denied AS (
  INSERT INTO grants (conversation_id, tool_call_id, tool, rule, policy_version,
    call_digest, grant_digest, state, result, finished_at)
  VALUES (%(conversation)s, %(tool_call)s, %(tool)s, %(rule)s, %(policy_version)s,
    %(call_digest)s, '', 'denied', %(why)s, bot_now())
  ON CONFLICT (conversation_id, tool_call_id) DO NOTHING
  RETURNING conversation_id)
INSERT INTO audit (team_id, event, conversation_id, actor, detail, texts)
SELECT %(team)s, 'denied', conversation_id, 'bot',
  %(detail)s::jsonb || jsonb_build_object('on_behalf_of', (
    SELECT m.user_id FROM messages m
    WHERE m.conversation_id = denied.conversation_id AND m.state = 'running'
    ORDER BY m.id LIMIT 1)), %(texts)s
FROM denied;

-- name: claim_approved
-- The one moment at which an approved call may start.
WITH claimed AS (
  UPDATE grants g SET state = 'executing', generation = %(generation)s,
    claimed_at = bot_now(), due_at = bot_now() + r.result_within
  FROM requests r, conversations c
  WHERE g.conversation_id = %(conversation)s AND g.tool_call_id = %(tool_call)s
    AND g.state = 'approved' AND g.call_digest = %(call_digest)s
    AND g.grant_digest = %(grant_digest)s
    AND (g.due_at IS NULL OR g.due_at > bot_now())
    AND r.id = g.request_id AND r.status = 'approved'
    AND r.call_digest = %(call_digest)s AND r.grant_digest = %(grant_digest)s
    AND c.id = g.conversation_id AND c.generation = %(generation)s
  RETURNING g.conversation_id, g.request_id),
trail AS (
  INSERT INTO audit (team_id, event, request_id, conversation_id, actor, detail)
  SELECT %(team)s, 'claimed', request_id, conversation_id, 'bot', %(detail)s
  FROM claimed)
SELECT EXISTS (SELECT FROM claimed) AS won,
  (SELECT s.what FROM claimed c JOIN seen s ON s.request_id = c.request_id
   WHERE s.call_digest = %(call_digest)s) AS seen;

-- name: select_own_claim
-- A claim that this very run made, where it never heard the answer. Nor may anybody have
-- waited for the disk: the lock makes this a commit that does.
SELECT s.what AS seen
FROM conversations c
JOIN grants g ON g.conversation_id = c.id
LEFT JOIN seen s ON s.request_id = g.request_id AND s.call_digest = g.call_digest
WHERE c.id = %(conversation)s AND c.generation = %(generation)s
  AND g.tool_call_id = %(tool_call)s AND g.call_digest = %(call_digest)s
  AND g.state = 'executing' AND g.generation = %(generation)s
FOR NO KEY UPDATE OF g;

-- name: select_grant
-- Why a claim found nothing to take.
SELECT g.*, c.generation AS current_generation, r.status AS request_status,
  g.due_at IS NULL OR g.due_at > bot_now() AS in_time
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

-- name: mark_lost
-- Claims of runs that are gone, of a conversation whose turn was stopped meanwhile: no
-- run comes back to them.
UPDATE grants g SET state = 'unknown', finished_at = bot_now()
FROM conversations c
WHERE g.conversation_id = %(conversation)s AND g.state = 'executing'
  AND g.request_id IS NOT NULL AND g.generation < %(generation)s
  AND c.id = g.conversation_id AND c.generation = %(generation)s
RETURNING g.request_id, g.tool, g.call_digest;

-- name: finish_grant
-- What came of it, and which messages are to show it: cards, and of what failed the
-- notice in the thread, which says "approved". Its commit need not wait for the disk: a
-- claim without an end is unknown, and never runs again.
WITH quick AS (SELECT set_config('synchronous_commit', 'off', true)),
finished AS (
  UPDATE grants g SET state = %(state)s, result = %(result)s, finished_at = bot_now()
  FROM conversations c, quick
  WHERE g.conversation_id = %(conversation)s AND g.tool_call_id = %(tool_call)s
    AND g.state = 'executing' AND g.generation = %(generation)s
    AND c.id = g.conversation_id
  RETURNING g.conversation_id, g.request_id, c.generation AS current_generation),
trail AS (
  INSERT INTO audit (team_id, event, request_id, conversation_id, actor, detail, texts)
  SELECT %(team)s, %(event)s, request_id, conversation_id, 'bot', %(detail)s, %(texts)s
  FROM finished),
touched AS (  -- in the order of `touch_deliveries`
  UPDATE deliveries SET revision = revision + 1
  WHERE id IN (SELECT d.id FROM finished JOIN request_messages m USING (request_id)
    JOIN deliveries d ON d.id = m.delivery_id
    WHERE d.kind = 'card' OR d.kind = 'notice' AND %(event)s = 'failed'
    ORDER BY d.id FOR NO KEY UPDATE OF d)
  RETURNING id)
SELECT request_id, current_generation,
  ARRAY(SELECT id::text FROM touched) AS touched
FROM finished;

-- name: append_audit
-- Facts for the trail, in order.
INSERT INTO audit
  (team_id, event, request_id, conversation_id, actor, via, detail, texts)
SELECT a.team, a.event, a.request, a.conversation, a.actor, a.via, a.detail, a.texts
FROM jsonb_to_recordset(%(facts)s::jsonb)
  AS a (team text, event text, request text, conversation uuid, actor text,
        via text, detail jsonb, texts jsonb);
