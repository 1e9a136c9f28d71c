"""The words of a message as the agent gets them: with names, and what came before."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.conversations.conversation import Conversation, Message
from bot.database.pool import Pool
from bot.slack import SQL
from bot.slack.client import FAILURES, word_of
from bot.slack.directory import Names
from bot.slack.identity import Identity
from bot.slack.message_text import quoted, read
from bot.texts import conversation as say
from bot.texts.formatting import utc

log = structlog.get_logger(__name__)
READING = 5.0  # seconds
PAGES = 5  # of a thread, from its beginning
PAGE = 200  # messages
MOST = 50  # messages, the latest
LIMIT = 8_000  # characters of them all
Json = Mapping[str, Any]


@dataclass(frozen=True)
class Reader:
    """Reads a message for the agent; see `bot.conversations.runner.Words`."""

    pool: Pool
    client: AsyncWebClient
    names: Names
    identity: Callable[[], Identity]

    async def read(
        self, conversation: Conversation, message: Message
    ) -> tuple[str, str]:
        """Return a message's words, then what was said before it, and what is missing.

        The last is a sentence for whoever wrote it, "" where nothing is missing.
        """
        parts, missing = [message.text], ""
        if _stands_in_a_thread(conversation, message):
            try:
                async with asyncio.timeout(READING):
                    earlier = await self._before(conversation, message)
            except FAILURES as error:
                word = word_of(error)
                log.info("thread not read", action="thread_not_read", error=word)
                earlier, missing = [say.THREAD_NOT_READ], say.I_HAVE_NOT_READ_IT
            parts += earlier
        return await self.names.put_in("\n\n".join(parts)), missing

    async def _before(
        self, conversation: Conversation, message: Message
    ) -> Sequence[str]:
        """The words of others in the thread since the agent was last written to."""
        heard = await self._heard_until(conversation, message)
        found, more = await self._thread(conversation, heard, message.ts)
        us = self.identity().user
        said = [each for each in found if _is_between(each, heard, message.ts, us)]
        lines = [line for each in said if (line := _line(each))]
        return say.said_before(*_latest(lines), more=more)

    async def _thread(
        self, conversation: Conversation, after: str, before: str
    ) -> tuple[list[Json], bool]:
        """A thread's messages between two moments, and whether there are more."""
        found: list[Json] = []
        cursor = ""
        for _ in range(PAGES):
            answer = await self.client.conversations_replies(
                channel=conversation.channel,
                ts=conversation.thread_ts,
                oldest=after or "0",
                latest=before,
                limit=PAGE,
                cursor=cursor or None,
            )
            data = cast("dict[str, Any]", answer.data)
            found += data.get("messages") or ()
            pages: Json = data.get("response_metadata") or {}
            cursor = str(pages.get("next_cursor") or "")
            if not cursor:
                break
        return found, bool(cursor)

    async def _heard_until(self, conversation: Conversation, message: Message) -> str:
        key = {"conversation": conversation.id, "ts": message.ts}
        async with self.pool.connection() as connection:
            found = await connection.execute(SQL["heard_until"], key)
            row = await found.fetchone()
        return (row["ts"] if row else None) or ""


def _stands_in_a_thread(conversation: Conversation, message: Message) -> bool:
    """Return whether others may have written there without writing to the agent."""
    in_channel = conversation.channel.startswith(("C", "G"))
    return in_channel and message.ts != conversation.thread_ts


def _is_between(each: Json, after: str, before: str, us: str) -> bool:
    """The first message of a thread is in each answer, whatever was asked for."""
    ts = str(each.get("ts") or "")
    return after < ts < before and each.get("user") != us


def _line(each: Json) -> str:
    text = read(each).text
    if not text:
        return ""
    author = str(each.get("user") or "")
    who = f"<@{author}>" if author and not each.get("bot_id") else say.AN_APP
    seconds = str(each["ts"]).partition(".")[0]
    at = utc(dt.datetime.fromtimestamp(int(seconds), dt.UTC))
    return quoted(f"{who}, {at}: {text}")


def _latest(lines: Sequence[str]) -> tuple[Sequence[str], int]:
    """Return the latest that there is room for, and how many are left out."""
    kept: list[str] = []
    room = LIMIT
    for line in reversed(lines[-MOST:]):
        room -= len(line)
        if room < 0:
            break
        kept.append(line)
    return kept[::-1], len(lines) - len(kept)
