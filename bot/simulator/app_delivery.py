"""Addresses that take an answer to one click or command: five times, 30 minutes."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from bot.simulator.slack_error import SlackError

USES = 5
SECONDS = 30 * 60
_KEPT = 1000


@dataclass
class ResponseUrl:
    """What a response_url still leads to; `message_ts` is empty for a command."""

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
