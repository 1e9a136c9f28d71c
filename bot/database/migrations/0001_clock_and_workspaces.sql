-- The only clock. STABLE, so that an index can answer "what is due"; the tests replace
-- it by one that is ahead or behind.
CREATE FUNCTION bot_now() RETURNS timestamptz
LANGUAGE sql STABLE AS 'SELECT clock_timestamp()';

-- Slack workspaces that this database has served. `simulated` tells the simulator's
-- from a real one: the simulator never opens a database that has served a real team.
CREATE TABLE workspaces (
  team_id text PRIMARY KEY,
  enterprise_id text NOT NULL DEFAULT '',
  name text NOT NULL DEFAULT '',
  simulated boolean NOT NULL,
  first_seen timestamptz NOT NULL DEFAULT bot_now()
);
