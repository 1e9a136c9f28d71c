-- Two roles with the least that they need. Run by the owner of the tables, in their
-- database, after each `python -m bot migrate`:  psql "$OWNER_URL" -f roles.sql
--
--   approval_bot        what the bot runs as: no DDL, the trail takes inserts only
--   approval_bot_reader a reviewer: reads, and writes nothing
--
-- Neither can log in by itself: give them to accounts that can, such as
--   CREATE ROLE bot LOGIN PASSWORD '…' IN ROLE approval_bot;
DO $$
DECLARE
  found record;
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'approval_bot') THEN
    CREATE ROLE approval_bot NOLOGIN;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'approval_bot_reader') THEN
    CREATE ROLE approval_bot_reader NOLOGIN;
  END IF;

  EXECUTE format('REVOKE ALL ON SCHEMA %I FROM PUBLIC', current_schema());
  EXECUTE format('GRANT USAGE ON SCHEMA %I TO approval_bot, approval_bot_reader',
    current_schema());
  EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA %I FROM PUBLIC, approval_bot',
    current_schema());
  EXECUTE format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA %I TO approval_bot',
    current_schema());

  FOR found IN
    SELECT c.oid::regclass AS name, c.relname::text AS plain, c.relkind
    FROM pg_class c
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'v')
  LOOP
    EXECUTE format('GRANT SELECT ON %s TO approval_bot, approval_bot_reader', found.name);
    CONTINUE WHEN found.relkind = 'v'
      OR found.plain IN ('migrations', 'checkpoint_migrations');
    EXECUTE format('GRANT INSERT ON %s TO approval_bot', found.name);
    -- the trail, its texts and checkpoints: what is written stays as it is
    CONTINUE WHEN found.plain LIKE 'audit%';
    EXECUTE format('GRANT UPDATE ON %s TO approval_bot', found.name);
    -- requests, and what people said to them, are never deleted by the bot
    CONTINUE WHEN found.plain IN ('requests', 'decisions', 'workspaces', 'paces', 'seen');
    EXECUTE format('GRANT DELETE ON %s TO approval_bot', found.name);
  END LOOP;
END $$;
