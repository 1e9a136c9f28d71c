"""A database that tests use one after the other, emptied in between.

Making one costs a tenth of a second of CPU, and its first connections as much again.
A test that has changed more than rows, or left many, gets its successor a fresh one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, Self

import psycopg
from psycopg import pq, sql

from bot.database.pool import Connection
from tests.support.postgres import fresh_database

MOST_ROWS = 2_000  # what is deleted still takes its place
#: Whatever an ordinary test leaves as it is: functions, tables, triggers, migrations.
SHAPE = """
SELECT md5(string_agg(made, ',' ORDER BY made)) FROM (
  SELECT concat('p', oid, ':', xmin) FROM pg_proc
    WHERE oid >= 16384 AND proname NOT IN ('bot_now', 'audit_is_append_only')
  UNION ALL SELECT concat('g', oid, ':', md5(prosrc)) FROM pg_proc
    WHERE proname = 'audit_is_append_only'
  UNION ALL SELECT concat('c', oid, ':', xmin) FROM pg_class
    WHERE oid >= 16384 AND relnamespace = 'public'::regnamespace
  UNION ALL SELECT concat('t', oid, ':', xmin) FROM pg_trigger
  UNION ALL SELECT concat('k', oid, ':', xmin) FROM pg_constraint WHERE oid >= 16384
  UNION ALL SELECT concat('n', oid, ':', xmin) FROM pg_namespace
    WHERE nspname !~ '^pg_(toast_)?temp'
  UNION ALL SELECT concat('s', setdatabase, setrole, setconfig) FROM pg_db_role_setting
  UNION ALL SELECT concat('a', rolname, rolconfig) FROM pg_roles
  UNION ALL SELECT concat('m', name) FROM migrations
  UNION ALL SELECT concat('v', v) FROM checkpoint_migrations) AS found (made)"""
TABLES = """
SELECT relname FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
  AND relname NOT IN ('migrations', 'checkpoint_migrations')"""

#: The trigger that `break_audit` adds, which is undone as the clock is put right.
MEND = "DROP FUNCTION IF EXISTS refuse() CASCADE"
CLOCK = "SELECT pg_get_functiondef('bot_now()'::regprocedure)"
#: In one statement, whose parts the server plans once. False: there is more to do.
#: The trail's guard is replaced meanwhile: to alter its triggers would have sessions
#: plan anew whatever they do to the trail.
EMPTY = """
CREATE FUNCTION pg_temp.empty(kept int[], clock text, shape text) RETURNS boolean
LANGUAGE plpgsql AS $empty$
DECLARE
  guard text := pg_get_functiondef('audit_is_append_only()'::regprocedure);
  rows bigint;
  total bigint := 0;
BEGIN
  PERFORM pg_terminate_backend(pid, 2000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
      AND pid <> ALL (kept);
  {mend};
  IF ({clock}) <> clock THEN EXECUTE clock; END IF;
  IF ({shape}) <> shape THEN RETURN false; END IF;
  PERFORM set_config('session_replication_role', 'replica', true);
  CREATE OR REPLACE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql
    AS 'BEGIN RETURN OLD; END';
  {deletions}
  EXECUTE guard;
  PERFORM setval(seqrelid, seqstart, false) FROM pg_sequence
    WHERE pg_sequence_last_value(seqrelid) IS NOT NULL;
  RETURN total <= {most};
END $empty$"""
DELETION = """
  IF EXISTS (SELECT FROM {table}) THEN
    DELETE FROM {table};
    GET DIAGNOSTICS rows = ROW_COUNT;
    total := total + rows;
  END IF;"""
RESET = b"""DISCARD TEMP; UNLISTEN *; RESET ALL; RESET ROLE;
SELECT pg_advisory_unlock_all()"""
#: Sessions at rest, each with what psycopg knows of its prepared statements.
_kept: dict[tuple[str, str], list[tuple[pq.abc.PGconn, Any]]] = defaultdict(list)


class KeptConnection(Connection):
    """A connection whose session the next test goes on with.

    To raise one request costs a new session 80 ms of the server's CPU, for what it
    plans and reads of the schema, and an old one 10; so its prepared statements stay.
    """

    key = ("", "")

    @classmethod
    async def connect(cls, conninfo: str = "", **options: Any) -> Self:
        key = (conninfo, options["application_name"])
        made = cls._again(key) or await super().connect(conninfo, **options)
        made.key = key
        made.row_factory = options["row_factory"]
        made.prepare_threshold = options["prepare_threshold"]
        return made

    @classmethod
    def _again(cls, key: tuple[str, str]) -> Self | None:
        while _kept[key]:
            session, prepared = _kept[key].pop()
            if session.exec_(b"").status == pq.ExecStatus.EMPTY_QUERY:
                made = cls(session)
                made._prepared = prepared
                return made
            session.finish()  # the server has ended it
        return None

    async def close(self) -> None:
        """Keep the session if it is at rest, else end it."""
        if not self.closed and self._is_idle:
            session, self.pgconn = self.pgconn, pq.PGconn()
            if session.exec_(RESET).status == pq.ExecStatus.TUPLES_OK:
                _kept[self.key].append((session, self._prepared))
            else:
                session.finish()
        await super().close()


def _end_kept() -> None:
    for session, _ in (each for kept in _kept.values() for each in kept):
        session.finish()
    _kept.clear()


class ReusedDatabase:
    """The database of one worker; use `take` before each test."""

    def __init__(self, server_url: str, template: str) -> None:
        self._server_url = server_url
        self._template = template
        self._stack = ExitStack()
        self._url = ""
        self._shape = self._clock = ""
        # kept, since to empty it over a fresh connection costs thirty ms of CPU more
        self._connection: psycopg.Connection | None = None

    def take(self) -> str:
        """Return the URL of a database with the schema and without a row."""
        if self._connection is None or not self._emptied(self._connection):
            self.drop()
            fresh = fresh_database(self._server_url, self._template)
            self._url = self._stack.enter_context(fresh)
            opened = psycopg.connect(self._url, autocommit=True, prepare_threshold=0)
            self._connection = self._stack.enter_context(opened)
            opened.execute(_empty_all(opened).encode())
            self._shape, self._clock = _value(opened, SHAPE), _value(opened, CLOCK)
        return self._url

    def drop(self) -> None:
        """Drop it at the end."""
        _end_kept()
        self._stack.close()

    def _emptied(self, connection: psycopg.Connection) -> bool:
        """Empty it; False where the next test needs a fresh one."""
        kept = [each.backend_pid for some in _kept.values() for each, _ in some]
        given = [kept, self._clock, self._shape]
        try:
            return _value(connection, "SELECT pg_temp.empty(%s::int[], %s, %s)", given)
        except psycopg.Error:
            return False


def _empty_all(connection: psycopg.Connection) -> str:
    """Return the text of the function that empties all tables there are."""
    deletions = [
        DELETION.format(table=sql.Identifier(name).as_string(connection))
        for (name,) in connection.execute(TABLES)
    ]
    parts = {"mend": MEND, "clock": CLOCK, "shape": SHAPE, "most": MOST_ROWS}
    return EMPTY.format(deletions="".join(deletions), **parts)


def _value(
    connection: psycopg.Connection, query: str, given: Sequence[Any] = ()
) -> Any:
    row = connection.execute(query, given).fetchone()
    assert row is not None
    return row[0]
