"""The cost of a conversation: a streamed answer, and a thread of 200 turns."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.bench import statements
from tests.bench.arena import Arena, set_up
from tests.bench.blocks import quantile, run_block
from tests.bench.bot_side import BotSide
from tests.bench.report import Section, goal
from tests.bench.workspace import file_of
from tests.support.postgres import with_database

METHOD = """\
A model that says 40 words over a second, in a stream. *Whole*: Slack grants neither
status nor stream, and the answer is posted. *Streamed*: it grants both. A cycle is
mention → card → click → answer; the rest are messages that need no approval. Then one
thread of many turns, with a model that answers at once; a row is five turns up to that.
"""
WORDS = 1.0  # seconds over which the model speaks
LEVELS = (4, 16)
CYCLES, TALKS = 4, 2  # of each person
PAGE = 5  # turns of a row
#: Bytes of the checkpoints that a conversation has written; pruning takes some away.
BYTES = """
SELECT coalesce((SELECT sum(octet_length(blob)) FROM checkpoint_blobs), 0)
  + coalesce((SELECT sum(octet_length(blob)) FROM checkpoint_writes), 0)
  + coalesce((SELECT sum(octet_length(checkpoint::text)) FROM checkpoints), 0)
"""


@dataclass(frozen=True)
class Shown:
    """One level, with Slack as it grants."""

    level: int
    is_streamed: bool
    rate: float  # cycles per second
    sign: tuple[float, ...]  # seconds until something is seen, of each message
    word: tuple[float, ...]  # until the first word
    whole: tuple[float, ...]  # until the answer is whole


async def measure_streams(
    folder: Path, levels: Sequence[int], each: int = CYCLES
) -> list[Shown]:
    """Measure cycles and messages, first without streams and then with them."""
    found: list[Shown] = []
    for is_streamed in (False, True):
        home = folder / f"streams-{is_streamed}"
        home.mkdir()
        async with set_up(home) as arena:
            arena.stand_ins.say({"words": WORDS, "grants": int(is_streamed)})
            await run_block(arena.bot, 4, 2, 0, arena.processes)
            for level in levels:
                found.append(await _shown(arena, level, each, is_streamed))
                print(f"{level} at once, streamed: {is_streamed}", flush=True)
    return found


async def _shown(arena: Arena, level: int, each: int, is_streamed: bool) -> Shown:
    block = await run_block(arena.bot, level, each, 0, arena.processes)
    sat = [_talks(arena.bot, seat, TALKS) for seat in range(level)]
    times = [each for seat in await asyncio.gather(*sat) for each in seat]
    sign, word, whole = (tuple(kind) for kind in zip(*times, strict=True))
    return Shown(level, is_streamed, block.rate, sign, word, whole)


async def _talks(
    side: BotSide, seat: int, count: int
) -> list[tuple[float, float, float]]:
    found: list[tuple[float, float, float]] = []
    for _ in range(count):
        thread = side.new_thread()
        whole = await side.talk(seat, thread, _words(thread.number))
        times = [thread.signs[name] - thread.began for name in ("sign", "word")]
        found.append((times[0], times[1], whole))
    return found


def _words(number: int) -> str:
    return f"Tell me about {file_of(number)}, and say why it matters."


def streams_table(found: Sequence[Shown]) -> str:
    """Markdown: a row for each level and way."""
    rows = [
        "| at once | | cycles per second | first sign p50 | p99 | first word p50 | p99"
        " | whole p50 | p99 |",
        "|--:|---|" + "--:|" * 7,
    ]
    whole = {each.level: each.rate for each in found if not each.is_streamed}
    for each in sorted(found, key=lambda each: (each.level, each.is_streamed)):
        kinds = (each.sign, each.word, each.whole)
        times = [
            f"{quantile(kind, share) * 1000:.0f} ms"
            for kind in kinds
            for share in (0.5, 0.99)
        ]
        way = "streamed" if each.is_streamed else "whole"
        cost = f" ({each.rate / whole[each.level] - 1:+.0%})"
        rate = f"{each.rate:.1f}{cost if each.is_streamed else ''}"
        rows.append(f"| {each.level} | {way} | {rate} | {' | '.join(times)} |")
    return "\n".join(rows)


@dataclass(frozen=True)
class Page:
    """Some turns of a long thread, on average."""

    turn: int
    seconds: float  # median until the answer
    statements: float
    bytes: float  # of checkpoints


async def measure_thread(folder: Path, turns: Sequence[int]) -> list[Page]:
    """Talk in one thread, and look at the work of the turns up to these."""
    await asyncio.to_thread(statements.prepare, folder / "data")
    async with set_up(folder) as arena:
        counter = statements.Counter(arena.server_url, arena.bot.name)
        side, root, done = arena.bot, side_root(arena.bot), 0
        found: list[Page] = []
        for turn in turns:
            await _go_on(side, root, turn - PAGE - done)
            counter.start()
            before = _bytes(arena)
            times = await _go_on(side, root, PAGE)
            counted = counter.counts(PAGE)
            written = (_bytes(arena) - before) / PAGE
            found.append(Page(turn, statistics.median(times), counted.calls, written))
            done = turn
        return found


def side_root(side: BotSide) -> str:
    """The ts of the message that begins the thread."""
    return side.new_thread().ts


async def _go_on(side: BotSide, root: str, count: int) -> list[float]:
    times: list[float] = []
    for _ in range(count):
        thread = side.new_thread()
        times.append(await side.talk(0, thread, _words(thread.number), root))
    return times


def _bytes(arena: Arena) -> int:
    with psycopg.connect(with_database(arena.server_url, "bot")) as connection:
        row = connection.execute(BYTES).fetchone()
    assert row is not None
    return int(row[0])


def thread_table(pages: Sequence[Page]) -> str:
    """Markdown: a row for each page."""
    rows = ["| turn | answer p50 | statements | checkpoints |", "|--:|--:|--:|--:|"]
    for page in pages:
        cells = [
            f"{page.turn}",
            f"{page.seconds * 1000:.0f} ms",
            f"{page.statements:.0f}",
            f"{page.bytes / 1000:.0f} kB",
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def goals(shown: Sequence[Shown], pages: Sequence[Page]) -> list[str]:
    """State each goal, and how it was met."""
    level = max(each.level for each in shown)
    crowd = {each.is_streamed: each for each in shown if each.level == level}
    cost = 1 - crowd[True].rate / crowd[False].rate
    more = pages[-1].statements / pages[0].statements
    signs = [each.sign for each in shown if each.is_streamed]
    return [
        goal(f"cycles per second that a stream costs with {level}, %", cost * 100, 15),
        goal("message → first sign, p50, s", quantile(signs[0], 0.5), 1.0),
        goal(f"statements of turn {pages[-1].turn}, × turn {pages[0].turn}", more, 1.1),
    ]


async def measure(folder: Path, *, quick: bool) -> Section:
    """Measure both."""
    levels = LEVELS[:1] if quick else LEVELS
    turns = (10, 20) if quick else (10, 50, 100, 150, 200)
    shown = await measure_streams(folder, levels)
    thread = folder / "thread"
    thread.mkdir()
    pages = await measure_thread(thread, turns)
    tables = f"{streams_table(shown)}\n\n{thread_table(pages)}"
    title = "What a conversation costs"
    return Section("talk", title, METHOD, tables, goals(shown, pages))
