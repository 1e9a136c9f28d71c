-- name: events
-- How often what happened, for which tool and with what outcome.
SELECT event, COALESCE(detail->>'tool', '') AS tool,
  COALESCE(detail->>'outcome', '') AS outcome, count(*) AS count
FROM audit WHERE at >= %(since)s AND at < %(until)s
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;

-- name: stages
-- What people decided in each group's stages.
SELECT detail->>'group' AS "group", event AS decision, count(*) AS count,
  count(DISTINCT actor) AS people
FROM audit
WHERE at >= %(since)s AND at < %(until)s AND detail ? 'group' AND via <> ''
  AND event IN ('recorded', 'stage_passed', 'approved', 'rejected', 'answered',
    'edited')
GROUP BY 1, 2 ORDER BY 1, 2;

-- name: refused
-- Attempts that were refused, and the words for why.
SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS at,
  team_id AS team, actor, via, COALESCE(request_id, '') AS request,
  COALESCE(detail->>'tool', '') AS tool, COALESCE(detail->>'verdict', '') AS verdict,
  COALESCE(detail->>'word', '') AS word
FROM audit
WHERE at >= %(since)s AND at < %(until)s AND event = 'refused'
ORDER BY team_id, seq;

-- name: quick
-- Decisions of people who had the card for less than three seconds.
SELECT to_char(a.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS at,
  a.team_id AS team, a.actor, a.request_id AS request,
  COALESCE(a.detail->>'tool', '') AS tool, a.event AS decision,
  (extract(epoch FROM a.at - shown.at) * 1000)::integer AS milliseconds
FROM audit a
CROSS JOIN LATERAL (
  SELECT s.at FROM audit s
  WHERE s.request_id = a.request_id AND s.event = 'shown' AND s.at <= a.at
  ORDER BY s.at DESC LIMIT 1) shown
WHERE a.at >= %(since)s AND a.at < %(until)s AND a.via <> ''
  AND a.event IN ('recorded', 'stage_passed', 'approved', 'rejected', 'answered',
    'edited')
  AND a.at - shown.at < interval '3 seconds'
ORDER BY a.team_id, a.seq;

-- name: policies
-- The policies that were in force: when each was loaded, and how many requests it ruled.
SELECT policy,
  to_char(min(at) FILTER (WHERE event = 'policy_loaded') AT TIME ZONE 'UTC',
    'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS loaded,
  count(*) FILTER (WHERE event = 'requested') AS requests
FROM (
  SELECT detail->>'policy' AS policy, event, at FROM audit
  WHERE at >= %(since)s AND at < %(until)s AND detail ? 'policy') facts
GROUP BY 1 ORDER BY min(at), 1;
