"""Read text files that people share in the thread of a conversation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from agent.phrases import results
from agent.tools.files import FileError
from bot.database.pool import Pool
from bot.slack import SQL
from bot.slack.client import FAILURES, error_code, word_of
from bot.slack.message_text import is_text
from bot.slack.trouble import SCOPE

log = structlog.get_logger(__name__)
Json = Mapping[str, Any]


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
