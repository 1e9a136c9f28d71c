"""A database that tests use one after the other, emptied in between.

Making one costs a tenth of a second of CPU, and its first connections as much again.
A test that has changed more than rows, or left many, gets its successor a fresh one.
"""

from __future__ import annotations

from collections import defaultdict
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
    WHERE oid >= 16384 AND proname <> 'bot_now'
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
OTHERS = """
SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND pid <> ALL (%s)"""
TABLES = """
SELECT relname FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
  AND relname NOT IN ('migrations', 'checkpoint_migrations')"""
#: These hold even for a session in the role of a replica.
GUARDS = "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE tgenabled = 'A'"


#: The trigger that `break_audit` adds, which is undone as the clock is put right.
MEND = "DROP FUNCTION IF EXISTS refuse() CASCADE"
CLOCK = "SELECT pg_get_functiondef('bot_now()'::regprocedure)"
RESET = b"""DISCARD TEMP; UNLISTEN *; DEALLOCATE ALL; RESET ALL; RESET ROLE;
SELECT pg_advisory_unlock_all()"""
_kept: dict[tuple[str, str], list[pq.abc.PGconn]] = defaultdict(list)


class KeptConnection(Connection):
    """A connection whose session the next test goes on with.

    To raise one request costs a new session 80 ms of the server's CPU, for what it
    plans and reads of the schema, and an old one 10.
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
            session = _kept[key].pop()
            if session.exec_(b"").status == pq.ExecStatus.EMPTY_QUERY:
                return cls(session)
            session.finish()  # the server has ended it
        return None

    async def close(self) -> None:
        """Keep the session if it is at rest, else end it."""
        if not self.closed and self._is_idle:
            session, self.pgconn = self.pgconn, pq.PGconn()
            if session.exec_(RESET).status == pq.ExecStatus.TUPLES_OK:
                _kept[self.key].append(session)
            else:
                session.finish()
        await super().close()


def _end_kept() -> None:
    for session in (each for kept in _kept.values() for each in kept):
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
        # kept, since to empty it takes 6 ms of CPU, and 35 over a fresh connection
        self._connection: psycopg.Connection | None = None

    def take(self) -> str:
        """Return the URL of a database with the schema and without a row."""
        if self._connection is None or not self._emptied(self._connection):
            self.drop()
            fresh = fresh_database(self._server_url, self._template)
            self._url = self._stack.enter_context(fresh)
            opened = psycopg.connect(self._url, autocommit=True, prepare_threshold=0)
            self._connection = self._stack.enter_context(opened)
            self._shape, self._clock = _value(opened, SHAPE), _value(opened, CLOCK)
        return self._url

    def drop(self) -> None:
        """Drop it at the end."""
        _end_kept()
        self._stack.close()

    def _emptied(self, connection: psycopg.Connection) -> bool:
        """Empty it; False where the next test needs a fresh one."""
        try:
            kept = [each.backend_pid for some in _kept.values() for each in some]
            connection.execute(OTHERS, [kept])
            connection.execute(MEND)
            if _value(connection, CLOCK) != self._clock:
                connection.execute(self._clock.encode())
            if _value(connection, SHAPE) != self._shape:
                return False
            if not _delete_rows(connection):
                return False
            self._shape = _value(connection, SHAPE)
        except psycopg.Error:
            return False
        return True


def _delete_rows(connection: psycopg.Connection) -> bool:
    tables = [name for (name,) in connection.execute(TABLES)]
    count = sql.SQL(" UNION ALL ").join(
        sql.SQL("SELECT {}, count(*) FROM {}").format(name, sql.Identifier(name))
        for name in tables
    )
    filled = {name: rows for name, rows in connection.execute(count) if rows}
    if sum(filled.values()) > MOST_ROWS:
        return False
    guards = [guard for guard in connection.execute(GUARDS) if guard[0] in filled]
    with connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        _put(connection, guards, "ENABLE")
        for name in filled:
            connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(name)))
        _put(connection, guards, "ENABLE ALWAYS")
        connection.execute(
            "SELECT setval(seqrelid, seqstart, false) FROM pg_sequence"
            " WHERE pg_sequence_last_value(seqrelid) IS NOT NULL"
        )
    return True


def _put(connection: psycopg.Connection, guards: list[tuple], how: str) -> None:
    for table, trigger in guards:
        connection.execute(
            sql.SQL("ALTER TABLE {} {} TRIGGER {}").format(
                sql.Identifier(table), sql.SQL(how), sql.Identifier(trigger)
            )
        )


def _value(connection: psycopg.Connection, query: str) -> str:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]
