"""Growth after many cycles: rows and bytes in each table, memory of the bot."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from tests.bench.arena import Arena
from tests.bench.blocks import check, run_block
from tests.bench.child import BenchError
from tests.bench.machine import resident
from tests.support.postgres import as_url, with_database

METHOD = """\
Whole cycles, 16 at once, with `RETENTION` of two seconds and `SWEEP_INTERVAL` of one.
After each part it is waited until all that is over has gone. The trail stays by design,
and stands apart: rows of `audit` and of `audit_chain`.
"""
AT_ONCE = 16
PARTS = 5
SETTINGS = {"RETENTION": "2s", "SWEEP_INTERVAL": "1s", "TIME_LIMITS": "seldom=1"}
PATIENCE = 300  # seconds until everything has gone
TRAIL = ("audit", "audit_chain", "audit_checkpoints")
SIZES = """
SELECT relname, pg_total_relation_size(oid) AS bytes FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname
"""


@dataclass(frozen=True)
class Mark:
    """The measurements after so many cycles."""

    cycles: int
    memory: float | None  # MB of the bot
    rows: dict[str, int]
    megabytes: dict[str, float]

    @property
    def left(self) -> int:
        """Rows of everything but the trail."""
        return sum(n for table, n in self.rows.items() if _is_ours(table))

    def size(self, *, trail: bool) -> float:
        """MB on the disk, indexes included."""
        return sum(
            size for table, size in self.megabytes.items() if (table in TRAIL) == trail
        )


def _is_ours(table: str) -> bool:
    """Not the trail, and not what says how the schema stands."""
    return table not in (*TRAIL, "migrations", "checkpoint_migrations", "workspaces")


async def measure_flat(arena: Arena, count: int, at_once: int = AT_ONCE) -> list[Mark]:
    """Do `count` cycles in parts, and look at what is left after each."""
    url = as_url(with_database(arena.server_url, "bot"))
    each = max(1, count // PARTS // at_once)
    await run_block(arena.bot, at_once, 1, 0, arena.processes)
    marks = [await _mark(arena, url, 0)]
    for part in range(PARTS):
        began = time.monotonic()
        await run_block(arena.bot, at_once, each, part, arena.processes)
        done = (part + 1) * each * at_once
        took = time.monotonic() - began
        marks.append(await _mark(arena, url, done))
        print(f"{done:,} cycles, the last part in {took:.0f} s", flush=True)
    return marks


async def _mark(arena: Arena, url: str, cycles: int) -> Mark:
    """Wait until what is over has gone, then look."""
    rows = await _until_gone(url)
    with psycopg.connect(url) as connection:
        sizes = {table: size / 1e6 for table, size in connection.execute(SIZES)}
    return Mark(cycles, resident(arena.bot.pid), rows, sizes)


async def _until_gone(url: str) -> dict[str, int]:
    began = time.monotonic()
    while True:
        rows = await asyncio.to_thread(_rows, url)
        if not rows["conversations"] and not rows["deliveries"]:
            return rows
        if time.monotonic() - began > PATIENCE:
            raise BenchError(f"Not everything that is over has gone: {rows}")
        await asyncio.sleep(1)


def _rows(url: str) -> dict[str, int]:
    with psycopg.connect(url) as connection:
        tables = [table for table, _ in connection.execute(SIZES)]
        return {table: _count(connection, table) for table in tables}


def _count(connection: psycopg.Connection, table: str) -> int:
    query = f"SELECT count(*) FROM {table}"  # a name of the catalogue
    row = connection.execute(query.encode()).fetchone()
    return row[0] if row else 0


def flat_table(marks: Sequence[Mark]) -> str:
    """Markdown: a line for each part."""
    lines = [
        "| cycles | rows left | tables | rows of the trail | trail | memory |",
        "|--:|--:|--:|--:|--:|--:|",
    ]
    for mark in marks:
        check(mark.left < 100, f"Rows are left: {mark.rows}")
        trail = sum(mark.rows[table] for table in TRAIL)
        memory = "–" if mark.memory is None else f"{mark.memory:.0f} MB"
        cells = [
            f"{mark.cycles:,}",
            f"{mark.left:,}",
            f"{mark.size(trail=False):.1f} MB",
            f"{trail:,}",
            f"{mark.size(trail=True):.1f} MB",
            memory,
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
