"""What Slack refuses for good: nobody waits for a message that never comes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from bot.approvals import store
from bot.approvals.model import Request
from bot.approvals.ports import Jobs, deliver_job
from bot.database.pool import Connection
from bot.database.statements import load_statements
from bot.slack import sentences
from bot.time_limits import limits

SQL = load_statements("bot.slack", "deliveries.sql")
AT_ONCE = 1  # second until a card that somebody deleted is posted anew
# https://docs.slack.dev/reference/methods/chat.update#errors
DELETED = frozenset({"message_not_found"})
WORDS = frozenset({"say", "answer"})
Row = Mapping[str, Any]


@dataclass(frozen=True)
class LostMessages:
    """Gives a refused message up, tries it again later, or says it elsewhere."""

    jobs: Jobs

    async def take(self, connection: Connection, row: Row, code: str) -> int:
        """Note the refusal; seconds until the next try, 0 if there is none.

        Args:
            row: the delivery.
            code: Slack's word.
        """
        requests = await self._waiting(connection, row)
        key = {"id": row["id"], "was": row["was"], "error": code}
        if requests and row["message_ts"] is None:
            if row["error"] is None:
                for request in requests:
                    await self._say_card_is_lost(connection, request)
            await connection.execute(SQL["wait"], key)
            return math.ceil(limits().lost_card)
        if requests and code in DELETED:
            await connection.execute(SQL["post_anew"], {"id": row["id"]})
            return AT_ONCE
        await connection.execute(SQL["failed"], key)
        if row["kind"] in WORDS and row["message_ts"] is None:
            await self._tell_author(connection, row)
        return 0

    async def _waiting(self, connection: Connection, row: Row) -> list[Request]:
        """The open requests of a card: each expires to a reject in any case."""
        if row["kind"] != "card":
            return []
        shown = await store.shown_by(connection, str(row["id"]))
        return [request for request in shown if request.is_open]

    async def _say_card_is_lost(self, connection: Connection, request: Request) -> None:
        key = {"id": request.conversation}
        found = await connection.execute(SQL["place_of_conversation"], key)
        place = cast("Row", await found.fetchone())
        said = await store.add_delivery(
            connection,
            kind="say",
            team=request.team,
            channel=place["channel_id"],
            thread_ts=place["thread_ts"],
            text=sentences.card_could_not_be_posted(request.code),
        )
        await self.jobs.defer(connection, [deliver_job(said)])

    async def _tell_author(self, connection: Connection, row: Row) -> None:
        """Directly, since the thread takes no words any more.

        An answer of the agent is not repeated there: it is for those in the thread.
        """
        found = await connection.execute(SQL["last_author"], row)
        author = await found.fetchone()
        if author is None:
            return
        own = row["kind"] == "say"
        told = await store.add_delivery(
            connection,
            kind="private",
            team=row["team_id"],
            channel="",  # no place: by a direct message
            user=author["user_id"],
            text=row["text"] if own else sentences.ANSWER_COULD_NOT_BE_POSTED,
        )
        await self.jobs.defer(connection, [deliver_job(told)])
