"""The modal that shows a call's arguments in full and, if it can, offers Approve."""

from __future__ import annotations

import enum

from bot.approvals.model import Confirm, Request, Verdict
from bot.slack.cards.arguments import (
    FILE_BYTES,
    FULL_VIEW_CHARACTERS,
    asked_text,
    typed_block,
)
from bot.slack.cards.blocks import Block, preformatted, rich_text, with_block_ids, words
from bot.slack.cards.modal import TOOL, CardRef, facts_block, modal, tool_block
from bot.slack.cards.view import RequestView
from bot.texts import forms
from bot.texts.call import THEY_BEGIN, THEY_END, fingerprint
from bot.texts.formatting import TEXT_LIMIT, LongText, chunks, long_arguments, shown

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
    complete = seen and len(shown(request.call.tool)) <= TOOL
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


def whole(text: str) -> list[Block]:
    """Visible text as blocks, none of them too long."""
    return [rich_text(preformatted(part)) for part in chunks(text, TEXT_LIMIT)]
