-- Three roles: one owns the tables and migrates, one runs the bot and can only insert into
-- the audit trail, one reads. Run it as the owner (or a superuser) in the bot's own database,
-- after `python -m bot migrate`, and again after each later migrate:
--   psql "$OWNER_URL" --set ON_ERROR_STOP=1 --file docs/roles.sql
-- Then give the role a password: ALTER ROLE approval_bot_app PASSWORD '…';
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'approval_bot_app') THEN
    CREATE ROLE approval_bot_app LOGIN
      NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'approval_bot_reader') THEN
    CREATE ROLE approval_bot_reader NOLOGIN;
  END IF;
END $$;

REVOKE CREATE ON SCHEMA public FROM PUBLIC, approval_bot_app, approval_bot_reader;
GRANT USAGE ON SCHEMA public TO approval_bot_app, approval_bot_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO approval_bot_reader;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO approval_bot_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO approval_bot_app;

-- The trail takes inserts alone, by the trigger's hand where it is chained. Texts beside
-- it may be erased, and are written by no other hand either.
REVOKE UPDATE, DELETE ON audit, audit_checkpoints FROM approval_bot_app;
REVOKE INSERT, UPDATE, DELETE ON audit_chain FROM approval_bot_app;
REVOKE INSERT, UPDATE ON audit_texts FROM approval_bot_app;
REVOKE INSERT, UPDATE, DELETE ON migrations FROM approval_bot_app;
-- What a trigger calls as its owner is no one else's to call.
REVOKE EXECUTE ON FUNCTION audit_append_to_chain(audit) FROM PUBLIC;

-- What people asked and said stays, and so does what counts them; what has been over for
-- as long as RETENTION says goes by functions that let nothing pending go.
REVOKE DELETE ON requests, decisions, delegations, standing_grants, feedback, workspaces,
  paces, seen FROM approval_bot_app;
REVOKE DELETE ON links, emails, webhook_events FROM approval_bot_app;
-- What happened is put down to be told by the trigger of the trail alone.
REVOKE INSERT, UPDATE ON outbox FROM approval_bot_app;
REVOKE INSERT, UPDATE, DELETE ON checkpoint_migrations FROM approval_bot_app;
GRANT EXECUTE ON FUNCTION forget_allowed(interval, integer) TO approval_bot_app;
GRANT EXECUTE ON FUNCTION forget_conversations(interval, integer) TO approval_bot_app;
GRANT EXECUTE ON FUNCTION forget_events(interval, integer) TO approval_bot_app;
GRANT EXECUTE ON FUNCTION forget_paces(interval, integer) TO approval_bot_app;
