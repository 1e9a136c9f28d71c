-- name: links
-- The rows of the chains behind one of them, at most `rows`, each with the row of the trail
-- that it is about and the texts that are still beside that. Gaps and missing rows are for
-- the reader.
SELECT c.team_id, c.number, c.seq, encode(c.hash, 'hex'),
  CASE WHEN a.texts <> '{}' THEN ARRAY(
    SELECT jsonb_build_array(t.name, t.salt, t.text) FROM audit_texts t
    WHERE t.seq = c.seq ORDER BY t.name) END,
  a.seq, to_char(a.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    -- the year before our era has the same digits
    || CASE WHEN a.at < '0001-01-01 UTC' THEN ' BC' ELSE '' END,
  a.team_id, a.event, a.request_id, a.conversation_id::text, a.actor, a.via,
  a.detail::text, a.texts::text
FROM audit_chain c LEFT JOIN audit a ON a.seq = c.seq
WHERE (c.team_id, c.number) > (%(team)s, %(number)s)
ORDER BY c.team_id, c.number LIMIT %(rows)s;

-- name: part_ends
-- Every so manieth row of the chains, in the order in which `links` gives them.
SELECT team, number, encode(hash, 'hex') AS hash FROM (
  SELECT team_id AS team, number, hash,
    row_number() OVER (ORDER BY team_id, number) AS place
  FROM audit_chain) c
WHERE place %% %(rows)s = 0 ORDER BY place;

-- name: unchained
-- The first row of the trail that no chain has, and the first text of no row.
(SELECT a.team_id AS team, a.seq, 'row' AS kind FROM audit a
WHERE NOT EXISTS (SELECT FROM audit_chain c WHERE c.seq = a.seq)
ORDER BY a.seq LIMIT 1)
UNION ALL
(SELECT COALESCE(a.team_id, '') AS team, t.seq, 'text' FROM audit_texts t
LEFT JOIN audit a ON a.seq = t.seq
WHERE a.seq IS NULL OR NOT a.texts ? t.name
ORDER BY t.seq LIMIT 1);

-- name: spans
-- Which rows of each chain an export holds: from the first that was written at or after
-- a time, to the last before another; all that stand between them, so that nothing is
-- left out of a chain.
SELECT c.team_id AS team, min(c.number) AS first, max(c.number) AS last
FROM audit a JOIN audit_chain c ON c.seq = a.seq
WHERE (%(since)s::timestamptz IS NULL OR a.at >= %(since)s)
  AND (%(until)s::timestamptz IS NULL OR a.at < %(until)s)
GROUP BY c.team_id ORDER BY c.team_id;

-- name: hash_at
-- The hash of one row of a chain.
SELECT encode(hash, 'hex') AS hash FROM audit_chain
WHERE team_id = %(team)s AND number = %(number)s;

-- name: teams
-- The workspaces that the trail knows.
SELECT DISTINCT team_id AS team FROM audit_chain ORDER BY team_id;

-- name: head
-- Where a chain has got to, what of it is signed, and the clock.
SELECT c.number, encode(c.hash, 'hex') AS hash,
  to_char(bot_now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at,
  COALESCE((SELECT max(s.number) FROM audit_checkpoints s
            WHERE s.team_id = c.team_id), 0) AS signed
FROM audit_chain c WHERE c.team_id = %(team)s
ORDER BY c.number DESC LIMIT 1;

-- name: flush
-- A record of its own in the log of the database, whose commit waits for the disk: what
-- was committed before, waiting or not, is on the disk then.
SELECT pg_logical_emit_message(true, 'approval-bot', 'checkpoint');

-- name: keep_checkpoint
-- A head that the sink has taken.
INSERT INTO audit_checkpoints (team_id, number, hash, at, key, signature)
VALUES (%(team)s, %(number)s, %(hash)s, %(at)s, %(key)s, %(signature)s)
ON CONFLICT DO NOTHING;

-- name: checkpoints
-- The heads that were signed.
SELECT team_id AS team, number, hash, key, signature,
  to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at
FROM audit_checkpoints ORDER BY team_id, number;

-- name: due
-- Workspaces whose chain has grown since a checkpoint that is old by now.
SELECT w.team FROM (
  SELECT DISTINCT team_id AS team FROM audit_chain) w
CROSS JOIN LATERAL (
  SELECT max(c.number) AS number FROM audit_chain c WHERE c.team_id = w.team) head
LEFT JOIN LATERAL (
  SELECT s.number, s.at FROM audit_checkpoints s
  WHERE s.team_id = w.team ORDER BY s.number DESC LIMIT 1) last ON true
WHERE head.number > COALESCE(last.number, 0)
  AND (last.at IS NULL OR last.at <= bot_now() - %(interval)s)
  AND NOT EXISTS (SELECT FROM procrastinate_jobs j
    WHERE j.lock = 'checkpoint ' || w.team AND j.status IN ('todo', 'doing'));
