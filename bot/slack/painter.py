"""Read what a message shows from the database, and have it drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.approvals import store
from bot.approvals.model import Request
from bot.approvals.ports import Policies
from bot.approvals.standing import Standing, refreshed
from bot.database.pool import Connection
from bot.errors import RetryLater
from bot.slack.drawing import (
    Drawn,
    draw_call,
    draw_card,
    draw_held,
    draw_notice,
    draw_text,
)
from bot.slack.identity import Identity

ABOUT_REQUESTS = frozenset({"card", "notice", "held", "call"})
HELD = 2  # seconds until what somebody else is about to do is looked at again
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Painter:
    """Draws messages as things are now; who can decide goes by the policy in force."""

    policies: Policies
    identity: Callable[[], Identity]

    async def draw(self, connection: Connection, row: Row) -> tuple[Row, Drawn] | None:
        """What a message shows now, and the row with the place where it stands.

        None where there is nothing to say any more: a call that was not posted while
        its request was open calls nobody.

        Raises:
            RetryLater: it stands under a card that is not posted yet.
        """
        if row["kind"] not in ABOUT_REQUESTS:
            return row, draw_text(row["kind"], row["text"])
        stored = await store.shown_by(connection, str(row["id"]))
        standing = Standing(self.policies.current, row["now"], {})
        requests = [refreshed(request, standing) for request in stored]
        if row["kind"] == "card":
            return row, self._draw_card(row, requests)
        if row["kind"] == "held":
            return row, draw_held(requests, self.identity())
        if row["kind"] == "notice":
            return row, draw_notice(requests, self.identity())
        return self._draw_call(row, requests[0])

    def _draw_call(self, row: Row, request: Request) -> tuple[Row, Drawn] | None:
        told = request.is_open or request.is_unknown
        if row["message_ts"] is None and not told:
            return None
        return _under_card(row, request), draw_call(request, self.identity())

    def _draw_card(self, row: Row, requests: Sequence[Request]) -> Drawn:
        first, revision = row["message_ts"] is None, row["revision"]
        own = str(row["id"])
        return draw_card(
            requests, row["now"], first_post=first, revision=revision, delivery=own
        )


def _under_card(row: Row, request: Request) -> Row:
    """A call to the next stage's people stands in the thread of the card.

    Raises:
        RetryLater: the card itself is not posted yet.
    """
    if row["thread_ts"] is not None or row["message_ts"] is not None:
        return row
    if not request.card_ts:
        raise RetryLater(HELD)
    return {**row, "channel_id": request.card_channel, "thread_ts": request.card_ts}
