"""A loop in a thread of its own for somebody else's graph, whose code may block it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import sys
import sysconfig
import threading
import time
import traceback
from collections.abc import AsyncGenerator, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import structlog

log = structlog.get_logger(__name__)
T = TypeVar("T")
LATE = 2.0  # seconds after which a loop that does not move is said to be blocked
LOOK = 0.5  # seconds between two looks
LAST_WORDS = 3.0  # seconds that a graph gets to close what it has opened
THREADS = 64  # for its sync nodes: as many as runs at once
_LIBRARIES = ("<", sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"))


class GraphLoop:
    """Runs a graph apart from what answers Slack.

    One loop for all runs and for the loading, since clients that a graph keeps belong
    to the loop they were first used in.
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._loop.set_default_executor(ThreadPoolExecutor(THREADS, "graph"))
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="graph", daemon=True
        )
        self._moved = time.monotonic()

    @property
    def blocked(self) -> float:
        """Seconds for which the graph's code has held the loop; 0 while it moves."""
        still = time.monotonic() - self._moved
        return still if still > LATE else 0

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run it there, with the context variables of the caller."""
        there = asyncio.run_coroutine_threadsafe(work, self._loop)
        return await asyncio.wrap_future(there)

    @asynccontextmanager
    async def keep(self, opened: AbstractAsyncContextManager[T]) -> AsyncGenerator[T]:
        """Open something there and close it in the same task, as some need it."""
        entered: concurrent.futures.Future[T] = concurrent.futures.Future()
        over = asyncio.Event()

        async def hold() -> None:
            try:
                async with opened as value:
                    entered.set_result(value)
                    await over.wait()
            except BaseException as error:
                if entered.done():
                    raise
                entered.set_exception(error)

        held = asyncio.run_coroutine_threadsafe(hold(), self._loop)
        try:
            yield await asyncio.wrap_future(entered)
        finally:
            self._loop.call_soon_threadsafe(over.set)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.wrap_future(held), LAST_WORDS)

    async def watch(self) -> None:
        """Say it, once each time, when the graph's code holds the loop up."""
        was_blocked = False
        while True:
            self._loop.call_soon_threadsafe(self._move)
            await asyncio.sleep(LOOK)
            blocked = self.blocked > 0
            if blocked and not was_blocked:
                log.warning(
                    "a node blocks the graph's loop: other runs of it wait",
                    action="graph_blocked",
                    at=self._place(),
                )
            was_blocked = blocked

    def _move(self) -> None:
        self._moved = time.monotonic()

    def _place(self) -> str:
        """The line of the graph's own code that runs now."""
        frames = sys._current_frames()  # pyright: ignore[reportPrivateUsage]
        frame = frames.get(self._thread.ident or 0)
        stack = traceback.extract_stack(frame)
        theirs = [f for f in stack if not f.filename.startswith(_LIBRARIES)]
        last = theirs[-1] if theirs else stack[-1]
        return f"{Path(last.filename).name}, line {last.lineno}, in {last.name}"

    @classmethod
    @asynccontextmanager
    async def started(cls) -> AsyncGenerator[GraphLoop]:
        """Start one, and stop it in the end unless its graph holds it up."""
        made = cls()
        made._thread.start()
        watching = asyncio.create_task(made.watch(), name="watch the graph's loop")
        try:
            yield made
        finally:
            watching.cancel()
            made._loop.call_soon_threadsafe(made._loop.stop)


async def at_home(
    home: asyncio.AbstractEventLoop | None, work: Coroutine[Any, Any, T]
) -> T:
    """Do what belongs to a loop in that loop, from whichever one it is asked for.

    Args:
        home: None for the one that asks.
    """
    if home is None or asyncio.get_running_loop() is home:
        return await work
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, home))
