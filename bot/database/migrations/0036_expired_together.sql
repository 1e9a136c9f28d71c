-- The jobs of a whole batch are one statement's, see `expire` in
-- bot/approvals/transitions.sql.
DROP FUNCTION defer_behind_others(text, uuid);
