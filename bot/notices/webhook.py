"""Send events to WEBHOOK_URL: at least once, signed, for three days at most."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, LiteralString

import aiohttp
import structlog

from bot.base.errors import RetryLater
from bot.base.network import NotPublic, post
from bot.base.time_limits import limits
from bot.database.pool import Pool
from bot.notices import SQL
from bot.notices.feed import EVENTS_FOR, next_try

log = structlog.get_logger(__name__)
TIMEOUT = aiohttp.ClientTimeout(total=15)


@dataclass(frozen=True)
class Hook:
    """The receiver of events. `secret` signs them; `allow_private` is for tests."""

    url: str
    secret: str = field(repr=False)
    allow_private: bool = False


@dataclass(frozen=True)
class Webhook:
    """The outbox of events, by request; see `bot.jobs.courier.Outbox`."""

    pool: Pool
    hook: Hook
    statements: ClassVar[Mapping[str, LiteralString]] = {
        "pick": SQL["pick_event"],
        "take": SQL["take_event"],
        "postpone": SQL["postpone_event"],
    }

    @property
    def lease(self) -> float:
        return limits().message_lease

    async def bring(self, row: Mapping[str, Any]) -> bool:
        """Bring one event to the receiver, and note what it said.

        Raises:
            RetryLater: it is to be tried again.
        """
        answer = await hand_over(self.hook, row["seq"], row["body"])
        if answer.startswith("2"):
            await self._note(row, answer, "sent")
            return True
        if row["now"] - row["made_at"] < EVENTS_FOR:
            log.warning(
                "the webhook's receiver did not take an event, it is tried again",
                action="webhook_waits",
                event_id=row["seq"],
                answer=answer,
            )
            raise RetryLater(next_try(row["tries"]), answer)
        await self._note(row, answer, "given_up")
        log.error(
            "an event was given up: the webhook's receiver did not take it for 3 days",
            action="webhook_given_up",
            event_id=row["seq"],
            request=row["request_id"],
            tries=row["tries"] + 1,
            answer=answer,
        )
        return True

    async def _note(self, row: Mapping[str, Any], answer: str, state: str) -> None:
        key = {"seq": row["seq"], "answer": answer, "state": state}
        async with self.pool.connection() as connection:
            await connection.execute(SQL["event_ends"], key)


async def hand_over(hook: Hook, seq: int, body: str) -> str:
    """The status that the receiver answers with, or what went wrong, in one word."""
    content = body.encode()
    headers = signed(hook.secret, str(seq), content, int(time.time()))
    allow = hook.allow_private
    try:
        status = await post(hook.url, content, headers, TIMEOUT, allow_private=allow)
        return str(status)
    except NotPublic:
        return "private address"
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        inner = error.__cause__ or error
        private = isinstance(inner, NotPublic)
        return "private address" if private else type(error).__name__


def signed(secret: str, event: str, body: bytes, at: int) -> dict[str, str]:
    """Headers by which a receiver knows who sent this, and when.

    HMAC-SHA256 over `id.timestamp.body`, as in Standard Webhooks:
    https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    """
    said = f"{event}.{at}.".encode() + body
    digest = hmac.new(secret.encode(), said, hashlib.sha256).digest()
    return {
        "Content-Type": "application/cloudevents+json; charset=utf-8",
        "webhook-id": event,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
        "User-Agent": "slack-approval-bot",
    }
