"""Lives of requests in which the process dies: the driver of the crash matrix."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg

from agent.tools.sandbox import accounts
from tests.support.crash_table import EARLY, Cell
from tests.support.deciding import transfers
from tests.support.demo import MINA
from tests.support.foreign import let_time_pass
from tests.support.shown import Message
from tests.support.stage import Stage

ORDER = "fault.txt"  # the file in which the stage tells its bot where to die
DEATH = 30  # seconds until the process has died
RECOVERED = 45.0  # seconds from the start of the next one until all is over

#: A graph of somebody else, whose node can die in its middle.
FOREIGN = '''
"""Does one thing after an approval, and dies where it is told to."""
import os
import signal
from pathlib import Path

from langchain_core.messages import AIMessage
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import interrupt


def die(point):
    order = Path("fault.txt")
    if order.exists() and order.read_text() == point:
        order.unlink()
        os.kill(os.getpid(), signal.SIGKILL)


def effect(state):
    what = state["messages"][-1].text
    if interrupt({"action": "effect", "what": what}) != "approve":
        return {"messages": [AIMessage(f"left {what}")]}
    die("in_tool")
    with open("ledger.txt", "a") as ledger:
        ledger.write(what + "\\n")
    die("ran")
    return {"messages": [AIMessage(f"did {what}")]}


builder = StateGraph(MessagesState).add_node(effect).add_edge(START, "effect")
graph = builder.add_edge("effect", END).compile()
'''


class Life:
    """One request from its message to its end, on a stage whose bot may die."""

    def __init__(self, stage: Stage, cell: Cell) -> None:
        self.stage = stage
        self.cell = cell
        self.amount = 100 + cell.number
        self.thread = ""
        self.before = {card["ts"] for card in stage.cards()}

    @property
    def words(self) -> str:
        if self.cell.graph == "foreign":
            return f"job-{self.amount}"
        return f"transfer {self.amount} GBP to alice"

    async def run(self) -> None:
        """Ask, decide and die, in the cell's order; then live on to the end."""
        if self.cell.point in EARLY:
            await self._dies(self._ask())
            await self._decide(await self._card())
        else:
            await self._ask()
            card = await self._card()
            await self.stage.simulator.wait_for(self._is_noted)
            await self._dies(self._decide(card))
        await until(self._is_over, RECOVERED)

    def _is_noted(self) -> bool:
        """Return whether no delivery is under way that the death could hit as well."""
        query = "SELECT count(*) FROM deliveries WHERE shown < revision"
        return self.stage.records.value(query) == 0

    async def _ask(self) -> None:
        self.thread = await self.stage.ask(self.words)

    async def _card(self) -> Message:
        def new() -> list[Message]:
            return [c for c in self.stage.cards() if c["ts"] not in self.before]

        [card] = await self.stage.simulator.wait_for(new)
        return card

    async def _decide(self, card: Message) -> None:
        if self.cell.verdict == "expire":
            let_time_pass(self.stage)
        else:
            await self.stage.click(MINA, self.cell.verdict, card)

    async def _dies(self, deed: Awaitable[None]) -> None:
        """Do it, have the process die of it, and start another one."""
        if self.cell.point == "in_tool" and self.cell.graph == "shipped":
            with held_book(self.stage):
                await deed
                await until(self._has_begun)
                await self.stage.bot.kill()
        else:
            (self.stage.folder / ORDER).write_text(self.cell.point)
            await deed
            await died(self.stage)
        await start_another(self.stage)

    def _has_begun(self) -> bool:
        query = "SELECT count(*) FROM grants WHERE state = 'executing'"
        return self.stage.records.value(query) == 1

    def _is_over(self) -> bool:
        """Return whether the thread has its last word and nothing is left to do."""
        rows = self.stage.records.rows
        left = rows("SELECT 1 FROM messages WHERE state IN ('received', 'running')")
        return bool(self.last_words()) and not left and self._is_noted()

    def last_words(self) -> list[str]:
        """All messages that told the thread how it ended."""
        signs = ("(offline model)", "left job-", "did job-", "I won't run it again")
        told = self.stage.texts(self.thread)
        return [text for text in told if any(sign in text for sign in signs)]

    def effects(self) -> int:
        """The number of times that the tool has really run."""
        if self.cell.graph == "shipped":
            paid = [pence for _, _, pence in transfers(self.stage)]
            return paid.count(self.amount * 100)
        return self.stage.ledger.count(self.words)

    def request(self) -> dict[str, Any]:
        """The one request of this life, and what stands on its trail."""
        [(request, status, state)] = self.stage.records.rows(
            """SELECT r.id, r.status, g.state FROM requests r
            JOIN conversations c ON c.id = r.conversation_id
            LEFT JOIN grants g ON g.request_id = r.id WHERE c.thread_ts = %s""",
            self.thread,
        )
        events = self.stage.records.rows(
            "SELECT event FROM audit WHERE request_id = %s ORDER BY seq", request
        )
        trail = [event for (event,) in events if event != "shown"]
        return {"id": request, "status": status, "state": state, "trail": trail}


def make_book(stage: Stage) -> None:
    """The sandbox's account book, before any bot has made it."""
    stage.files.mkdir(exist_ok=True)
    accounts(stage.files)


@contextmanager
def held_book(stage: Stage) -> Iterator[None]:
    """Hold the account book, so that a transfer waits in its middle."""
    file = stage.files / ".sandbox/accounts.sqlite"
    with closing(sqlite3.connect(file, isolation_level=None)) as book:
        book.execute("BEGIN IMMEDIATE")
        yield


async def died(stage: Stage) -> None:
    """Wait until the stage's process has killed itself."""
    process = stage.bot.process
    assert process is not None
    async with asyncio.timeout(DEATH):
        assert await process.wait() == -9, stage.bot.log[-3000:]


async def start_another(stage: Stage) -> None:
    """Start another process in the place of the dead one, as after a while."""
    stage.bots.clear()
    await until(lambda: not stage.records.connections())
    let_leases_end(stage)
    await stage.start_bot()


def let_leases_end(stage: Stage) -> None:
    """Free what the dead process held, as would happen after some time."""
    with psycopg.connect(stage.records.url, autocommit=True) as connection:
        for statement in (
            "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 h'",
            "UPDATE deliveries SET taken_until = NULL, due_at = now()",
            "UPDATE procrastinate_jobs SET scheduled_at = now()"
            " WHERE status = 'todo' AND scheduled_at > now()",
        ):
            connection.execute(statement)


async def until(holds: Any, seconds: float = 30.0) -> None:
    """Wait until something holds that no change in Slack announces."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - a look at the database has no event
            await asyncio.sleep(0.05)
