"""A soak: people, deaths, and trouble of Slack and the database, all at random.

Two replicas, one database behind a proxy that can be cut, and the simulator. At the end
nothing is lost, nothing doubled, nothing ran unapproved, every request is over, and
every card shows it.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import psycopg

from bot.simulator.control import FaultKind
from tests.bench.child import BenchError
from tests.bench.report import Section, goal
from tests.bench.schedule import TROUBLE, Event, schedule
from tests.support import postgres
from tests.support.bot_process import BotProcess, free_port
from tests.support.crashes import make_book
from tests.support.deciding import SANDBOX, transfers
from tests.support.demo import MAREK, MINA, OLAF, RAVI
from tests.support.invariants import wrong_in, wrong_in_slack
from tests.support.proxy import Proxy, make_proxy
from tests.support.shown import Message, buttons
from tests.support.stage import Stage, make_stage

REPLICAS = 2
OUTAGE = 1.5  # seconds that the database is away
PATIENCE = 150.0  # seconds until all is at rest: leases of the dead last a minute
RETRIES = (0.3, 1.0, 3.0, 6.0, 10.0)  # of Slack, closer together than in life
DECIDERS = (MINA, MAREK, MINA, MAREK, OLAF, RAVI)
__all__ = ["Soaked", "schedule", "soak", "table"]


@dataclass
class Soaked:
    """The work done in a soak, and the faults found at its end."""

    seed: int
    seconds: float
    done: Counter[str] = field(default_factory=Counter[str])
    asked: dict[str, int] = field(default_factory=dict[str, int])  # by thread
    lost: int = 0
    doubled: int = 0
    unapproved: int = 0
    wrong: list[str] = field(default_factory=list[str])

    @property
    def is_good(self) -> bool:
        return not (self.lost or self.doubled or self.unapproved or self.wrong)


@dataclass
class Soak:
    """One soak while it goes on."""

    stage: Stage
    proxy: Proxy
    found: Soaked
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    tasks: set[asyncio.Task[Any]] = field(default_factory=set[asyncio.Task[Any]])
    outage: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def run(self, events: list[Event]) -> None:
        """Let each event happen at its time, whatever the ones before still do."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        for event in events:
            await asyncio.sleep(began + event.at - loop.time())
            self.found.done[event.kind] += 1
            deed = getattr(self, f"_{event.kind}")(event)
            task = asyncio.create_task(deed)
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        for task in [*self.tasks]:
            await task

    async def _say(self, event: Event) -> None:
        """A transfer with an amount of its own; now and then in an older thread."""
        threads = [*self.found.asked]
        older = event.first % 5 == 0 and threads
        thread = threads[event.second % len(threads)] if older else None
        number = next(self.numbers)
        words = f"transfer {number} GBP to alice" if event.first % 4 else "list files"
        if thread:
            self.found.asked[thread] += 1
        ts = await self.stage.ask(words, thread_ts=thread)
        if not thread:
            self.found.asked[ts] = self.found.asked.get(ts, 0) + 1

    async def _click(self, event: Event) -> None:
        """Somebody clicks on a card that is open; a click can get lost, as in life."""
        cards = [card for card in self.stage.cards() if _is_open(card)]
        if not cards:
            return
        card = cards[event.first % len(cards)]
        user = DECIDERS[event.second % len(DECIDERS)]
        action = "reject" if event.second % 3 == 0 else "approve"
        if any(offered == action for offered, _ in buttons(card)):
            await self.stage.click(user, action, card)

    async def _kill(self, event: Event) -> None:
        bot = self.stage.bots[event.first % len(self.stage.bots)]
        await bot.kill()
        self.stage.bots.remove(bot)
        await self._start()

    async def _start(self) -> None:
        """Start a replica as a supervisor does: again, until it lives."""
        bot = BotProcess(
            self.stage.folder, self.stage.environment, free_port(), fresh=True
        )
        self.stage.bots.append(bot)
        await bot.start(wait=False)

    async def _slack(self, event: Event) -> None:
        method, kind, times = TROUBLE[event.first % len(TROUBLE)]
        self.stage.simulator.faults.add(method, cast("FaultKind", kind), times)

    async def _database(self, event: Event) -> None:
        async with self.outage:  # one may begin before the last one is over
            await self.proxy.close()
            await asyncio.sleep(OUTAGE)
            await self.proxy.open()


