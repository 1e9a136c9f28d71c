"""Whole cycles through the bot: mention, card, click on Approve, answer."""

from __future__ import annotations

import asyncio
import collections
import itertools
import json
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from tests.bench.blocks import Cycle, check
from tests.bench.child import BenchError
from tests.bench.lines import Line
from tests.bench.slack_side import Door, click, mention
from tests.bench.workspace import (
    FILE,
    answer_of,
    file_of,
    manager_of,
    requester_of,
    words_of,
)
from tests.support.bot_process import BotProcess, free_port
from tests.support.demo import APPROVALS

QUIET = 0.3  # seconds without a call after which nothing more comes
PATIENCE = 60  # seconds for one cycle
#: What the notice of a request names, here and of the plain bot, and no answer does.
NOTICES = ("*Delete*", "delete_file")


#: Calls by which people see that the agent works.
SIGNS = (
    *("assistant.threads.setStatus", "chat.postMessage"),
    *("chat.appendStream", "chat.stopStream"),
)


@dataclass
class Thread:
    """One cycle as Slack has seen it."""

    number: int
    ts: str
    card: asyncio.Future[Line]
    answered: asyncio.Future[float]
    cards: int = 0
    closed: float = 0.0  # when the card lost its buttons
    began: float = 0.0
    signs: dict[str, float] = field(default_factory=dict)  # when each was seen first
    said: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Asked:
    """A cycle whose card stands and waits for its click."""

    seat: int
    began: float
    card: Line


class Served(Protocol):
    """A process with a request URL for Slack."""

    @property
    def url(self) -> str: ...

    @property
    def pid(self) -> int: ...

    @property
    def log(self) -> str: ...


