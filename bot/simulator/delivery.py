"""What both transports to the bot have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bot.simulator.shapes import Json


@dataclass(frozen=True)
class Ack:
    """What the bot answered; `status` is None where it did not answer at all."""

    acked: bool
    status: int | None = None
    body: Json | None = None
    text: str = ""  # the body as it came, over HTTP
    reason: str = ""  # of a failure, as X-Slack-Retry-Reason has it
    no_retry: bool = False


@dataclass(frozen=True)
class Times:
    """Seconds: how long the bot may take, and the waits before each retry.

    Slack waits 3 s, and retries at once, after 1 min and after 5 min.
    """

    ack: float = 3.0
    retries: tuple[float, ...] = (0.2, 2.0, 10.0)


class Delivery(Protocol):
    """A way to the bot."""

    async def event(self, payload: Json, retry: int = 0) -> bool:
        """Deliver an event, again while it fails; with `retry` once, as that retry."""
        ...

    async def interaction(self, payload: Json) -> Ack:
        """Deliver a click or a form, once."""
        ...

    async def command(self, payload: Json) -> Ack:
        """Deliver a slash command, once; the body is the message it answers with."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
