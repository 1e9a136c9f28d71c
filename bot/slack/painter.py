"""Read what a message shows from the database, and have it drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.approvals import store
from bot.approvals.model import Request
from bot.approvals.ports import Policies
from bot.approvals.standing import Standing, joined_now, refreshed
from bot.approvals.timetable import Event
from bot.database.pool import Connection
from bot.database.statements import load_statements
from bot.errors import RetryLater
from bot.slack.drawing import (
    Drawn,
    draw_call,
    draw_card,
    draw_failure,
    draw_held,
    draw_notice,
    draw_nudge,
    draw_text,
)
from bot.slack.identity import Identity

SQL = load_statements("bot.slack", "deliveries.sql")
ABOUT_REQUESTS = frozenset({"card", "notice", "held", "call", "reminder", "escalation"})
HELD = 2  # seconds until what somebody else is about to do is looked at again
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Painter:
    """Draws messages as things are now; who can decide goes by the policy in force."""

    policies: Policies
    identity: Callable[[], Identity]

    async def draw(self, connection: Connection, row: Row) -> tuple[Row, Drawn]:
        """What a message shows now, and the row with the place where it stands.

        Raises:
            RetryLater: it stands under a card that is not posted yet.
        """
        if row["kind"] not in ABOUT_REQUESTS:
            return row, await self._draw_words(connection, row)
        stored = await store.shown_by(connection, str(row["id"]))
        standing = Standing(self.policies.current, row["now"], {})
        requests = [refreshed(request, standing) for request in stored]
        if row["kind"] == "card":
            return row, self._draw_card(row, requests)
        if row["kind"] == "held":
            return row, draw_held(requests, self.identity())
        if row["kind"] == "notice":
            return row, draw_notice(requests, self.identity())
        drawn = self._draw_for_stage(row, stored[0], standing)
        return _under_card(row, stored[0], drawn), drawn

    async def _draw_words(self, connection: Connection, row: Row) -> Drawn:
        """Words as they were said, with the offer that a turn's end may have made."""
        offer: Row | None = None
        if row["kind"] == "say":
            key = {"id": row["id"]}
            offer = await (await connection.execute(SQL["offer"], key)).fetchone()
        if offer is None:
            return draw_text(row["kind"], row["text"])
        offered = str(row["id"]) if offer["stands"] else ""
        by = (offer["taken_by"], offer["taken_at"]) if offer["taken_by"] else None
        return draw_failure(row["text"], offered, by)

    def _draw_for_stage(self, row: Row, stored: Request, standing: Standing) -> Drawn:
        request = refreshed(stored, standing)
        if row["kind"] == "call":
            return draw_call(request, self.identity())
        event, index = Event(row["kind"]), int(row["stage"])
        joined: tuple[str, ...] = ()
        if index < len(stored.stages):  # an edit may have made the chain shorter
            joined = joined_now(stored.stages[index], stored, standing)
        return draw_nudge(event, request, index, joined, self.identity())

    def _draw_card(self, row: Row, requests: Sequence[Request]) -> Drawn:
        first, revision = row["message_ts"] is None, row["revision"]
        own = str(row["id"])
        return draw_card(
            requests, row["now"], first_post=first, revision=revision, delivery=own
        )


def _under_card(row: Row, request: Request, drawn: Drawn) -> Row:
    """What is for the people of a stage stands in the thread of the card.

    Raises:
        RetryLater: the card itself is not posted yet.
    """
    if row["thread_ts"] is not None or row["message_ts"] is not None:
        return row
    if drawn.moot and not request.card_ts:
        return row
    if not request.card_ts:
        raise RetryLater(HELD)
    return {**row, "channel_id": request.card_channel, "thread_ts": request.card_ts}
