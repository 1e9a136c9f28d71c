-- name: waiting_for
-- Ids of what a person may have to decide now, nearest deadline first. By their own id
-- and those of whom they stand in for (`people`), by the groups in Slack that they are
-- in (`sources`). Slack and the policy are asked afterwards: these are candidates. It
-- walks the open requests in the order of their deadlines, whatever else is stored.
SELECT r.id FROM requests r
WHERE r.status = 'pending' AND r.team_id = %(team)s
  AND LEAST(r.expires_at, r.stage_expires_at) > bot_now()
  AND (SELECT CASE WHEN s.source = 'requester' THEN r.requester_id = %(user)s
      AND r.agent = ''
    ELSE r.requester_id <> %(user)s AND %(user)s <> ALL (r.participants)
      AND (s.people && %(people)s::text[] OR s.source = ANY (%(sources)s::text[])
        OR (s.escalated_at IS NOT NULL AND EXISTS (
          SELECT FROM jsonb_array_elements(s.times->'to') AS t
          WHERE t->'people' ?| %(people)s::text[]
            OR t->>'source' = ANY (%(sources)s::text[])))) END
    FROM stages s WHERE s.request_id = r.id AND s.passed_at IS NULL
    ORDER BY s.position LIMIT 1)
  AND NOT EXISTS (SELECT FROM decisions d WHERE d.request_id = r.id
    AND d.team_id = %(team)s AND d.user_id = %(user)s AND d.voided_at IS NULL)
ORDER BY LEAST(r.expires_at, r.stage_expires_at)
LIMIT %(limit)s OFFSET %(skip)s;

-- name: asked_by
-- Ids of what a person has asked for, the latest first.
SELECT r.id FROM requests r
WHERE r.team_id = %(team)s AND r.requester_id = %(user)s
ORDER BY r.raised_at DESC LIMIT %(limit)s OFFSET %(skip)s;

-- name: decided_by
-- Ids of what a person has decided, the latest first; of each its last decision counts.
SELECT d.request_id AS id FROM decisions d
WHERE d.team_id = %(team)s AND d.user_id = %(user)s AND d.voided_at IS NULL
ORDER BY d.id DESC LIMIT %(limit)s OFFSET %(skip)s;

-- name: of_code
-- Ids of the requests of a code, the latest first.
SELECT r.id FROM requests r
WHERE r.team_id = %(team)s AND r.code = %(code)s
ORDER BY r.raised_at DESC LIMIT 10;
