"""Bring messages in Slack up to date: post once, edit after each change."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

import aiohttp
import structlog
from psycopg import AsyncCursor
from psycopg.rows import DictRow
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.approvals import store
from bot.approvals.model import Person, Request
from bot.approvals.ports import Jobs, Policies, deliver_job, edit_job
from bot.conversations.api_conversation import ASIDE
from bot.database.pool import Connection, Pool, transaction
from bot.errors import RetryLater, SlackUnavailable
from bot.faults import reach
from bot.slack.client import PASSING, error_code, retry_after
from bot.slack.identity import Identity
from bot.slack.render import HELD, Drawn, Painter, Row
from bot.slack.sql import SQL
from bot.texts import notices
from bot.time_limits import limits

log = structlog.get_logger(__name__)
EVENT_TYPE = "approval_bot_delivery"  # of the metadata by which a post is found again
NOT_THERE = frozenset({"user_not_in_channel", "not_in_channel", "channel_not_found"})


@dataclass
class Tried:
    """Ids of deliveries; a post of one of these is looked for before another one."""

    _until: dict[str, float] = field(default_factory=dict[str, float])

    def begin(self, delivery: str) -> None:
        """It is about to be posted."""
        now = time.monotonic()
        self._until = {k: until for k, until in self._until.items() if until > now}
        self._until[delivery] = _OPEN

    def noted(self, delivery: str) -> None:
        """It stands in Slack, and its row says so."""
        if delivery in self._until:
            self._until[delivery] = time.monotonic() + FORGETS

    def __contains__(self, delivery: str) -> bool:
        return self._until.get(delivery, 0) > time.monotonic()


@dataclass(frozen=True)
class Deliverer:
    """Brings deliveries to Slack; a lease on the row keeps each to one at a time.

    Attributes:
        tried: what this process has posted, or has begun to. The row says so too, but a
            crash of the database may forget that.
    """

    pool: Pool
    jobs: Jobs
    policies: Policies
    client: AsyncWebClient
    identity: Callable[[], Identity]
    tried: Tried = field(default_factory=Tried)

    @property
    def _painter(self) -> Painter:
        return Painter(self.policies, self.identity)

    async def deliver(self, delivery: str) -> None:
        """Post or edit one message until Slack shows it as the database has it.

        Raises:
            SlackUnavailable, RetryLater: nothing is lost; it is to be tried again.
        """
        while await self._bring(delivery):
            pass

    async def _bring(self, delivery: str) -> bool:
        """Do it once; whether the message has changed meanwhile."""
        async with self.pool.connection() as connection:
            row = await self._take(connection, delivery)
            if row is None:
                return False
            row, drawn = await self._draw(connection, row)
        try:
            # below the lease, though the client sleeps for as long as Slack says
            async with asyncio.timeout(limits().message_lease * 0.75):
                place = await self._send(row, drawn)
        except SlackApiError as error:
            await self._refused(row, error)
            return False
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            await self._let_go(row)
            raise SlackUnavailable from error
        if place is None:
            await self._drop(row)
            return False
        _reach(row)
        return await self._note_sent(row, *place)

    async def _draw(self, connection: Connection, row: Row) -> tuple[Row, Drawn]:
        try:
            return await self._painter.draw(connection, row)
        except RetryLater:
            await connection.execute(SQL["let_go"], {"id": row["id"]})
            raise

    async def _take(self, connection: Connection, delivery: str) -> Row | None:
        key = {"id": delivery, "lease": timedelta(seconds=limits().message_lease)}
        row = await (await connection.execute(SQL["take"], key)).fetchone()
        if row is None:
            held = await (await connection.execute(SQL["is_open"], key)).fetchone()
            if held and held["open"]:
                raise RetryLater(HELD)
        return row

    async def _let_go(self, row: Row) -> None:
        async with self.pool.connection() as connection:
            await connection.execute(SQL["let_go"], {"id": row["id"]})

    async def _drop(self, row: Row) -> None:
        """It was not posted, and nobody needs it any more."""
        key = {"id": row["id"], "error": "out of date"}
        async with self.pool.connection() as connection:
            await connection.execute(SQL["failed"], key)

    async def _send(self, row: Row, drawn: Drawn) -> tuple[str, str] | None:
        """Send it and return its place; None if it came too late to be posted."""
        if row["channel_id"] == ASIDE:  # kept, to be fetched
            return ASIDE, str(row["id"])
        if row["kind"] == "private":
            return await self._whisper(row, drawn)
        if row["message_ts"] is not None:
            return await self._edit(row, drawn)
        tried = str(row["id"]) in self.tried or row["was"] == "sending"
        if (tried or row["is_late"]) and (found := await self._find(row)):
            return await self._take_over(row, drawn, *found)
        if drawn.moot:
            return None
        self.tried.begin(str(row["id"]))
        answer = await self.client.chat_postMessage(
            channel=row["channel_id"],
            thread_ts=row["thread_ts"],
            text=drawn.text,
            blocks=drawn.blocks or None,
            unfurl_links=False,
            unfurl_media=False,
            metadata=_metadata(row),
        )
        data = cast("dict[str, str]", answer.data)
        return data["channel"], data["ts"]

    async def _take_over(
        self, row: Row, drawn: Drawn, channel: str, ts: str
    ) -> tuple[str, str]:
        """A post that stands in Slack already may show an older revision."""
        if row["revision"] > 1:
            found = {"posted_channel": channel, "message_ts": ts}
            await self._edit({**row, **found}, drawn)
        return channel, ts

    async def _edit(self, row: Row, drawn: Drawn) -> tuple[str, str]:
        channel, ts = row["posted_channel"] or row["channel_id"], row["message_ts"]
        await self.client.chat_update(
            channel=channel, ts=ts, text=drawn.text, blocks=drawn.blocks
        )
        return channel, ts

    async def _whisper(self, row: Row, drawn: Drawn) -> tuple[str, str]:
        """A private message where the person is; by DM where Slack shows none."""
        if not row["channel_id"]:  # an interaction that names no place
            return await self._write_to(row, drawn)
        try:
            await self.client.chat_postEphemeral(
                channel=row["channel_id"],
                user=row["user_id"],
                thread_ts=row["thread_ts"],
                text=drawn.text,
            )
        except SlackApiError as error:
            if error_code(error) not in NOT_THERE:
                raise
            return await self._write_to(row, drawn)
        return row["channel_id"], "private"

    async def _write_to(self, row: Row, drawn: Drawn) -> tuple[str, str]:
        await self.client.chat_postMessage(
            channel=row["user_id"],
            text=drawn.text,
            unfurl_links=False,
            unfurl_media=False,
        )
        return row["channel_id"], "private"

    async def _find(self, row: Row) -> tuple[str, str] | None:
        """A post whose outcome nobody knows may stand in Slack already."""
        wanted: dict[str, Any] = {
            "channel": row["channel_id"],
            "oldest": f"{row['created_at'].timestamp() - 3600:.6f}",
            "include_all_metadata": True,
            "limit": 200,
        }
        while True:
            page = await self._read(row["thread_ts"], wanted)
            for message in page.get("messages", ()):
                if message.get("metadata") == _metadata(row):
                    return row["channel_id"], message["ts"]
            after: Mapping[str, Any] = page.get("response_metadata") or {}
            if not after.get("next_cursor"):
                return None
            wanted["cursor"] = after["next_cursor"]

    async def _read(self, thread: str | None, wanted: dict[str, Any]) -> dict[str, Any]:
        if thread:
            answer = await self.client.conversations_replies(ts=thread, **wanted)
        else:
            answer = await self.client.conversations_history(**wanted)
        return cast("dict[str, Any]", answer.data)

    async def _note_sent(self, row: Row, channel: str, ts: str) -> bool:
        """Store that it stands; whether it has changed meanwhile."""
        again = await self._store_sent(row, channel, ts)
        self.tried.noted(str(row["id"]))
        return again

    async def _store_sent(self, row: Row, channel: str, ts: str) -> bool:
        shown = row["revision"]
        key = {"id": row["id"], "revision": shown, "ts": ts, "channel": channel}
        if row["kind"] != "card" or row["message_ts"] is not None:
            async with self.pool.connection() as connection:
                return await _is_stale(await connection.execute(SQL["sent"], key))
        async with transaction(self.pool) as connection:
            await connection.execute(SQL["shown"], key | {"id": str(row["id"])})
            old = await self._send_followers(connection, row)
            # last, since a click waits for this row
            again = await _is_stale(await connection.execute(SQL["sent"], key))
        if old:
            await self._link_anew(old)
        return again

    async def _send_followers(self, connection: Connection, row: Row) -> list[str]:
        """Send what waited for the card; what links to the card before it."""
        found = await connection.execute(SQL["followers_of_card"], {"id": row["id"]})
        rows = await found.fetchall()
        new = [str(each["id"]) for each in rows if not each["stands"]]
        await self.jobs.defer(connection, [deliver_job(one) for one in new])
        return [str(each["id"]) for each in rows if each["stands"]]

    async def _link_anew(self, deliveries: list[str]) -> None:
        # Apart from the card's own row, of which a click takes the locks in any order.
        async with transaction(self.pool) as connection:
            await connection.execute(SQL["out_of_date"], {"ids": deliveries})
            await self.jobs.defer(connection, [edit_job(one) for one in deliveries])

    async def _refused(self, row: Row, error: SlackApiError) -> None:
        """Slack's no: wait where it names a wait, give up where it is for good."""
        code = error_code(error)
        if code == "ratelimited" or code in PASSING:
            await self._let_go(row)
            if code == "ratelimited":
                raise RetryLater(retry_after(error)) from error
            raise SlackUnavailable from error
        log.warning(
            "Slack refuses a message",
            action="delivery_failed",
            kind=row["kind"],
            channel=row["channel_id"],
            error=code,
        )
        async with transaction(self.pool) as connection:
            wait = await LostMessages(self.jobs).take(connection, row, code)
        if wait:
            raise RetryLater(wait) from error


async def _is_stale(sent: AsyncCursor[DictRow]) -> bool:
    return bool((row := await sent.fetchone()) and row["again"])


def _reach(row: Row) -> None:
    if row["kind"] == "card" and row["message_ts"] is None:
        reach("posted")
    elif row["kind"] == "answer":
        reach("answered")


def _metadata(row: Row) -> dict[str, Any]:
    return {"event_type": EVENT_TYPE, "event_payload": {"delivery": str(row["id"])}}


AT_ONCE = 1  # second until a card that somebody deleted is posted anew
# https://docs.slack.dev/reference/methods/chat.update#errors
DELETED = frozenset({"message_not_found"})
WORDS = frozenset({"say", "answer"})


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
            text=notices.card_could_not_be_posted(request.code),
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
        text = row["text"] if own else notices.ANSWER_COULD_NOT_BE_POSTED
        person = Person("", row["team_id"], author["user_id"])
        await store.tell(connection, self.jobs, person, text)


#: Seconds. The note that a post stands does not wait for the disk, so that a crash of
#: the database may take it back, up to three times `wal_writer_delay` (0.2 s) later.
#: https://www.postgresql.org/docs/current/wal-async-commit.html
FORGETS = 30.0
_OPEN = float("inf")
