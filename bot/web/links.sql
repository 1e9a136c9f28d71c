-- name: insert_link
-- A link, by its hash alone; it never outlives its request.
INSERT INTO links (hash, request_id, team_id, user_id, grant_digest, expires_at)
SELECT %(hash)s, r.id, %(team)s, %(user)s, %(digest)s,
  LEAST(r.expires_at, bot_now() + %(life)s)
FROM requests r WHERE r.id = %(request)s;

-- name: select_link
-- Whether a link is good still, by the only clock.
SELECT request_id, team_id, user_id, grant_digest, used_at IS NOT NULL AS is_used,
  expires_at <= bot_now() AS is_over
FROM links WHERE hash = %(hash)s;

-- name: use_link
-- Once: of several posts at the same moment one gets it.
UPDATE links SET used_at = bot_now()
WHERE hash = %(hash)s AND used_at IS NULL AND expires_at > bot_now()
RETURNING hash;

-- name: give_back_link
-- Nothing was decided by it, so it is good still.
UPDATE links SET used_at = NULL WHERE hash = %(hash)s;
