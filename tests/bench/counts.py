"""The work of a cycle, counted: what does not depend on the machine."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.bench import profiling, report, statements
from tests.bench.arena import Ring, set_up_bot
from tests.bench.blocks import run_block
from tests.support.postgres import with_database

# A session that has nothing more to do adds its work to PostgreSQL's totals after ten
# seconds (PGSTAT_IDLE_INTERVAL): before that they lack what was counted.
SETTLED = 10.5  # seconds; as long without a cycle shows what is done at any time
WARM = 12  # cycles before; by then each connection has been used
JOBS = "SELECT last_value AS number FROM procrastinate_jobs_id_seq"


#: In the order of the table: what it is called, and how much it is to be at most.
COUNTS = {
    "statements": ("statements", 55),
    "transactions": ("transactions", 28),
    "waits": ("waits for PostgreSQL", 85),
    "fsyncs": ("writes through to the disk", 12),
    "jobs": ("jobs", 2),
    "connections": ("connections", 10),
}


@dataclass(frozen=True)
class Counted:
    """The work of one cycle, on average, with so many people at once."""

    at_once: int
    statements: float
    own: float  # statements of the cycle alone: none that an idle process makes too
    transactions: float
    waits: float
    fsyncs: float
    jobs: float
    connections: float
    lines: tuple[str, ...]  # each statement, to be read


async def measure_counts(
    folder: Path, cycles: int, levels: tuple[int, ...]
) -> list[Counted]:
    """Count the bot's work at each level."""
    await asyncio.to_thread(statements.prepare, folder / "data")
    quiet = {"SWEEP_INTERVAL": "10m"}  # the clock's work is nothing that a cycle does
    async with set_up_bot(folder, **profiling.variables(folder), **quiet) as arena:
        return [await _count(arena, level, max(2, cycles // level)) for level in levels]


async def _count(arena: Ring, level: int, each: int) -> Counted:
    side = arena.bot
    await run_block(side, level, max(2, WARM // level), 0, arena.processes)
    counter = statements.Counter(arena.server_url, side.name)
    jobs = _jobs(arena)
    await asyncio.sleep(SETTLED)
    counter.start()
    await asyncio.sleep(SETTLED)
    counter.idle()
    counter.start()
    done = level * each
    async with profiling.watched(arena, side) as found:
        await run_block(side, level, each, 0, arena.processes)
        counted, connections = counter.counts(done), counter.connections()
    await asyncio.sleep(SETTLED)
    settled = counter.counts(done)
    return Counted(
        at_once=level,
        statements=counted.calls,
        own=counted.own,
        transactions=settled.commits,
        waits=sum(n for n, _ in found["waits"]) / done,
        fsyncs=settled.fsyncs,
        jobs=(_jobs(arena) - jobs) / done,
        connections=sum(connections.values()),
        lines=counted.lines,
    )


def _jobs(arena: Ring) -> int:
    with psycopg.connect(with_database(arena.server_url, "bot")) as connection:
        row = connection.execute(JOBS).fetchone()
    assert row is not None
    return row[0]


def table(found: Sequence[Counted]) -> str:
    """A row for each level, and the goals."""
    rows = [
        f"| at once | {' | '.join(name for name, _ in COUNTS.values())} |",
        "|--:|" + "--:|" * len(COUNTS),
    ]
    for counted in found:
        values = [f"{getattr(counted, key):.1f}" for key in COUNTS]
        rows.append(f"| {counted.at_once} | {' | '.join(values)} |")
    goals = [f"{goal:g}" for _, goal in COUNTS.values()]
    return "\n".join([*rows, f"| *goal* | {' | '.join(goals)} |"])


def goals(found: Sequence[Counted]) -> list[str]:
    """State each goal and how it was met: alone, and for connections with 16."""
    lines = [
        report.goal(name, getattr(each, key), most, ".1f")
        for each in found
        if each.at_once == 1
        for key, (name, most) in COUNTS.items()
        if key != "connections"
    ]
    crowd = [each.connections for each in found if each.at_once == 16]
    name, most = COUNTS["connections"]
    return lines + [report.goal(f"{name} with 16", n, most, ".0f") for n in crowd]
