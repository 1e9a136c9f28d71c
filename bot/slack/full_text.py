"""Send what no view holds: a call's whole arguments, as a file, on somebody's click."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, cast

import aiohttp
import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.cards.arguments import asked_text
from bot.slack.cards.full_view import Sending, full_view
from bot.slack.cards.modal import CardRef
from bot.slack.cards.view import RequestView
from bot.slack.client import FAILURES
from bot.texts.clicks import whole_arguments

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Opened:
    """A view that stands open in Slack; `hash` changes with each change of it."""

    id: str
    hash: str


class FullTexts:
    """Sends files after the ack, since a click has to be answered within 3 seconds."""

    def __init__(self, client: AsyncWebClient, session: aiohttp.ClientSession) -> None:
        self._client = client
        self._session = session
        self._under_way: set[asyncio.Task[None]] = set()

    def send(self, view: RequestView, card: CardRef, opened: Opened, user: str) -> None:
        """Begin to send; the view offers Approve once the file stands in the thread."""
        self._begin(self._send(view, card, opened, user))

    async def stop(self) -> None:
        """Give up what is under way: the views then offer no Approve."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _send(
        self, view: RequestView, card: CardRef, opened: Opened, user: str
    ) -> None:
        sent = Sending.SENT
        try:
            await self._upload(view, card, user)
        except FAILURES as error:
            sent = Sending.FAILED
            log.warning(
                "Slack did not take a file",
                action="file_failed",
                error=type(error).__name__,
            )
        try:
            await self._client.views_update(
                view_id=opened.id,
                hash=opened.hash,
                view=full_view(view, card, sent),
            )
        except FAILURES as error:  # closed meanwhile, most likely
            log.info("a view is gone", action="view_gone", error=type(error).__name__)

    async def _upload(self, view: RequestView, card: CardRef, user: str) -> None:
        """https://docs.slack.dev/messaging/working-with-files#upload"""
        request = view.request
        text = asked_text(request).encode()
        name = f"arguments-{request.code}.txt"
        place = await self._client.files_getUploadURLExternal(
            filename=name, length=len(text)
        )
        given = cast("Any", place.data)
        url = given["upload_url"]
        async with self._session.post(url, data=text, allow_redirects=False) as answer:
            if answer.status != 200:
                raise ValueError(f"the upload was answered with {answer.status}")
        await self._client.files_completeUploadExternal(
            files=[{"id": given["file_id"], "title": name}],
            channel_id=card.channel,
            thread_ts=card.thread or card.ts,
            initial_comment=whole_arguments(request.code, user),
        )
