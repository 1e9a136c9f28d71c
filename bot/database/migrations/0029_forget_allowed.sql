-- What people allowed ahead, and who stood in for whom, goes by RETENTION as other rows
-- do, counted from its end. The bot's role deletes neither otherwise.
CREATE INDEX standing_grants_end ON standing_grants (expires_at);
CREATE INDEX delegations_end ON delegations (until);
CREATE INDEX delegations_ended ON delegations (ended_at);
CREATE FUNCTION forget_allowed(keep interval, most integer) RETURNS void
LANGUAGE sql SECURITY DEFINER AS $$
  DELETE FROM standing_grants WHERE id IN (
    SELECT id FROM standing_grants WHERE expires_at < bot_now() - keep
    ORDER BY expires_at LIMIT most FOR UPDATE SKIP LOCKED);
  -- a last day ends in the policy's time zone: a day later at most
  DELETE FROM delegations WHERE id IN (
    SELECT id FROM delegations
    WHERE ended_at < bot_now() - keep OR until < (bot_now() - keep)::date - 1
    LIMIT most FOR UPDATE SKIP LOCKED);
$$;
DO $$
BEGIN
  EXECUTE format('ALTER FUNCTION forget_allowed(interval, integer) SET search_path = %I, pg_temp',
    current_schema());
END $$;
REVOKE EXECUTE ON FUNCTION forget_allowed(interval, integer) FROM PUBLIC;
