-- One more of a kind from a person: whether it is too much, whether to say so now, and
-- the seconds until the span is over. A message and a click are counted by the same rule.
CREATE FUNCTION count_pace(team text, person text, of text, most integer, span interval,
  pause interval, OUT is_over boolean, OUT tell boolean, OUT wait integer)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  INSERT INTO paces AS p (team_id, user_id, kind, since, used, last_at)
  VALUES (team, person, of, bot_now(), 1, bot_now())
  ON CONFLICT (team_id, user_id, kind) DO UPDATE SET
    since = CASE WHEN p.since <= EXCLUDED.since - span THEN EXCLUDED.since
      ELSE p.since END,
    used = CASE WHEN p.since <= EXCLUDED.since - span THEN 1 ELSE p.used + 1 END,
    last_at = EXCLUDED.since,
    told_at = CASE WHEN p.used >= most AND p.since > EXCLUDED.since - span
        AND (p.told_at IS NULL OR p.told_at <= EXCLUDED.since - pause)
      THEN EXCLUDED.since ELSE p.told_at END
  RETURNING used > most, told_at IS NOT DISTINCT FROM last_at,
    GREATEST(1, ceil(extract(epoch FROM since + span - last_at)))::integer
  INTO is_over, tell, wait;
END $$;
