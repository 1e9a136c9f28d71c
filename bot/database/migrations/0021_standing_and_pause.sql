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

-- Approvals that somebody has given ahead, for calls like one that they approved.
CREATE TABLE standing_grants (
  id uuid PRIMARY KEY,
  code text NOT NULL,            -- by which people revoke it
  team_id text NOT NULL,
  enterprise_id text NOT NULL DEFAULT '',
  giver_id text NOT NULL,
  approvers text NOT NULL,       -- the group of the stage that it fills
  tool text NOT NULL,
  schema_digest text NOT NULL,
  bindings jsonb NOT NULL,       -- of every argument: equal to a value, or under a folder
  requester_id text NOT NULL,
  agent text NOT NULL DEFAULT '',
  conversation_id uuid,          -- null: wherever the requester asks
  policy_version text NOT NULL,
  risk text NOT NULL,
  uses integer NOT NULL CHECK (uses > 0),
  used integer NOT NULL DEFAULT 0 CHECK (used <= uses),
  given_at timestamptz NOT NULL DEFAULT bot_now(),
  expires_at timestamptz NOT NULL,
  request_id text NOT NULL,      -- the one that was approved with it
  revoked_at timestamptz,
  revoked_by text
);
CREATE UNIQUE INDEX standing_grants_code ON standing_grants (team_id, code);
CREATE INDEX standing_grants_live ON standing_grants (team_id, requester_id, tool, expires_at)
  WHERE revoked_at IS NULL AND used < uses;
CREATE INDEX standing_grants_giver ON standing_grants (team_id, giver_id, given_at DESC);
