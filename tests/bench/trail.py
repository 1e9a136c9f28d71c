"""The cost of the audit trail: to append, to verify, and between click and answer."""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg
from psycopg.types.json import Jsonb

from bot.approvals.audit import Fact, append
from bot.database.migrate import migrate
from bot.database.pool import Pool, make_pool
from tests.bench.arena import Arena
from tests.bench.blocks import Block, cycles_for, quantile, run_block
from tests.bench.child import BenchError
from tests.bench.report import Section, goal
from tests.support.postgres import as_url, with_database
from tests.support.spawn import clean_environment

WRITERS = 8
DIGEST = "0123456789abcdef" * 4
ONE = "one workspace"
DETAIL = {
    "on_behalf_of": "U0REQUESTER",
    "tool": "delete_file",
    "schema": DIGEST,
    "call": DIGEST,
    "digest": DIGEST,
    "rules": ["deleting"],
    "policy": "0123456789ab",
    "stage": 0,
    "group": "managers",
    "verdict": "approve",
    "outcome": "",
    "card": ["C0APPROVALS", "1700000000.000100"],
}
FILL = """
INSERT INTO audit
  (team_id, event, request_id, conversation_id, actor, via, detail, texts)
SELECT 'T0BENCH', 'approved', 'request-' || n, gen_random_uuid(), 'U0APPROVER', 'slack',
  %(detail)s, CASE WHEN n %% 10 = 0 THEN '{"note": "not today"}' ELSE '{}' END::jsonb
FROM generate_series(1, %(rows)s) AS n
"""


@dataclass(frozen=True)
class Checked:
    """One run of `audit verify` in a process of its own."""

    what: str
    rows: int
    seconds: float
    memory: float  # MB at its highest

    @property
    def rate(self) -> float:
        return self.rows / self.seconds


@dataclass(frozen=True)
class Added:
    """Cycles through the bot with the chain and without, in turn."""

    level: int
    chained: float  # seconds, click -> answer, median
    bare: float
    rate_chained: float  # cycles per second
    rate_bare: float


@dataclass(frozen=True)
class Trail:
    """All that was measured."""

    appends: dict[str, float]  # per second, by what was written
    filled: float  # rows per second of one writer, many in a transaction
    checked: Sequence[Checked]
    added: Sequence[Added]


async def measure(
    arena: Arena, rows: int, seconds: float, rounds: int, levels: Sequence[int]
) -> Section:
    """Measure on the arena's server; `rows` are verified."""
    found = await _measured(arena, rows, seconds, rounds, levels)
    appended, verified = found.appends[ONE], found.checked[0].rate
    return Section(
        "trail",
        "The audit trail",
        "",
        table(found),
        [
            goal("rows appended each second", appended, 1_500, ",.0f", least=True),
            goal("rows verified each second", verified, 50_000, ",.0f", least=True),
        ],
        data=asdict(found),
    )


async def _measured(
    arena: Arena, rows: int, seconds: float, rounds: int, levels: Sequence[int]
) -> Trail:
    url, full = await _database(arena, "trail"), await _database(arena, "full_trail")
    added = [await _added(arena, level, seconds, rounds) for level in levels]
    appends = {
        ONE: await _appends(url, seconds, lambda _: "T0ONE"),
        "a workspace for each writer": await _appends(url, seconds, "T0OWN{}".format),
    }
    with _without_chain(url):
        appends["one workspace, rows not chained"] = await _appends(
            url, seconds, lambda _: "T0BARE"
        )
    filled = await asyncio.to_thread(_fill, full, rows)
    checked = await asyncio.to_thread(_checked, full, rows)
    return Trail(appends, filled, checked, added)


