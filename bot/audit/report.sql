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

-- name: approvers
-- How many decisions each person took.
SELECT actor, count(*) AS count,
  count(*) FILTER (WHERE event IN ('rejected')) AS rejected
FROM audit
WHERE at >= %(since)s AND at < %(until)s AND via <> '' AND actor <> ''
  AND event IN ('recorded', 'stage_passed', 'approved', 'rejected', 'answered',
    'edited')
GROUP BY 1 ORDER BY 2 DESC, 1;

-- name: times
-- How long requests waited for what ended them, in steps.
SELECT step.within, count(*) AS count
FROM audit a
CROSS JOIN LATERAL (
  SELECT a.at - r.at AS waited FROM audit r
  WHERE r.request_id = a.request_id AND r.event = 'requested'
  ORDER BY r.at LIMIT 1) took
CROSS JOIN LATERAL (
  SELECT * FROM (VALUES (1, 'under 1 minute', interval '1 minute'),
    (2, 'under 10 minutes', interval '10 minutes'),
    (3, 'under 1 hour', interval '1 hour'), (4, 'under 8 hours', interval '8 hours'),
    (5, 'under 1 day', interval '1 day'), (6, '1 day or more', interval '100 years'))
    AS known (number, within, below)
  WHERE took.waited < below ORDER BY number LIMIT 1) step
WHERE a.at >= %(since)s AND a.at < %(until)s
  AND a.event IN ('approved', 'rejected', 'answered') AND a.via <> ''
GROUP BY step.number, step.within ORDER BY step.number;

-- name: feedback
-- What people thought of answers; not of the trail, which has decisions alone.
SELECT rating, count(*) AS count FROM feedback
WHERE at >= %(since)s AND at < %(until)s
GROUP BY rating ORDER BY rating;
