-- Wait for a message that somebody changes, within a statement that else leaves out what
-- is locked; see `take_messages` in bot/slack/deliveries.sql.
CREATE FUNCTION wait_for_message(message uuid) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM deliveries WHERE id = message FOR NO KEY UPDATE;
  RETURN true;
END $$;