async def _database(arena: Arena, name: str) -> str:
    with psycopg.connect(arena.server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    url = as_url(with_database(arena.server_url, name))
    await migrate(url)
    return url


async def _appends(url: str, seconds: float, team: Callable[[int], str]) -> float:
    """Rows per second of eight writers, a transaction for each row."""
    async with make_pool(url, name="bench", size=WRITERS, timeout=10) as pool:
        began = time.monotonic()
        counts = await asyncio.gather(
            *(_write(pool, team(number), began + seconds) for number in range(WRITERS))
        )
        return sum(counts) / (time.monotonic() - began)


async def _write(pool: Pool, team: str, until: float) -> int:
    fact = Fact(team, "approved", "request", None, "U0APPROVER", "slack", DETAIL)
    count = 0
    async with pool.connection() as connection:
        while time.monotonic() < until:
            await append(connection, [fact])  # a transaction of its own
            count += 1
    return count


@contextmanager
def _without_chain(url: str) -> Iterator[None]:
    """The same statements, and no row is chained."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER TABLE audit DISABLE TRIGGER audit_chained")
        try:
            yield
        finally:
            connection.execute("ALTER TABLE audit ENABLE ALWAYS TRIGGER audit_chained")


def _fill(url: str, rows: int) -> float:
    """Make a trail of so many rows; how many in a second."""
    with psycopg.connect(url, autocommit=True) as connection:
        began = time.monotonic()
        for left in range(rows, 0, -10_000):
            given = {"rows": min(left, 10_000), "detail": Jsonb(DETAIL)}
            connection.execute(FILL, given)
        taken = time.monotonic() - began
        connection.execute("VACUUM ANALYZE audit, audit_chain, audit_texts")
    return rows / taken


def _checked(url: str, rows: int) -> list[Checked]:
    """Verify the database, export it, verify the file."""
    environment = clean_environment() | {"DATABASE_URL": url}
    with tempfile.TemporaryDirectory(prefix="bot-trail-") as name:
        folder = Path(name)
        file = folder / "trail.jsonl"
        steps = {
            "verify, in the database": ["verify"],
            "export to a file": ["export"],
            "verify of that file": ["verify", "--file", str(file)],
        }
        found: list[Checked] = []
        for what, words in steps.items():
            out = file if words == ["export"] else folder / "out"
            seconds, memory = _run(words, environment, out)
            found.append(Checked(what, rows, seconds, memory))
    return found


def _run(
    words: list[str], environment: dict[str, str], out: Path
) -> tuple[float, float]:
    """Seconds and MB of one command, its start included."""
    environment = environment | {"PYTHONPATH": str(Path(__file__).parents[2])}
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    began = time.monotonic()
    pid = os.posix_spawn(
        sys.executable,
        [sys.executable, "-m", "bot", "audit", *words],
        environment,
        file_actions=[(os.POSIX_SPAWN_OPEN, 1, str(out), flags, 0o644)],
    )
    _, status, used = os.wait4(pid, 0)
    if status != 0:
        raise BenchError(f"audit {' '.join(words)} failed: {out.read_text()[:500]}")
    return time.monotonic() - began, used.ru_maxrss / 1024


async def _added(arena: Arena, level: int, seconds: float, rounds: int) -> Added:
    """The same cycles with rows chained and not, in turn."""
    bot_url = as_url(with_database(arena.server_url, "bot"))
    each = await cycles_for(arena.bot, level, seconds)
    blocks: dict[bool, list[Block]] = {True: [], False: []}

    for number in range(rounds):
        for chained in (True, False) if number % 2 == 0 else (False, True):
            with nullcontext() if chained else _without_chain(bot_url):
                blocks[chained].append(
                    await run_block(arena.bot, level, each, number, arena.processes)
                )
    return Added(
        level,
        *(_median(blocks[chained]) for chained in (True, False)),
        *(statistics.median(b.rate for b in blocks[c]) for c in (True, False)),
    )


def _median(blocks: Sequence[Block]) -> float:
    return quantile([value for block in blocks for value in block.answers], 0.5)


def table(trail: Trail) -> str:
    """The Markdown of it."""
    appends = [
        f"| {WRITERS} writers, {name} | {rate:,.0f} rows per second |"
        for name, rate in trail.appends.items()
    ]
    checked = [
        f"| {x.what}, {x.rows:,} rows | {x.seconds:.1f} s, {x.rate:,.0f} per second |"
        f" {x.memory:.0f} MB |"
        for x in trail.checked
    ]
    added = [
        f"| {x.level} | {x.chained * 1000:.1f} ms | {x.bare * 1000:.1f} ms |"
        f" {(x.chained - x.bare) * 1000:+.1f} ms | {x.rate_chained:.1f} |"
        f" {x.rate_bare:.1f} |"
        for x in trail.added
    ]
    return "\n".join(
        [
            "A transaction for each row, committed to the disk:\n",
            "| appending | |\n|---|--:|",
            *appends,
            f"| one writer, 10,000 rows in a transaction | {trail.filled:,.0f} rows per"
            " second |",
            "\nIn a process of its own, start included:\n",
            "| | | memory |\n|---|--:|--:|",
            *checked,
            "\nClick → answer (median), with rows chained and not, in turn:\n",
            "| at once | chained | not chained | the chain adds | cycles per second,"
            " chained | not chained |\n|--:|--:|--:|--:|--:|--:|",
            *added,
        ]
    )
