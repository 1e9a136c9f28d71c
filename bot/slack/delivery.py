"""Bring messages in Slack up to date: post once, edit after each change."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, LiteralString
from uuid import UUID, uuid5

import structlog
from psycopg.types.json import Jsonb
from slack_sdk.errors import SlackApiError

from bot.approvals import store
from bot.approvals.ports import Jobs, Policies
from bot.base.errors import RetryLater, SlackUnavailable
from bot.base.faults import reach
from bot.base.time_limits import limits
from bot.conversations.conversation import ASIDE
from bot.database.pool import Connection, Pool, transaction
from bot.database.together import Together
from bot.slack import SQL
from bot.slack.cards.arguments import ids_in
from bot.slack.cards.blocks import Drawn
from bot.slack.client import (
    NO_ANSWER,
    PASSING,
    READ_ONLY,
    SCOPE,
    Caller,
    Kept,
    error_code,
    to_do,
)
from bot.slack.identity import Identity
from bot.slack.render import Row, copies_of, draw
from bot.slack.stream_ends import GONE, Place, Streamed, finish
from bot.texts import notices
from bot.texts.formatting import escape, is_user_id

log = structlog.get_logger(__name__)
EVENT_TYPE = "approval_bot_delivery"  # of the metadata by which a post is found again
NOT_THERE = frozenset({"user_not_in_channel", "not_in_channel", "channel_not_found"})


@dataclass(frozen=True)
class Deliverer:
    """The outbox of messages to Slack; see `bot.jobs.courier.Outbox`.

    Attributes:
        names: Slack's names for ids, as far as it says them now.
        streamed: what this process has streamed into messages, by their ts.
        tried: ids of what this process has posted, or has begun to: that is looked for
            before it is posted. The row says so too, but a crash of the database may
            forget that.
    """

    pool: Pool
    jobs: Jobs
    policies: Policies
    call: Caller
    identity: Callable[[], Identity]
    names: Callable[[Sequence[str]], Awaitable[Mapping[str, str]]]
    streamed: dict[str, Streamed]
    tried: Kept = field(default_factory=Kept)
    statements: ClassVar[Mapping[str, LiteralString]] = {
        "pick": SQL["pick_message"],
        "take_together": SQL["take_messages"],
        "postpone": SQL["postpone_message"],
    }

    @property
    def lease(self) -> float:
        return limits().message_lease

    def skipped(self) -> dict[str, Any]:
        """Return the channels that `pick` is to pass over."""
        known = self.call.pauses.known()
        return {"paused": [name for method, name in known if method == "chat_update"]}

    async def bring(self, row: Row) -> bool:
        """Post or edit one message; return whether there is more to show.

        Raises:
            SlackUnavailable, RetryLater: nothing is lost; it is to be tried again.
        """
        until = asyncio.get_running_loop().time() + self.lease * 0.75
        called: Sequence[Row] = row["requests"] if row["kind"] == "card" else ()
        names = await self.names(ids_in("\n".join(r["arguments"] for r in called)))
        row = {**row, "requests": [store.request_from(r) for r in row["requests"]]}
        await self._copy(row)
        drawn = draw(row, self.policies.current, self.identity(), names)
        row = _placed(row, drawn)
        try:
            async with asyncio.timeout_at(until):
                place = await self._send(row, drawn)
        except SlackApiError as error:
            if (code := error_code(error)) in PASSING:
                raise SlackUnavailable from error
            return await self._refused(row, code)
        except NO_ANSWER as error:
            raise SlackUnavailable from error
        if place is None:  # nobody needs it any more
            async with self.pool.connection() as connection:
                await connection.execute(SQL["failed"], {**row, "error": "out of date"})
            return False
        await self._note_sent(row, drawn, *place)
        return False

    async def _copy(self, row: Row) -> None:
        """Give those who can decide in direct messages each a card of their own.

        Before the card itself is sent: one that Slack refuses holds up no other.
        """
        if row["kind"] == "card" and (copies := copies_of(row, self.policies.current)):
            async with self.pool.connection() as connection:
                key = {"copies": Jsonb(copies), "team": row["team_id"]}
                await self._say(connection, SQL["copy_card"], key)

    async def _send(self, row: Row, drawn: Drawn) -> Place | None:
        """Send it and return its place; None if it came too late to be posted."""
        if row["channel_id"] == ASIDE:  # kept, to be fetched
            return ASIDE, row["id"]
        if row["kind"] == "private":
            return await self._whisper(row, drawn)
        if row["message_ts"] is None:
            return await self._post_once(row, drawn)
        place = row["posted_channel"] or row["channel_id"], row["message_ts"]
        if not row["streamed"]:
            return await self._edit(place, drawn)
        found = await self._finish(place, drawn, _metadata(row))
        return found or await self._post_once(row, drawn)

    async def _post_once(self, row: Row, drawn: Drawn) -> Place | None:
        """Post it, unless it stands already; None if it came too late to be posted."""
        tried = self.tried.left(row["id"]) or row["was"] == "sending"
        if (tried or row["is_late"]) and (found := await self._find(row)):
            # what stands may show an older revision
            return await self._edit(found, drawn) if row["revision"] > 1 else found
        if drawn.moot:
            return None
        self.tried.keep(row["id"], math.inf)
        try:
            return await self._post(row, drawn.text, drawn.blocks)
        except SlackApiError as error:
            code = error_code(error)
            # else it would take no other words in this place either
            if not drawn.said or code in PASSING or to_do(code, ""):
                raise
            log.info("Slack refuses blocks", action="posted_as_text", error=code)
            return await self._post(row, escape(drawn.said), ())

    async def _post(
        self, row: Row, text: str, blocks: Sequence[Mapping[str, Any]]
    ) -> Place:
        answer = await self.call(
            "chat_postMessage",
            row["channel_id"],
            thread_ts=row["thread_ts"],
            text=text,
            blocks=blocks or None,
            unfurl_links=False,
            unfurl_media=False,
            metadata=_metadata(row),
        )
        return answer["channel"], answer["ts"]

    async def _edit(self, place: Place, drawn: Drawn, **more: Any) -> Place:
        channel, ts = place
        content = {"text": drawn.text, "blocks": drawn.blocks, **more}
        await self.call("chat_update", channel, ts=ts, **content)
        return place

    async def _finish(self, place: Place, drawn: Drawn, metadata: Row) -> Place | None:
        """Let a message that was streamed say all of it; None if it takes no words."""
        streamed = self.streamed.pop(place[1], None)
        reach("ending")
        try:
            if not await finish(self.call, place, streamed, drawn, metadata):
                await self._edit(place, drawn, metadata=metadata)
        except SlackApiError as error:
            if error_code(error) in PASSING:
                raise
            log.info("posted anew", action="stream_lost", error=error_code(error))
            return None
        return place

    async def _whisper(self, row: Row, drawn: Drawn) -> Place:
        """A private message where the person is; by DM where Slack shows none."""
        channel, user = row["channel_id"], row["user_id"]
        try:
            if channel:  # an interaction may name no place
                said = {"thread_ts": row["thread_ts"], "text": drawn.text}
                await self.call("chat_postEphemeral", channel, user=user, **said)
                return channel, "private"
        except SlackApiError as error:
            if error_code(error) not in NOT_THERE:
                raise
        await self._post({**row, "channel_id": user, "thread_ts": None}, drawn.text, ())
        return channel, "private"

    async def _find(self, row: Row) -> Place | None:
        """A post whose outcome nobody knows may stand in Slack already.

        None too where the bot may not look, as in a group's direct message, or where
        only a person is known and not the channel of theirs: then it is posted again,
        since a second one is less harm than none.
        """
        if is_user_id(row["channel_id"]):
            return None
        thread = row["thread_ts"]
        method = "conversations_replies" if thread else "conversations_history"
        wanted: dict[str, Any] = {
            **({"ts": thread} if thread else {}),
            "oldest": f"{row['created_at'].timestamp() - 3600:.6f}",
            "include_all_metadata": True,
            "limit": 200,
        }
        while True:
            try:
                page = await self.call(method, row["channel_id"], **wanted)
            except SlackApiError as error:
                if error_code(error) != SCOPE:
                    raise
                return None
            for message in page.get("messages", ()):
                if message.get("metadata") == _metadata(row):
                    return row["channel_id"], message["ts"]
            wanted["cursor"] = (page.get("response_metadata") or {}).get("next_cursor")
            if not wanted["cursor"]:
                return None

    async def _note_sent(self, row: Row, drawn: Drawn, channel: str, ts: str) -> None:
        """Store that it stands, and send what follows; an edit, if it has changed."""
        new_card = row["kind"] == "card" and row["message_ts"] is None
        if new_card:
            reach("posted")
        if row["kind"] == "answer":
            reach("answered")
        if drawn.rest and channel != ASIDE:
            await self._split(row["id"], drawn)
        given = {"id": row["id"], "revision": row["revision"], "channel": channel}
        given |= {"ts": ts, "redraw_at": drawn.redraw_at}
        noted = await (self._card_sent if new_card else self._sent)(given)
        if noted and noted["again"]:
            async with self.pool.connection() as connection:
                self.jobs.edit(connection, [row["id"]])
        if self.tried.left(row["id"]):
            self.tried.keep(row["id"], FORGETS)

    @cached_property
    def _sent(self) -> Together:
        return Together(self.pool, SQL["sent"])

    async def _card_sent(self, given: Row) -> Row:
        async with self.pool.connection() as connection:
            sent = await connection.execute(SQL["card_sent"], given)
            [noted] = await sent.fetchall()
            self.jobs.post(connection, noted["follow"])
        if messages := noted["out_of_date"]:
            # apart from the card's own row: a click takes their locks in any order
            async with transaction(self.pool) as connection:
                await connection.execute(SQL["out_of_date"], {"ids": messages})
                self.jobs.edit(connection, messages)
        return noted

    async def _split(self, delivery: str, drawn: Drawn) -> None:
        """Make a message of what of an answer had no room, the same at each try."""
        following = uuid5(UUID(delivery), "rest")
        rest = {"next": following, "said": drawn.said, "rest": drawn.rest}
        async with self.pool.connection() as connection:
            await self._say(connection, SQL["split_answer"], {"id": delivery, **rest})

    async def _refused(self, row: Row, code: str) -> bool:
        """Give up, wait where that may help, or have it posted anew at once (True)."""
        if not to_do(code, row["channel_id"]):  # of that the client has warned
            log.warning(
                "Slack refuses a message",
                action="delivery_failed",
                kind=row["kind"],
                channel=row["channel_id"],
                error=code,
            )
        # what was streamed had to be posted anew
        is_new = row["message_ts"] is None or row["streamed"]
        # each expires to a reject in any case
        waiting = [r for r in row["requests"] if r.is_open and row["kind"] == "card"]
        again = bool(waiting) and (is_new or code in GONE)
        key = {"id": row["id"], "error": code}
        async with transaction(self.pool) as connection:
            if again and is_new:
                for request in waiting if row["error"] is None else ():
                    text = notices.card_could_not_be_posted(request.code)
                    place = {"conversation": request.conversation, "text": text}
                    await self._say(connection, SQL["say_to_conversation"], place)
                await connection.execute(SQL["note_refusal"], key)
            elif again:
                await connection.execute(SQL["post_anew"], key)
            else:
                await connection.execute(SQL["failed"], key)
                if code in AS_IT_IS and not is_new:
                    await self._say_below(connection, row)
                if row["kind"] in WORDS and is_new:
                    await self._tell_author(connection, row, code)
        if again and is_new:
            raise RetryLater(math.ceil(limits().lost_card))
        return again

    async def _say(
        self, connection: Connection, query: LiteralString, given: Row
    ) -> None:
        """Write other messages by a statement, and send them."""
        found = await connection.execute(query, given)
        self.jobs.post(connection, [row["id"] for row in await found.fetchall()])

    async def _say_below(self, connection: Connection, row: Row) -> None:
        """Say in its thread what a message about requests cannot show any more; once.

        What people can still decide gets a card of its own.
        """
        requests = await store.shown_by(connection, row["id"])  # as they are by now
        lines = [notices.waiting_over(each) for each in requests if not each.is_open]
        if row["kind"] == "card" and any(request.is_open for request in requests):
            await self._say(connection, SQL["card_anew"], {"id": row["id"]})
            lines.append(notices.CARD_BELOW)
        if lines:
            said = {
                **row,
                "channel": row["posted_channel"] or row["channel_id"],
                "thread_ts": row["thread_ts"] or row["message_ts"],
                "text": notices.cannot_be_changed(lines),
            }
            await self._say(connection, SQL["say_once"], said)

    async def _tell_author(self, connection: Connection, row: Row, code: str) -> None:
        """Tell the author directly, since the thread takes no words any more.

        An answer of the agent is for those in the thread: who can still read that gets
        the answer too, everybody else only hears of it.
        """
        said = {"kind": "private", "text": notices.ANSWER_COULD_NOT_BE_POSTED}
        if row["kind"] == "say":
            said["text"] = row["text"]
        elif code in READ_ONLY:
            link = self.identity().permalink(row["channel_id"], row["thread_ts"])
            text = f"{notices.answer_from(link)}\n\n{row['text']}"
            said = {"kind": "answer", "text": text}
        await self._say(connection, SQL["tell_author"], {**row, **said})


def _placed(row: Row, drawn: Drawn) -> Row:
    """Put what is for the people of a stage into the thread of the card.

    Raises:
        RetryLater: the card itself is not posted yet.
    """
    stands = row["thread_ts"] is not None or row["message_ts"] is not None
    if row["kind"] not in CALLS or stands or is_user_id(row["channel_id"]):
        return row
    place = row["requests"][0].place
    if place.ts:
        return {**row, "channel_id": place.channel, "thread_ts": place.ts}
    if drawn.moot:
        return row
    raise RetryLater(HELD)


def _metadata(row: Row) -> dict[str, Any]:
    return {"event_type": EVENT_TYPE, "event_payload": {"delivery": row["id"]}}


# https://docs.slack.dev/reference/methods/chat.update#errors
AS_IT_IS = frozenset({"cant_update_message", "edit_window_closed"})
WORDS = frozenset({"say", "answer"})
CALLS = frozenset({"call", "reminder", "escalation"})
HELD = 2  # seconds until a card that somebody else is about to post is looked for again
#: Seconds. The note that a post stands does not wait for the disk, so that a crash of
#: the database may take it back, up to three times `wal_writer_delay` (0.2 s) later.
#: https://www.postgresql.org/docs/current/wal-async-commit.html
FORGETS = 30.0
