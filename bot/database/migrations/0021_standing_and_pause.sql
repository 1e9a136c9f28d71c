-- A workspace in which nothing is claimed until somebody lifts it.
CREATE TABLE pauses (
  team_id text PRIMARY KEY,
  reason text NOT NULL,
  paused_by text NOT NULL,  -- a user id, or "operator …"
  paused_at timestamptz NOT NULL DEFAULT bot_now()
);

-- The pause of a workspace, null if there is none. A claim waits here for a pause, or for
-- its lift, that is being written, and reads it afterwards: one of the two is first.
CREATE FUNCTION pause_of(team text) RETURNS pauses LANGUAGE plpgsql AS $$
DECLARE
  found pauses;
BEGIN
  PERFORM pg_advisory_xact_lock_shared(hashtextextended('pause/' || team, 21));
  SELECT p.* INTO found FROM pauses p WHERE p.team_id = team;
  RETURN found;
END $$;

-- Every claim goes through here, also one of a replica of the version before.
CREATE FUNCTION claim_unless_paused() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  team text;
BEGIN
  SELECT c.team_id INTO team FROM conversations c WHERE c.id = NEW.conversation_id;
  IF (pause_of(team)).team_id IS NOT NULL THEN
    RETURN NULL;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER grants_pause BEFORE INSERT OR UPDATE OF state ON grants
  FOR EACH ROW WHEN (NEW.state = 'executing') EXECUTE FUNCTION claim_unless_paused();

-- A card in a direct message names whose it is; the old rows fit as they are.
ALTER TABLE deliveries
  DROP CONSTRAINT deliveries_check,
  ADD CONSTRAINT deliveries_check
    CHECK (kind = 'card' OR (kind = 'private') = (user_id IS NOT NULL)) NOT VALID;
