"""The work of a cycle, counted: what does not depend on the machine."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.bench import profiling, statements
from tests.bench.arena import Arena, set_up
from tests.bench.blocks import run_block
from tests.support.postgres import with_database

WARM = 12  # cycles before; by then each connection has been used
JOBS = "SELECT last_value AS number FROM procrastinate_jobs_id_seq"


@dataclass(frozen=True)
class Count:
    """One thing that is counted.

    Attributes:
        goal: of issue 18; None where it has none.
        most: what a test lets through: a little above what it is now.
    """

    name: str
    goal: float | None
    most: float


#: In the order of the table.
COUNTS = {
    "statements": Count("statements", 55, 0),
    "transactions": Count("transactions", 28, 0),
    "waits": Count("waits for PostgreSQL", 85, 0),
    "fsyncs": Count("writes through to the disk", 12, 0),
    "jobs": Count("jobs", 2, 2),
    "connections": Count("connections", 10, 0),
}


@dataclass(frozen=True)
class Counted:
    """The work of one cycle, on average, with so many people at once."""

    at_once: int
    statements: float
    transactions: float
    waits: float
    fsyncs: float
    jobs: float
    connections: float
    planning: float  # milliseconds
    lines: tuple[str, ...]  # each statement, to be read


async def measure_counts(
    folder: Path, cycles: int, levels: tuple[int, ...]
) -> list[Counted]:
    """Count the bot's work at each level."""
    await asyncio.to_thread(statements.prepare, folder / "data")
    async with set_up(folder, **profiling.variables(folder)) as arena:
        return [await _count(arena, level, max(2, cycles // level)) for level in levels]


async def _count(arena: Arena, level: int, each: int) -> Counted:
    side = arena.bot
    await run_block(side, level, max(2, WARM // level), 0, arena.processes)
    counter = statements.Counter(arena.server_url, side.name)
    jobs = _jobs(arena)
    counter.start()
    async with profiling.watched(arena, side) as found:
        await run_block(side, level, each, 0, arena.processes)
        counted = counter.counts(level * each)
    done = level * each
    return Counted(
        at_once=level,
        statements=counted.calls,
        transactions=counted.commits,
        waits=sum(n for n, _ in found["waits"]) / done,
        fsyncs=counted.fsyncs,
        jobs=(_jobs(arena) - jobs) / done,
        connections=sum(counter.connections().values()),
        planning=counted.plan,
        lines=counted.lines,
    )


def _jobs(arena: Arena) -> int:
    with psycopg.connect(with_database(arena.server_url, "bot")) as connection:
        row = connection.execute(JOBS).fetchone()
    assert row is not None
    return row[0]


def table(found: list[Counted]) -> str:
    """A row for each level, and the goals."""
    rows = [
        "| at once | " + " | ".join(each.name for each in COUNTS.values()) + " |",
        "|--:|" + "--:|" * len(COUNTS),
    ]
    for counted in found:
        values = [f"{getattr(counted, key):.1f}" for key in COUNTS]
        rows.append(f"| {counted.at_once} | {' | '.join(values)} |")
    goals = [f"{each.goal:g}" if each.goal else "" for each in COUNTS.values()]
    return "\n".join([*rows, f"| *goal* | {' | '.join(goals)} |"])
