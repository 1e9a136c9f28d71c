"""The cost of deadlines: sweeps over many that wait, and clicks while many expire."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bot.approvals.deadlines import expire_due, nudge_due
from bot.approvals.ports import Jobs
from bot.database import embedded
from bot.database.migrate import migrate
from bot.database.pool import Pool, make_pool
from bot.jobs.queue import Queue
from tests.bench.arena import Arena
from tests.bench.blocks import check, quantile
from tests.bench.child import BenchError
from tests.bench.report import goal
from tests.bench.waiting_rows import add_overdue, add_to_remind, add_waiting
from tests.support.postgres import as_url, with_database

METHOD = """\
Each size is a database of its own on one server, and the sizes are measured in turn,
round after round, by the code that the clock calls. A request that waits has its chain,
its card and its conversation.

- *expire*, *remind*: from the first look for what is due to the last commit, for each
  request that was due: rejected or reminded, with trail, jobs and messages.
- *idle*: one look of each kind that finds nothing.
- Medians over the rounds; the ratio is to the smallest size.
"""
IDLE_LOOKS = 20
PATIENCE = 900  # seconds for a whole flood


@dataclass(frozen=True)
class Sizes:
    """The numbers of requests, rounds and clicks in a run."""

    waiting: tuple[int, ...]
    due: int  # of each kind in each round
    rounds: int
    flood: int  # requests that expire while people click
    clicks: int


FULL = Sizes((1_000, 100_000), 500, 3, 10_000, 200)
QUICK = Sizes((1_000, 20_000), 100, 2, 300, 40)


@dataclass(frozen=True)
class Swept:
    """Medians over the rounds, in seconds."""

    waiting: int
    expire: float
    remind: float
    idle: float


async def measure_sweeps(folder: Path, sizes: Sizes) -> list[Swept]:
    """Fill a database for each size, and sweep them in turn."""
    with embedded.start(folder / "sweeps") as server:
        urls = {size: await _filled(server.url, size) for size in sizes.waiting}
        found: dict[int, list[Swept]] = {size: [] for size in sizes.waiting}
        for number in range(sizes.rounds + 1):  # the first one warms up
            for size, url in urls.items():
                swept = await _round(url, size, number, sizes.due)
                if number:
                    found[size].append(swept)
        return [_median(rounds) for rounds in found.values()]


async def _filled(server_url: str, size: int) -> str:
    name = f"waiting_{size}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    url = as_url(with_database(server_url, name))
    await migrate(url)
    began = time.monotonic()
    await asyncio.to_thread(add_waiting, url, "waits ", size)
    took = time.monotonic() - began
    print(f"{size:,} requests that wait, written in {took:.0f} s", flush=True)
    return url


async def _round(url: str, size: int, number: int, due: int) -> Swept:
    add_overdue(url, f"over {number} ", due)
    add_to_remind(url, f"remind {number} ", due)
    async with _parts(url) as (pool, jobs):
        expire = await _timed(expire_due, pool, jobs, due)
        remind = await _timed(nudge_due, pool, jobs, due)
        began = time.monotonic()
        for _ in range(IDLE_LOOKS):
            check(await expire_due(pool, jobs) == 0, "Something was left to expire.")
            check(await nudge_due(pool, jobs) == 0, "Somebody was left to remind.")
        idle = (time.monotonic() - began) / IDLE_LOOKS / 2
    print(f"{size:>9,} wait, round {number}: {expire * 1000:.1f} ms each", flush=True)
    return Swept(size, expire, remind, idle)


@asynccontextmanager
async def _parts(url: str):
    pool = make_pool(url, name="bench", size=2, timeout=10)
    async with pool:
        yield pool, Queue(url)


async def _timed(
    sweep: Callable[[Pool, Jobs], Awaitable[int]], pool: Pool, jobs: Jobs, due: int
) -> float:
    """Seconds for each request."""
    began = time.monotonic()
    done = await sweep(pool, jobs)
    check(done == due, f"{done} of {due} were done.")
    return (time.monotonic() - began) / due


def _median(rounds: Sequence[Swept]) -> Swept:
    return Swept(
        rounds[0].waiting,
        statistics.median(each.expire for each in rounds),
        statistics.median(each.remind for each in rounds),
        statistics.median(each.idle for each in rounds),
    )


@dataclass(frozen=True)
class Flood:
    """Acks of clicks, in seconds, with nothing else to do and while many expire."""

    expired: int
    seconds: float
    quiet: tuple[float, ...]
    busy: tuple[float, ...]


async def measure_flood(arena: Arena, sizes: Sizes) -> Flood:
    """Click on cards that wait, first in peace, then while many others expire."""
    url = as_url(with_database(arena.server_url, "bot"))
    bot = arena.bot
    quiet_cards = [await bot.ask(seat) for seat in range(sizes.clicks)]
    quiet = [await bot.click(card) for card in quiet_cards]
    await bot.settle()
    cards = [await bot.ask(seat) for seat in range(sizes.clicks)]
    await asyncio.to_thread(add_overdue, url, "flood ", sizes.flood)
    began, busy = time.monotonic(), list[float]()
    for card in cards:
        if await _left(url) == 0:
            break
        busy.append(await bot.click(card))
        await asyncio.sleep(0.1)
    await _until_over(url, began)
    seconds = time.monotonic() - began
    for card in cards[len(busy) :]:
        await bot.click(card)
    await bot.settle(PATIENCE, quiet=False)  # the cards of the flood follow for minutes
    check(bool(busy), "All had expired before the first click.")
    return Flood(sizes.flood, seconds, tuple(quiet), tuple(busy))


async def _left(url: str) -> int:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        found = await connection.execute(
            "SELECT count(*) FROM requests"
            " WHERE status = 'pending' AND expires_at <= bot_now()"
        )
        row = await found.fetchone()
    return row[0] if row else 0


async def _until_over(url: str, began: float) -> None:
    while await _left(url):
        if time.monotonic() - began > PATIENCE:
            raise BenchError("Not everything has expired.")
        await asyncio.sleep(0.5)


def sweeps_table(found: Sequence[Swept]) -> str:
    """Markdown: a line for each size."""
    first = found[0]
    lines = [
        "| requests that wait | expire | ratio | remind | ratio | idle look |",
        "|--:|--:|--:|--:|--:|--:|",
    ]
    for each in found:
        cells = [
            f"{each.waiting:,}",
            _ms(each.expire),
            f"{each.expire / first.expire:.2f} ×",
            _ms(each.remind),
            f"{each.remind / first.remind:.2f} ×",
            _ms(each.idle),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def flood_table(flood: Flood) -> str:
    """Markdown: acks in peace and while many expire."""
    lines = ["| click → ack | clicks | p50 | p99 |", "|---|--:|--:|--:|"]
    rate = flood.expired / flood.seconds
    during = f"while {flood.expired:,} expire ({rate:.0f} each second)"
    for name, acks in (("in peace", flood.quiet), (during, flood.busy)):
        middle, late = (_ms(quantile(acks, share)) for share in (0.5, 0.99))
        lines.append(f"| {name} | {len(acks)} | {middle} | {late} |")
    return "\n".join(lines)


def goals(flood: Flood) -> list[str]:
    """State each goal, and how it was met."""
    rate = flood.expired / flood.seconds
    late = quantile(flood.busy, 0.99) * 1000
    return [
        goal("requests timed out, each second", rate, 500, ".0f", least=True),
        goal("ack p99 while they time out, ms", late, 150, ".0f"),
    ]


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"
