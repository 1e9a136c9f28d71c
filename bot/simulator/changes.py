"""Changes in the workspace, published to all listeners."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Literal

from bot.simulator.shapes import Json

Kind = Literal[
    "posted",
    "edited",
    "deleted",
    "ephemeral",
    "view",  # a person's stack of modals
    "home",  # a person's App Home
    "channel",  # who is in a channel, or whether it is archived
    "usergroup",  # who is in a user group
    "status",
    "reaction",
    "call",
]


@dataclass(frozen=True)
class Change:
    """One change; `message` is a copy of the message as it is after the change.

    `event` is what a bot hears of it, for changes that are no messages.
    """

    kind: Kind
    channel: str = ""
    user: str = ""
    message: Json | None = None
    previous: Json | None = None
    event: Json | None = None


class Changes:
    """Listeners in the order of their coming; none may await."""

    def __init__(self) -> None:
        """Start with nobody listening."""
        self._listeners: list[Callable[[Change], None]] = []

    def listen(self, listener: Callable[[Change], None]) -> None:
        """Call the listener at every later change."""
        self._listeners.append(listener)

    def forget(self, listener: Callable[[Change], None]) -> None:
        """Call the listener no more."""
        self._listeners.remove(listener)

    def publish(self, change: Change) -> None:
        """Tell every listener."""
        for listener in tuple(self._listeners):
            listener(change)

    @contextlib.contextmanager
    def waking(self) -> Generator[asyncio.Event, None, None]:
        """Yield an event that is set at every change while the block runs."""
        event = asyncio.Event()

        def wake(_: Change) -> None:
            event.set()

        self.listen(wake)
        try:
            yield event
        finally:
            self.forget(wake)