class BotSide:
    """Plays Slack to one process of a bot; `note` hears what the bot calls."""

    pause = 0.0  # seconds between the card and the click

    def __init__(
        self, name: str, bot: Served, files: Path, numbers: itertools.count
    ) -> None:
        self.name = name
        self._bot, self._files, self._numbers = bot, files, numbers
        self._doors = [Door(bot.url)]  # of its replicas, in turn
        self._turns = itertools.count()
        self._open: dict[str, Thread] = {}  # by the name of its file
        self._by_ts: dict[str, Thread] = {}  # by the ts of its thread or its card
        self._epoch = int(time.time()) - 100_000_000
        self._last_call = 0.0
        self._wrong: list[Line] = []  # what belongs to no cycle
        self.calls: collections.Counter[str] = collections.Counter()

    @property
    def pid(self) -> int:
        return self._bot.pid

    @asynccontextmanager
    async def replica(self) -> AsyncGenerator[None]:
        """One more process of the same bot, which takes its turn of the requests."""
        assert isinstance(self._bot, BotProcess)
        more = replace(self._bot, port=free_port(), process=None)
        await more.start()
        door = Door(more.url)
        self._doors.append(door)
        try:
            yield
        finally:
            self._doors.remove(door)
            await door.close()
            await more.stop()

    @property
    def _door(self) -> Door:
        return self._doors[next(self._turns) % len(self._doors)]

    def note(self, line: Line) -> None:
        """One call to Slack, or to the model."""
        self._last_call = time.monotonic()
        self.calls[line["method"]] += 1
        card = line.get("channel") == APPROVALS
        if line["method"] in SIGNS and (seen := self._thread_of(line)):
            self._seen(seen, line)
        if line["method"] in ("chat.postMessage", "chat.stopStream"):
            thread = self._thread_of_card(line) if card else self._thread_of(line)
            if thread is None:
                self._wrong.append(line)
            elif card:
                self._card_posted(thread, line)
            else:
                self._said(thread, line)
        elif line["method"] == "chat.update" and card and _approve(line) is None:
            self._by_ts[line["ts"]].closed = line["at"]

    def _seen(self, thread: Thread, line: Line) -> None:
        """A status, or words: from the first ones on the answer is seen to grow."""
        if line.get("status") or line.get("text"):
            thread.signs.setdefault("sign", line["at"])
        if line["method"] != "assistant.threads.setStatus" and line.get("text"):
            thread.signs.setdefault("word", line["at"])

    def _thread_of(self, line: Line) -> Thread | None:
        return self._by_ts.get(str(line.get("thread_ts")))

    def _thread_of_card(self, line: Line) -> Thread | None:
        found = FILE.search(json.dumps(line.get("blocks")))
        return self._open.get(found[0]) if found else None

    def _card_posted(self, thread: Thread, line: Line) -> None:
        thread.cards += 1
        self._by_ts[line["ts"]] = thread
        if not thread.card.done():
            thread.card.set_result(line)

    def _said(self, thread: Thread, line: Line) -> None:
        """The notice that it waits, or the answer; anything else is one too many."""
        if any(each in line["text"] for each in NOTICES):
            return
        thread.said.append(line["text"])
        if answer_of(thread.number) in line["text"] and not thread.answered.done():
            thread.answered.set_result(line["at"])

    async def cycle(self, seat: int) -> Cycle:
        """One whole cycle of one person."""
        thread = await self._begin()
        file = self._files / file_of(thread.number)
        try:
            async with asyncio.timeout(PATIENCE):
                cycle = await self._play(thread, seat)
        except TimeoutError:
            raise BenchError(f"A cycle hangs: {thread}\n{self._log}") from None
        check(not file.exists(), f"{file.name} was not deleted.")
        return cycle

    async def talk(
        self, seat: int, thread: Thread, words: str, root: str = ""
    ) -> float:
        """Say something that needs no approval; seconds until its answer."""
        self._by_ts[root or thread.ts] = thread
        event = mention(requester_of(seat), thread.ts, words, root)
        thread.began, status = await self._door.event(event)
        check(status == 200, f"An event got status {status}.\n{self._log}")
        async with asyncio.timeout(PATIENCE):
            return await thread.answered - thread.began

    def new_thread(self) -> Thread:
        """The next thread, with a number and a ts of its own."""
        number, loop = next(self._numbers), asyncio.get_running_loop()
        ts = f"{self._epoch + number}.000100"
        return Thread(number, ts, loop.create_future(), loop.create_future())

    async def ask(self, seat: int) -> Asked:
        """The first half of a cycle: until the card stands."""
        thread = await self._begin()
        began = await self._mention(thread, seat)
        async with asyncio.timeout(PATIENCE):
            return Asked(seat, began, await thread.card)

    async def click(self, asked: Asked) -> float:
        """A click on Approve; seconds until its 200."""
        sent, acked = await self._click(asked.card, asked.seat)
        return acked - sent

    async def _begin(self) -> Thread:
        thread = self.new_thread()
        name = file_of(thread.number)
        self._open[name] = self._by_ts[thread.ts] = thread
        file = self._files / name
        await asyncio.to_thread(file.write_text, "content")
        return thread

    async def _play(self, thread: Thread, seat: int) -> Cycle:
        began = await self._mention(thread, seat)
        card = await thread.card
        await asyncio.sleep(self.pause)
        sent, acked = await self._click(card, seat)
        answered = await thread.answered
        return Cycle(began, acked - sent, answered - sent, answered)

    async def _mention(self, thread: Thread, seat: int) -> float:
        """When it was sent."""
        event = mention(requester_of(seat), thread.ts, words_of(thread.number))
        began, status = await self._door.event(event)
        check(status == 200, f"An event got status {status}.\n{self._log}")
        return began

    async def _click(self, card: Line, seat: int) -> tuple[float, float]:
        """When it was sent, and when it was acknowledged."""
        button = _approve(card)
        check(button is not None, f"A card has no Approve: {card}")
        payload = click(manager_of(seat), card, button)
        sent, status = await self._door.interaction(payload)
        acked = time.monotonic()
        check(status == 200, f"A click got status {status}.\n{self._log}")
        return sent, acked

    @property
    def _log(self) -> str:
        return self._bot.log[-3000:]

    async def settle(self, patience: float = PATIENCE, *, quiet: bool = True) -> float:
        """Wait until all cards are closed and nothing more comes; check the counts.

        Args:
            quiet: wait until no other call comes either.

        Returns:
            When the last card was closed.
        """
        threads = list(self._open.values())
        await self._until(lambda: all(t.closed and t.said for t in threads), patience)
        rest = QUIET if quiet else 0
        await self._until(lambda: time.monotonic() - self._last_call > rest, patience)
        for thread in threads:
            once = (thread.cards, len(thread.said)) == (1, 1)
            check(once, f"Not exactly one card and one answer: {thread}")
        check(not self._wrong, f"The bot posted where nobody asked: {self._wrong[:1]}")
        self._open.clear()
        self._by_ts.clear()
        return max(thread.closed for thread in threads)

    async def _until(self, reached: Callable[[], bool], patience: float) -> None:
        for _ in range(int(patience * 100)):
            if reached():
                return
            await asyncio.sleep(0.01)
        raise BenchError(f"A card kept its buttons.\n{self._log}")

    async def close(self) -> None:
        for door in self._doors:
            await door.close()


def _approve(card: Line) -> dict[str, Any] | None:
    """The button Approve of a message, as a click names it; None without one."""
    for block in card.get("blocks") or ():
        for element in block.get("elements", ()):
            if element.get("action_id") == "approve":
                return {
                    "type": "button",
                    "action_id": "approve",
                    "block_id": block["block_id"],
                    "value": element["value"],
                    "text": element["text"],
                }
    return None
