-- name: give_standing
-- Calls like this one are approved ahead, with the trail.
WITH given AS (
  INSERT INTO standing_grants (id, code, team_id, enterprise_id, giver_id, approvers, tool,
    schema_digest, bindings, requester_id, agent, conversation_id, policy_version, risk,
    uses, expires_at, request_id)
  VALUES (%(id)s, %(code)s, %(team)s, %(enterprise)s, %(giver)s, %(group)s, %(tool)s,
    %(schema_digest)s, %(bindings)s, %(requester)s, %(agent)s, %(conversation)s,
    %(policy_version)s, %(risk)s, %(uses)s,
    bot_now() + make_interval(secs => %(seconds)s), %(request)s)
  RETURNING id)
SELECT id::text AS id FROM given;

-- name: select_standing_for
-- The live grants for calls of a tool that a requester asks for, the nearest end first.
SELECT * FROM standing_grants
WHERE team_id = %(team)s AND requester_id = %(requester)s AND tool = %(tool)s
  AND expires_at > bot_now() AND revoked_at IS NULL AND used < uses
ORDER BY expires_at, given_at, id LIMIT %(most)s;

-- name: use_standing
-- One use more, as long as there is one: a use that comes too late gets no row.
UPDATE standing_grants SET used = used + 1
WHERE id = %(id)s AND used < uses AND revoked_at IS NULL AND expires_at > bot_now()
RETURNING *;

-- name: select_standing_of
-- What a person has given, newest first: what still counts (`live`), or for a week what
-- did too.
SELECT * FROM standing_grants
WHERE team_id = %(team)s AND giver_id = %(giver)s
  AND expires_at > bot_now() - interval '7 days'
  AND (NOT %(live)s OR (expires_at > bot_now() AND revoked_at IS NULL AND used < uses))
ORDER BY given_at DESC, id LIMIT %(most)s;

-- name: find_standing
-- The grant of a code.
SELECT *, bot_now() AS now FROM standing_grants
WHERE team_id = %(team)s AND code = %(code)s;

-- name: revoke_standing
-- Nothing uses it from here on; once.
UPDATE standing_grants SET revoked_at = bot_now(), revoked_by = %(by)s
WHERE id = %(id)s AND revoked_at IS NULL
RETURNING id;
