-- As in 0032, but the lock is tried for only once a second while others are at the chain:
-- where it was got, a row was put into its canonical form under it.
CREATE OR REPLACE FUNCTION audit_link() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  clock float8 := extract(epoch FROM clock_timestamp());
  until text := current_setting('approval_bot.shared_until', true);
BEGIN
  IF until <> '' AND current_setting('synchronous_commit') <> 'off' THEN
    IF clock >= until::float8
      AND NOT pg_try_advisory_xact_lock(hashtext('audit'), hashtext(NEW.team_id)) THEN
      until := clock + 1;
      PERFORM set_config('approval_bot.shared_until', until, false);
    END IF;
    IF clock < until::float8 THEN
      PERFORM set_config('synchronous_commit', 'off', true);
      -- of this level, since no setting keeps it from the client
      RAISE INFO 'this commit does not wait for the disk' USING ERRCODE = '01A01';
    END IF;
  END IF;
  PERFORM audit_append_to_chain(NEW);
  RETURN NULL;
END $$;

DO $$
BEGIN
  EXECUTE format('ALTER FUNCTION audit_link() SET search_path = %I, pg_temp',
    current_schema());
END $$;
