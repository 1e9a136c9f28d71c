"""The work of PostgreSQL meanwhile: statements, transactions, writes to the disk."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from bot.database import embedded

# postgresql.org/docs/18/pgstatstatements.html
SETTINGS = {
    "shared_preload_libraries": "pg_stat_statements",
    "pg_stat_statements.track_planning": "on",
    "autovacuum": "off",  # its transactions, one a table, would count as ours
}
SELECT = """
SELECT queryid, query, calls, total_plan_time AS plan, total_exec_time AS run
FROM pg_stat_statements JOIN pg_database d ON d.oid = dbid
WHERE datname = %s AND toplevel
"""
TOTALS = """
SELECT clock_timestamp() AS at,
  (SELECT xact_commit FROM pg_stat_database WHERE datname = %s) AS commits,
  (SELECT sum(fsyncs)::int FROM pg_stat_io WHERE object = 'wal') AS fsyncs,
  (SELECT wal_bytes::bigint FROM pg_stat_wal) AS bytes
"""
LONGEST = 100  # characters of a statement
ROWS = 60
COMMENT = re.compile(r"--[^\n]*(\n|$)|/\*.*?\*/", re.DOTALL)


def prepare(data: Path) -> None:
    """Let the server that will run there count its statements."""
    with (
        embedded.start(data) as server,
        psycopg.connect(server.url, autocommit=True) as connection,
    ):
        for name, value in SETTINGS.items():
            connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")


@dataclass(frozen=True)
class Counts:
    """The work of one cycle, on average.

    Attributes:
        own: calls of statements that an idle process does not make.
        commits: without those that an idle process makes in that time.
        fsyncs: likewise.
        plan: milliseconds of planning.
        run: milliseconds of running.
        lines: the statements that took longest, to be read.
    """

    calls: float
    own: float
    plan: float
    run: float
    commits: float
    fsyncs: float
    bytes: float
    lines: tuple[str, ...]


@dataclass
class Counter:
    """Counts in one database of the server, from `start` on."""

    server_url: str
    database: str
    _idle: frozenset[int] = frozenset()
    _idle_each_second: dict[str, float] = field(default_factory=dict[str, float])

    def idle(self) -> None:
        """Note what was done since `start` as what a process does that is idle."""
        with self._connect() as connection:
            rows = connection.execute(SELECT, [self.database]).fetchall()
            done, seconds = self._since_start(connection)
        self._idle = frozenset(row["queryid"] for row in rows)
        self._idle_each_second = {key: done[key] / seconds for key in done}

    def start(self) -> None:
        """Begin at zero."""
        with self._connect() as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
            connection.execute("SELECT pg_stat_statements_reset()")
            self._before = self._totals(connection)

    def counts(self, cycles: int) -> Counts:
        """Count what was done since `start`, for each cycle."""
        with self._connect() as connection:
            done, seconds = self._since_start(connection)
            rows = connection.execute(SELECT, [self.database]).fetchall()
        idle = self._idle_each_second
        each = {k: (done[k] - idle.get(k, 0) * seconds) / cycles for k in done}
        calls, plan, run = (
            sum(r[k] for r in rows) / cycles for k in ("calls", "plan", "run")
        )
        own = sum(r["calls"] for r in rows if r["queryid"] not in self._idle) / cycles
        rows.sort(key=lambda row: -(row["plan"] + row["run"]))
        lines = tuple(_line(row, cycles) for row in rows[:ROWS])
        return Counts(calls, own, plan, run, lines=lines, **each)

    def report(self, cycles: int) -> str:
        """Report what was counted since `start`, for each cycle."""
        each = self.counts(cycles)
        head = (
            f"Statements: {each.calls:.1f} for each cycle, planned in"
            f" {each.plan:.1f} ms and run in {each.run:.1f} ms. Transactions:"
            f" {each.commits:.1f}; writes of the log through to the disk:"
            f" {each.fsyncs:.1f}, {each.bytes / 1000:.0f} kB.\n\n"
            "```\n calls  plan ms  run ms"
        )
        return "\n".join([head, *each.lines, "```\n"])

    def _connect(self) -> psycopg.Connection[dict[str, Any]]:
        return psycopg.connect(self.server_url, autocommit=True, row_factory=dict_row)

    def _totals(self, connection: psycopg.Connection[dict[str, Any]]) -> dict[str, Any]:
        row = connection.execute(TOTALS, [self.database]).fetchone()
        assert row is not None
        return row

    def _since_start(
        self, connection: psycopg.Connection[dict[str, Any]]
    ) -> tuple[dict[str, float], float]:
        after = self._totals(connection)
        seconds = (after.pop("at") - self._before["at"]).total_seconds()
        return {k: float(after[k] - self._before[k]) for k in after}, seconds

    def connections(self) -> dict[str, int]:
        """The number of connections that each pool holds now."""
        with self._connect() as connection:
            rows = connection.execute(
                "SELECT application_name AS name, count(*) FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND datname = %s"
                " GROUP BY 1 ORDER BY 1",
                [self.database],
            ).fetchall()
        return {row["name"]: row["count"] for row in rows}

    def shown_connections(self) -> str:
        """The same, to be read."""
        return ", ".join(f"{name} {n}" for name, n in self.connections().items())


def _line(row: dict[str, Any], cycles: int) -> str:
    words = " ".join(COMMENT.sub(" ", row["query"]).split())[:LONGEST]
    calls, plan, run = (row[k] / cycles for k in ("calls", "plan", "run"))
    return f"{calls:6.2f}  {plan:7.2f} {run:7.2f}  {words}"
