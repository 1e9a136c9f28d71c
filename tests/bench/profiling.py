"""The use of time: CPU by part and function, statements, calls, connections."""

from __future__ import annotations

import asyncio
import collections
import json
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.bench import stacks, statements
from tests.bench.arena import Arena, Ring, set_up
from tests.bench.blocks import Block, Side, cycles_for, quantile, run_block
from tests.support.root import ROOT

SECONDS = 8.0  # of each block, about
WAIT = 10  # seconds for a profile to be written
ROWS = 40
Waits = list[tuple[int, str]]  # how often, and who asked


async def run(folder: Path, levels: Sequence[int]) -> str:
    """Profile both sides at each level; a report in Markdown."""
    await asyncio.to_thread(statements.prepare, folder / "data")
    parts = ["# Where the time goes\n"]
    async with set_up(folder, **variables(folder)) as arena:
        for level in levels:
            for side in (arena.bot, arena.plain, arena.bare):
                parts += await _profile(arena, side, level)
    return "\n".join(parts) + "\n"


async def _profile(arena: Arena, side: Side, level: int) -> list[str]:
    each = await cycles_for(side, level, SECONDS)
    counter = statements.Counter(arena.server_url, side.name)
    counter.start()
    arena.bot.calls.clear()
    plain = await run_block(side, level, each, 0, arena.processes)
    cycles = len(plain.answers)
    calls, ran = collections.Counter(arena.bot.calls), counter.report(cycles)
    sampled, waits = await _sampled(arena, side, level, each)
    return [
        f"\n## {side.name}, {level} at once\n",
        _times(plain),
        _cpu(plain),
        f"\nConnections: {counter.shown_connections()}.\n",
        _calls(calls, cycles),
        ran,
        _waits(waits, cycles),
        stacks.report(sampled, cycles),
    ]


async def _sampled(
    arena: Arena, side: Side, level: int, each: int
) -> tuple[list[stacks.Stack], Waits]:
    async with watched(arena, side) as found:
        await run_block(side, level, each, 0, arena.processes)
    sampled = [(count, tuple(frames)) for count, frames in found["stacks"]]
    return sampled, found["waits"]


@asynccontextmanager
async def watched(arena: Ring, side: Side) -> AsyncIterator[dict[str, Any]]:
    """Watch a process meanwhile; `stacks` and `waits` are there afterwards."""
    path, found = arena.folder / f"profile-{side.pid}.json", dict[str, Any]()
    path.unlink(missing_ok=True)
    os.kill(side.pid, signal.SIGUSR1)
    yield found
    os.kill(side.pid, signal.SIGUSR2)
    async with asyncio.timeout(WAIT):
        while not path.exists():  # noqa: ASYNC110 - a file has no event
            await asyncio.sleep(0.05)
    found |= json.loads(await asyncio.to_thread(path.read_text))


def variables(folder: Path) -> dict[str, str]:
    """What a process is started with, so that it can be watched."""
    return {
        "PYTHONPATH": f"{Path(__file__).parent / 'profiled'}{os.pathsep}{ROOT}",
        "BENCH_PROFILE": str(folder / "profile-{pid}.json"),
    }


def _times(block: Block) -> str:
    middle = quantile(block.answers, 0.5) * 1000
    ack = f", ack p50 {quantile(block.acks, 0.5) * 1000:.1f} ms" if block.acks else ""
    return (
        f"Without the sampler: answer p50 {middle:.1f} ms{ack}, {block.rate:.1f}"
        f" cycles per second, {len(block.answers)} cycles.\n"
    )


def _cpu(block: Block) -> str:
    cycles = len(block.answers)
    parts = [f"{n} {s / cycles * 1000:.1f} ms" for n, s in block.cpu.items()]
    return f"CPU of a cycle: {', '.join(parts)}."


def _calls(found: collections.Counter[str], cycles: int) -> str:
    parts = [f"{what} {n / cycles:.2f}" for what, n in found.most_common()]
    return f"Calls of a cycle: {', '.join(parts)}.\n"


def _waits(found: Waits, cycles: int) -> str:
    """Report how often psycopg waited, which is close to the round trips."""
    total = sum(n for n, _ in found) / cycles
    rows = [f"psycopg waits for PostgreSQL {total:.1f} times in a cycle.\n\n```"]
    rows += [
        f"{n / cycles:6.2f}  {stacks.shorten(who)}"
        for n, who in sorted(found, reverse=True)[:ROWS]
    ]
    return "\n".join([*rows, "```\n"])
