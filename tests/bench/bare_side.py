"""The same cycles through bare LangGraph: ask, interrupt, resume, answer."""

from __future__ import annotations

import asyncio
import itertools
import time
from pathlib import Path

from tests.bench.blocks import Cycle, check
from tests.bench.child import Child
from tests.bench.lines import Line
from tests.bench.workspace import answer_of, file_of, requester_of, words_of

PATIENCE = 60  # seconds for one run


class BareSide:
    """Tells one process of bare LangGraph what to do."""

    name = "bare"

    pause = 0.0  # seconds between the question and the resume

    def __init__(self, child: Child, files: Path, numbers: itertools.count) -> None:
        self._child, self._files, self._numbers = child, files, numbers
        self._waiting: dict[int, asyncio.Future[Line]] = {}
        self._last = 0.0
        child.hear = self._hear

    @property
    def pid(self) -> int:
        return self._child.pid

    def _hear(self, line: Line) -> None:
        self._waiting.pop(line["number"]).set_result(line)

    async def _do(self, line: Line) -> Line:
        future: asyncio.Future[Line] = asyncio.get_running_loop().create_future()
        self._waiting[line["number"]] = future
        self._child.say(line)
        async with asyncio.timeout(PATIENCE):
            return await future

    async def cycle(self, seat: int) -> Cycle:
        """One whole conversation."""
        number = next(self._numbers)
        file = self._files / file_of(number)
        await asyncio.to_thread(file.write_text, "content")
        about = {"number": number, "thread": f"bare-{number}"}
        began = time.monotonic()
        asked = await self._do(
            {**about, "text": words_of(number), "user": requester_of(seat)}
        )
        await asyncio.sleep(self.pause)
        sent = time.monotonic()
        resumed = await self._do({**about, **asked})
        right = answer_of(number) in resumed["answer"]
        check(right, f"Bare LangGraph said: {resumed['answer']}")
        check(not file.exists(), f"{file.name} was not deleted.")
        return Cycle(began, None, resumed["at"] - sent, resumed["at"])

    async def settle(self) -> float:
        """Nothing runs on after an answer."""
        return 0.0
