"""The runs of this process, so that a stop reaches them wherever it was said."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from bot.approvals.grants import LostRun

T = TypeVar("T")


class Stopped(LostRun):
    """A person has stopped the turn; what this run would write holds no more."""


@dataclass
class _Held:
    """A run; `claims`: calls that it is about to run, or runs."""

    task: asyncio.Future[Any]
    claims: int = 0
    is_stopped: bool = False


class UnderWay:
    """Cancels a run that was stopped, unless a tool of it has begun.

    Such a run goes on to the tool's end, which is stored; it then finds that it was
    replaced.
    """

    def __init__(self) -> None:
        self._runs: dict[str, _Held] = {}

    async def run(self, conversation: str, go: Awaitable[T]) -> T:
        """Do a run's work; a conversation has one run at a time.

        Raises:
            Stopped: a person has stopped its turn.
        """
        task = asyncio.ensure_future(go)
        held = self._runs[conversation] = _Held(task)
        try:
            return await task
        except asyncio.CancelledError:
            if held.is_stopped:
                raise Stopped(conversation) from None
            raise
        finally:
            del self._runs[conversation]

    def stop(self, conversation: str) -> None:
        """End the run of a conversation, if this process has one."""
        held = self._runs.get(conversation)
        if held is not None:
            held.is_stopped = True
            if not held.claims:
                held.task.cancel()

    @contextmanager
    def claiming(self, conversation: str) -> Generator[None]:
        """Keep a run from being cancelled while a call of it is claimed."""
        self.claim(conversation, 1)
        try:
            yield
        except BaseException:
            self.claim(conversation, -1)
            raise

    def claim(self, conversation: str, change: int) -> None:
        """Count the calls of a run that have begun."""
        held = self._runs.get(conversation)
        if held is not None:
            held.claims += change
