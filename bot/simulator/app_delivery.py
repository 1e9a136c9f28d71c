"""Deliveries to the app, its acks, and the addresses for its later answers."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from bot.simulator.shapes import Json, SlackError


@dataclass(frozen=True)
class Ack:
    """The bot's answer; `status` is None if it did not answer at all."""

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


USES = 5
SECONDS = 30 * 60
_KEPT = 1000


@dataclass
class ResponseUrl:
    """The target of a response_url; `message_ts` is empty for a command."""

    user_id: str
    channel_id: str
    message_ts: str
    expires: float
    uses: int = 0


class ResponseUrls:
    """The addresses that were given out lately."""

    def __init__(self, base: Callable[[], str], clock: Callable[[], float]) -> None:
        """Take in where the simulator's addresses begin, and the workspace's clock."""
        self._base, self._clock = base, clock
        self._urls: dict[str, ResponseUrl] = {}

    def issue(self, user_id: str, channel_id: str, message_ts: str = "") -> str:
        """Return a fresh address for what a person did in a channel."""
        word = secrets.token_urlsafe(18)
        expires = self._clock() + SECONDS
        self._urls[word] = ResponseUrl(user_id, channel_id, message_ts, expires)
        if len(self._urls) > _KEPT:
            del self._urls[next(iter(self._urls))]
        return f"{self._base()}/response/{word}"

    def use(self, word: str) -> ResponseUrl:
        """Count one use; raises SlackError if there is none left."""
        found = self._urls.get(word)
        if found is None:
            raise SlackError("no_such_response_url")
        if self._clock() > found.expires:
            raise SlackError("expired_url")
        if found.uses >= USES:
            raise SlackError("used_url")
        found.uses += 1
        return found
