"""Bring messages in Slack up to date: post once, edit after each change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import aiohttp
import structlog
from multidict import CIMultiDict
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.approvals import store
from bot.approvals.audit import Fact, append
from bot.approvals.ports import Jobs, deliver_job
from bot.database.pool import Connection, Pool
from bot.database.statements import load_statements
from bot.errors import RetryLater, SlackUnavailable
from bot.slack import sentences
from bot.slack.client import error_code
from bot.slack.drawing import Drawn, draw_card, draw_notice, draw_text
from bot.slack.identity import Identity

SQL = load_statements("bot.slack", "deliveries.sql")
EVENT_TYPE = "approval_bot_delivery"  # of the metadata by which a post is found again
# Slack's words for trouble that passes, or that an operator mends. Every other word is
# final: https://docs.slack.dev/reference/methods/chat.postMessage#errors
PASSING = frozenset(
    {
        "account_inactive",
        "fatal_error",
        "internal_error",
        "invalid_auth",
        "not_authed",
        "org_login_required",
        "request_timeout",
        "service_unavailable",
        "streaming_state_conflict",
        "team_added_to_org",
        "token_expired",
        "token_revoked",
        "unknown_error",
    }
)
NOT_THERE = frozenset({"user_not_in_channel", "not_in_channel", "channel_not_found"})
log = structlog.get_logger(__name__)
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Deliverer:
    """Sends one delivery at a time: its jobs share a lock."""

    pool: Pool
    jobs: Jobs
    client: AsyncWebClient
    identity: Callable[[], Identity]

    async def deliver(self, delivery: str) -> None:
        """Post or edit one message, as the database has it now.

        Raises:
            SlackUnavailable, RetryLater: nothing is lost; the job is tried again.
        """
        async with self.pool.connection() as connection:
            row = await (
                await connection.execute(SQL["take"], {"id": delivery})
            ).fetchone()
            if row is None:
                return
            drawn = await self._draw(connection, row)
        try:
            channel, ts = await self._send(row, drawn)
        except SlackApiError as error:
            await self._refused(row, error)
            return
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise SlackUnavailable from error
        await self._note_sent(row, channel, ts)

    async def _draw(self, connection: Connection, row: Row) -> Drawn:
        if row["kind"] not in ("card", "notice"):
            return draw_text(row["kind"], row["text"])
        requests = await store.find(connection, delivery=str(row["id"]))
        if row["kind"] == "notice":
            return draw_notice(requests[0], self.identity())
        clock = await connection.execute("SELECT bot_now() AS now")
        now = cast("Row", await clock.fetchone())["now"]
        first = row["message_ts"] is None
        return draw_card(requests, now, first_post=first, revision=row["revision"])

    async def _send(self, row: Row, drawn: Drawn) -> tuple[str, str]:
        if row["kind"] == "private":
            return await self._whisper(row, drawn)
        if row["message_ts"] is not None:
            return await self._edit(row, drawn)
        if row["was"] == "sending" and (found := await self._find(row)):
            return found
        answer = await self.client.chat_postMessage(
            channel=row["channel_id"],
            thread_ts=row["thread_ts"],
            text=drawn.text,
            blocks=drawn.blocks or None,
            unfurl_links=False,
            unfurl_media=False,
            metadata=_metadata(row),
        )
        return _place(answer.data)

    async def _edit(self, row: Row, drawn: Drawn) -> tuple[str, str]:
        channel, ts = row["posted_channel"] or row["channel_id"], row["message_ts"]
        await self.client.chat_update(
            channel=channel, ts=ts, text=drawn.text, blocks=drawn.blocks
        )
        return channel, ts

    async def _whisper(self, row: Row, drawn: Drawn) -> tuple[str, str]:
        """A private message where the person is; by DM where Slack shows none."""
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
            await self.client.chat_postMessage(channel=row["user_id"], text=drawn.text)
        return row["channel_id"], "private"

    async def _find(self, row: Row) -> tuple[str, str] | None:
        """A post whose outcome nobody knows may stand in Slack already."""
        since = f"{row['created_at'].timestamp() - 3600:.6f}"
        limits: dict[str, Any] = {
            "channel": row["channel_id"],
            "oldest": since,
            "include_all_metadata": True,
            "limit": 200,
        }
        if row["thread_ts"]:
            answer = await self.client.conversations_replies(
                ts=row["thread_ts"], **limits
            )
        else:
            answer = await self.client.conversations_history(**limits)
        data = cast("dict[str, Any]", answer.data)
        for message in data.get("messages", ()):
            if message.get("metadata") == _metadata(row):
                return row["channel_id"], message["ts"]
        return None

    async def _note_sent(self, row: Row, channel: str, ts: str) -> None:
        async with self.pool.connection() as connection, connection.transaction():
            await connection.execute(
                SQL["sent"],
                {
                    "id": row["id"],
                    "revision": row["revision"],
                    "ts": ts,
                    "channel": channel,
                },
            )
            if row["kind"] == "card" and row["message_ts"] is None:
                await append(connection, [_shown(row, channel, ts)])
                await self._send_notices(connection, row)

    async def _send_notices(self, connection: Connection, row: Row) -> None:
        found = await connection.execute(SQL["notices_of_card"], {"id": row["id"]})
        notices = [str(notice["id"]) for notice in await found.fetchall()]
        await self.jobs.defer(connection, [deliver_job(one) for one in notices])

    async def _refused(self, row: Row, error: SlackApiError) -> None:
        """Slack's no: wait where it names a wait, give up where it is for good."""
        code = error_code(error)
        if code == "ratelimited":
            raise RetryLater(_wait(error)) from error
        if code in PASSING:
            raise SlackUnavailable from error
        log.warning(
            "Slack refuses a message",
            action="delivery_failed",
            kind=row["kind"],
            channel=row["channel_id"],
            error=code,
        )
        async with self.pool.connection() as connection, connection.transaction():
            await connection.execute(SQL["failed"], {"id": row["id"], "error": code})
            if row["kind"] == "card" and row["message_ts"] is None:
                await self._report_lost_card(connection, row)

    async def _report_lost_card(self, connection: Connection, row: Row) -> None:
        """Tell the conversation's thread; the request stays and expires to a reject."""
        requests = await store.find(connection, delivery=str(row["id"]))
        for request in requests:
            found = await connection.execute(
                "SELECT channel_id, thread_ts FROM conversations WHERE id = %s",
                [request.conversation],
            )
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


def _metadata(row: Row) -> dict[str, Any]:
    return {"event_type": EVENT_TYPE, "event_payload": {"delivery": str(row["id"])}}


def _place(data: Any) -> tuple[str, str]:
    return data["channel"], data["ts"]


def _wait(error: SlackApiError) -> int:
    headers = CIMultiDict(cast("Any", error.response).headers)
    given = str(headers.get("Retry-After", "1"))
    return max(1, int(given)) if given.isdigit() else 1


def _shown(row: Row, channel: str, ts: str) -> Fact:
    return Fact(
        row["team_id"],
        "shown",
        detail={"card": str(row["id"]), "channel": channel, "ts": ts},
    )