def _is_open(card: Message) -> bool:
    return any(action == "approve" for action, _ in buttons(card))


async def soak(seed: int, seconds: float) -> Soaked:
    """Run one; the schedule is the seed's, what comes of it must always be right."""
    found = Soaked(seed, seconds)
    async with _set_up() as (stage, proxy, url):
        await Soak(stage, proxy, found).run(schedule(seed, seconds))
        stage.simulator.faults.clear()
        stage.environment["DATABASE_URL"] = stage.database = url
        await _come_to_rest(stage)
        _judge(stage, found)
    return found


@asynccontextmanager
async def _set_up() -> AsyncIterator[tuple[Stage, Proxy, str]]:
    with (
        postgres.folder() as folder,
        postgres.server(folder / "data") as server,
        postgres.fresh_database(server) as url,
    ):
        async with make_proxy(url) as proxy:
            await proxy.open()
            place = folder / "stage"
            settings: dict[str, Any] = {
                **SANDBOX,
                "retries": RETRIES,
                "start": False,
                "fresh": True,
            }
            async with make_stage(place, proxy.url, "socket", **settings) as stage:
                make_book(stage)
                for _ in range(REPLICAS):
                    await stage.start_bot()
                yield stage, proxy, url


async def _come_to_rest(stage: Stage) -> None:
    """Time out what is undecided, and wait until the work of the dead is taken up."""
    await stage.simulator.settled()
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while asyncio.get_running_loop().time() < deadline:
        with psycopg.connect(stage.records.url, autocommit=True) as connection:
            connection.execute(
                "UPDATE requests SET expires_at = bot_now() WHERE status = 'pending'"
            )
        if not wrong_in(stage.records):
            return
        await asyncio.sleep(0.5)


def _judge(stage: Stage, found: Soaked) -> None:
    found.wrong = [*wrong_in(stage.records), *wrong_in_slack(stage)]
    for thread, asked in found.asked.items():
        answers = len(stage.answers(thread))
        found.lost += max(asked - answers, 0)
        found.doubled += max(answers - asked, 0)
    ran = Counter(pence // 100 for _, _, pence in transfers(stage))
    found.doubled += sum(times - 1 for times in ran.values())
    found.unapproved = len(ran.keys() - _approved(stage))
    found.done["answers"] = sum(len(stage.answers(t)) for t in found.asked)
    found.done["effects"] = sum(ran.values())
    found.done["unknown"] = stage.records.value(
        "SELECT count(*) FROM grants WHERE state = 'unknown'"
    )


def _approved(stage: Stage) -> set[int]:
    """The amounts that people have approved, by their own words on the record."""
    rows = stage.records.rows(
        """SELECT DISTINCT (r.arguments::jsonb->>'amount')::numeric::int FROM requests r
        JOIN decisions d ON d.request_id = r.id AND d.verdict = 'approve'
          AND d.voided_at IS NULL
        WHERE r.status = 'approved' AND d.user_id IN (%s, %s)""",
        MINA,
        MAREK,
    )
    return {amount for (amount,) in rows}


def table(found: Soaked) -> str:
    """Report in Markdown what was done and what is wrong."""
    done = ", ".join(f"{name} {count}" for name, count in sorted(found.done.items()))
    ends = f"{found.lost} lost, {found.doubled} doubled, {found.unapproved} unapproved"
    lines = [
        f"Seed {found.seed}, {found.seconds:.0f} s, {REPLICAS} replicas:\n",
        f"- {done}",
        f"- {ends}; {len(found.wrong)} wrong in the rows and on the cards",
        *(f"  - {each}" for each in found.wrong[:20]),
    ]
    return "\n".join(lines)


async def measure(seed: int, minutes: float) -> Section:
    """Run one and say what came of it.

    Raises:
        BenchError: something was lost, doubled, unapproved or is wrong.
    """
    found = await soak(seed, minutes * 60)
    if not found.is_good:
        raise BenchError(table(found))
    wrong = goal("a soak: lost, doubled, unapproved or wrong", 0, 0, ".0f")
    return Section("soak", "A soak", "", table(found), [wrong])
