-- name: count_one
-- One more of a kind from a person: whether it is too much, whether to say so now,
-- and the seconds until the span is over.
INSERT INTO paces AS p (team_id, user_id, kind, since, used, last_at)
VALUES (%(team)s, %(user)s, %(kind)s, bot_now(), 1, bot_now())
ON CONFLICT (team_id, user_id, kind) DO UPDATE SET
  since = CASE WHEN p.since <= EXCLUDED.since - %(span)s THEN EXCLUDED.since
    ELSE p.since END,
  used = CASE WHEN p.since <= EXCLUDED.since - %(span)s THEN 1 ELSE p.used + 1 END,
  last_at = EXCLUDED.since,
  told_at = CASE WHEN p.used >= %(most)s AND p.since > EXCLUDED.since - %(span)s
      AND (p.told_at IS NULL OR p.told_at <= EXCLUDED.since - %(pause)s)
    THEN EXCLUDED.since ELSE p.told_at END
RETURNING used > %(most)s AS is_over, told_at IS NOT DISTINCT FROM last_at AS tell,
  GREATEST(1, ceil(extract(epoch FROM since + %(span)s - last_at)))::integer AS wait;
