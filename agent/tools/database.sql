-- What the database tools ask by themselves, beside what the model writes.

-- name: limit_time
-- For this transaction alone, so that it holds behind a pooling proxy too.
SELECT set_config('statement_timeout', %(most)s, true),
  set_config('lock_timeout', %(lock)s, true);

-- name: begin_writing
-- SQLite: one writer, from the first statement on.
BEGIN IMMEDIATE;

-- name: keep_foreign_keys
-- SQLite: off unless a connection asks for them.
PRAGMA foreign_keys = ON;

-- name: only_read
-- SQLite: a second wall behind `mode=ro`.
PRAGMA query_only = ON;

-- name: count_changes
-- The rows of the last change, without those of triggers: SQLite's driver counts none of
-- a WITH, and none that are returned before all are read.
SELECT changes();
