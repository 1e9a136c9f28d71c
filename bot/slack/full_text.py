"""A call's whole arguments: the view of them, and the file where no view holds them."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, cast

import aiohttp
import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.approvals.model import Confirm, Request, Verdict
from bot.slack.cards.arguments import (
    FILE_BYTES,
    FULL_VIEW_CHARACTERS,
    TOOL_NAME,
    asked_text,
    tool_block,
    typed_block,
)
from bot.slack.cards.blocks import (
    Block,
    CardRef,
    modal,
    rich_text,
    whole,
    with_block_ids,
    words,
)
from bot.slack.cards.facts import facts_block
from bot.slack.cards.view import RequestView
from bot.slack.client import FAILURES
from bot.texts import forms
from bot.texts.call import THEY_BEGIN, THEY_END, fingerprint
from bot.texts.clicks import whole_arguments
from bot.texts.formatting import LongText, long_arguments, shown

log = structlog.get_logger(__name__)
APPROVE_FULL = "approve_full"  # the view's `callback_id`


class Sending(enum.Enum):
    """The state of the file with a text that no view holds."""

    NOT_YET = "not yet"
    SENT = "sent"
    FAILED = "failed"


def needs_file(request: Request) -> bool:
    """Return whether the arguments are too long for one view, and fit a file."""
    text = asked_text(request)
    return len(text) > FULL_VIEW_CHARACTERS and _fits_file(text)


def _fits_file(text: str) -> bool:
    return len(text.encode()) <= FILE_BYTES


def full_view(
    view: RequestView, card: CardRef, sending: Sending = Sending.NOT_YET
) -> Block:
    """The modal for `views.open`, within 100 blocks and 250 kB.

    It has a submit button, Approve, only if it shows everything, or the file that does
    has been sent, and the request still takes that; where a value has to be typed in
    first, it asks for it.
    """
    request = view.request
    text = asked_text(request)
    long = long_arguments(text, limit=FULL_VIEW_CHARACTERS, ends=FULL_VIEW_CHARACTERS)
    seen = long is None or (sending is Sending.SENT and _fits_file(text))
    complete = seen and len(shown(request.call.tool)) <= TOOL_NAME
    approves = complete and view.offers(Verdict.APPROVE)
    parts = [
        facts_block(request),
        tool_block(request),
        *_arguments(text, long, sending),
    ]
    blocks = with_block_ids(parts, request.id, 0)
    if approves and request.terms.confirm is Confirm.TYPED:
        blocks.append(typed_block(request))
    submit = forms.APPROVE if approves else ""
    return modal(APPROVE_FULL, forms.FULL_TITLE, card, blocks, submit)


def _arguments(text: str, long: LongText | None, sending: Sending) -> list[Block]:
    if long is None:
        label = forms.all_characters(len(text))
        return [rich_text([words(label, bold=True)]), *whole(text)]
    return [
        rich_text([words(forms.characters(long.length), bold=True)]),
        rich_text([words(_where(text, sending)), words(THEY_BEGIN)]),
        *whole(long.head),
        rich_text([words(THEY_END)]),
        *whole(long.tail),
        rich_text([words(fingerprint(long.sha256))]),
    ]


_WHERE = {
    Sending.NOT_YET: forms.FILE_NOT_YET,
    Sending.SENT: forms.FILE_SENT,
    Sending.FAILED: forms.FILE_FAILED,
}


def _where(text: str, sending: Sending) -> str:
    return _WHERE[sending] if _fits_file(text) else forms.MORE_THAN_A_FILE


# --- The file, sent on somebody's click -----------------------------------------------
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
