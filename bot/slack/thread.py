"""Read a thread for the agent: a message, what came before, and the files in it."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from agent.phrases import results
from agent.tools.files import FileError
from bot.conversations.conversation import Conversation, Message
from bot.database.pool import Pool
from bot.slack import SQL
from bot.slack.client import FAILURES, SCOPE, error_code, word_of
from bot.slack.directory import Names
from bot.slack.identity import Identity
from bot.slack.incoming_text import is_text, quoted, read
from bot.texts import agent
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
    """Reads a message for the agent; see `bot.conversations.runner.MessageReader`."""

    pool: Pool
    client: AsyncWebClient
    names: Names
    identity: Callable[[], Identity]

    async def read(
        self, conversation: Conversation, message: Message
    ) -> tuple[str, str]:
        """Return a message's words, then what was said before it, and what is missing.

        The last is a sentence for its author, "" where nothing is missing.
        """
        parts, missing = [message.text], ""
        if _stands_in_a_thread(conversation, message):
            try:
                async with asyncio.timeout(READING):
                    earlier = await self._before(conversation, message)
            except FAILURES as error:
                word = word_of(error)
                log.info("thread not read", action="thread_not_read", error=word)
                earlier, missing = [agent.THREAD_NOT_READ], say.I_HAVE_NOT_READ_IT
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
        return agent.said_before(*_latest(lines), more=more)

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
    who = f"<@{author}>" if author and not each.get("bot_id") else agent.AN_APP
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


# --- The text files that people share in it -------------------------------------------
@dataclass
class SlackFiles:
    """The files of a thread; see `agent.tools.files.SharedFiles`.

    Attributes:
        api_url: Slack's, whose host may hold the files too.
        client, session: known once the app is put together.
    """

    pool: Pool
    token: str
    api_url: str
    client: AsyncWebClient | None = None
    session: aiohttp.ClientSession | None = None

    async def read(self, conversation: str, file: str, most: int) -> tuple[bytes, int]:
        """Return the first `most` bytes of a text file, and its whole size.

        Raises:
            FileError: it is none of this thread's, no text, or Slack does not give it.
        """
        channel, thread = await self._place(conversation)
        try:
            found = await self._info(file)
            if not _is_shared_in(found, channel, thread):
                raise FileError(results.no_shared_file(file))
            size = int(found.get("size") or 0)
            if not is_text(str(found.get("mimetype") or "")):
                raise FileError(results.no_text_file(file, size))
            return await self._download(found, most), size
        except FAILURES as error:
            word = word_of(error)
            log.info("a file was not read", action="file_not_read", error=word)
            raise FileError(results.SLACK_GIVES_NO_FILE) from error

    async def _place(self, conversation: str) -> tuple[str, str]:
        async with self.pool.connection() as connection:
            key = {"id": conversation}
            found = await connection.execute(SQL["place_of_conversation"], key)
            row = await found.fetchone()
        return (row["channel_id"], row["thread_ts"]) if row else ("", "")

    async def _info(self, file: str) -> Json:
        if self.client is None:
            raise FileError(results.SLACK_GIVES_NO_FILE)
        try:
            answer = await self.client.files_info(file=file)
        except SlackApiError as error:
            if error_code(error) == SCOPE:
                raise FileError(results.MAY_NOT_READ_FILES) from error
            if error_code(error) in ("file_not_found", "file_deleted"):
                raise FileError(results.no_shared_file(file)) from error
            raise
        return cast("dict[str, Any]", answer.data).get("file") or {}

    async def _download(self, found: Json, most: int) -> bytes:
        """Without the scope Slack answers with its own page, or leads to it.

        https://docs.slack.dev/reference/objects/file-object#authentication
        """
        url = str(found.get("url_private_download") or found.get("url_private") or "")
        if self.session is None or not self._is_slacks(url):
            raise FileError(results.SLACK_GIVES_NO_FILE)
        headers = {"Authorization": " ".join(("Bearer", self.token))}
        async with self.session.get(
            url, headers=headers, allow_redirects=False
        ) as answer:
            is_page = answer.content_type == "text/html"
            if answer.status != 200 or is_page != ("html" in str(found["mimetype"])):
                raise FileError(results.SLACK_GIVES_NO_FILE)
            data = b""
            while len(data) < most and (part := await answer.content.read(most)):
                data += part
            return data[:most]

    def _is_slacks(self, url: str) -> bool:
        """Return whether an address may be told the bot's token."""
        try:
            asked, own = urlsplit(url), urlsplit(self.api_url)
            if (asked.scheme, asked.netloc) == (own.scheme, own.netloc):
                return True
            host = asked.hostname or ""
            return asked.scheme == "https" and f".{host}".endswith(".slack.com")
        except ValueError:
            return False


def _is_shared_in(file: Json, channel: str, thread: str) -> bool:
    """Return whether a message of the thread has the file, by Slack's own word."""
    if not thread:
        return False
    shares: Json = file.get("shares") or {}
    for kind in ("public", "private"):
        places: Mapping[str, list[Json]] = shares.get(kind) or {}
        for each in places.get(channel) or []:
            if thread in (each.get("ts"), each.get("thread_ts")):
                return True
    return False
