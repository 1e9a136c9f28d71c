-- name: delegations_in_force
-- Who stands in for whom by their own word; the policy's clock says until when exactly.
SELECT principal_id, delegate_id, until FROM delegations
WHERE team_id = %(team)s AND ended_at IS NULL AND until >= bot_now()::date - 1
ORDER BY id;

-- name: delegate
-- One person names another, or another last day.
INSERT INTO delegations (team_id, principal_id, delegate_id, until)
VALUES (%(team)s, %(principal)s, %(delegate)s, %(until)s)
ON CONFLICT (team_id, principal_id, delegate_id) WHERE ended_at IS NULL
DO UPDATE SET until = EXCLUDED.until, given_at = bot_now();

-- name: end_delegations
-- Nobody stands in for a person any more, by their own word, but one if that is named.
UPDATE delegations SET ended_at = bot_now()
WHERE team_id = %(team)s AND principal_id = %(principal)s AND ended_at IS NULL
  AND delegate_id <> %(but)s
RETURNING delegate_id;
