"""The modal that shows a call's arguments in full and, if it can, offers Approve."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import cast

from bot.approvals.model import Request
from bot.slack.cards.arguments import FULL_VIEW_CHARACTERS
from bot.slack.cards.blocks import (
    Block,
    plain,
    preformatted,
    rich_text,
    section,
    with_block_ids,
    words,
)
from bot.slack.cards.view import RequestView
from bot.slack.text import (
    TEXT_LIMIT,
    LongText,
    arguments_text,
    chunks,
    cut,
    date,
    escape,
    long_arguments,
    mention,
    visible,
)

APPROVE_FULL = "approve_full"  # the view's `callback_id`
_TOOL = 2_000


@dataclass(frozen=True)
class CardRef:
    """What a view keeps in `private_metadata`: the request and its card's message."""

    request: str
    channel: str
    ts: str

    def to_json(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> CardRef:
        """Read `private_metadata`. Raises ValueError when it is not one of ours."""
        data: object = json.loads(text)
        if not isinstance(data, dict):
            raise ValueError("The view's private_metadata is no object.")
        fields = cast("dict[str, object]", data)
        values = [fields.get(name) for name in ("request", "channel", "ts")]
        request, channel, ts = (v if isinstance(v, str) else "" for v in values)
        if not (request and channel and ts):
            raise ValueError("The view's private_metadata names no request and card.")
        return cls(request, channel, ts)


def full_view(view: RequestView, channel: str, ts: str) -> Block:
    """The modal for `views.open`, within 100 blocks and 250 kB.

    `channel` and `ts` are the card's. It has a submit button, Approve, only if it
    shows everything and the request still takes clicks.
    https://docs.slack.dev/reference/views/modal-views
    """
    request = view.request
    text = arguments_text(request.arguments)
    long = long_arguments(text, limit=FULL_VIEW_CHARACTERS, ends=FULL_VIEW_CHARACTERS)
    complete = long is None and len(visible(request.tool)) <= _TOOL
    blocks = [_facts(request), *_tool(request), *_arguments(text, long)]
    modal: Block = {
        "type": "modal",
        "callback_id": APPROVE_FULL,
        "title": plain("Full arguments"),
        "close": plain("Close"),
        "private_metadata": CardRef(request.id, channel, ts).to_json(),
        "blocks": with_block_ids(blocks, request.id, 0),
    }
    if complete and view.takes_clicks:
        modal["submit"] = plain("Approve")
    return modal


def _facts(request: Request) -> Block:
    return section(
        [
            f"*Asked by* {mention(request.requester.user)}",
            f"*Decide until* {date(request.expires_at)}",
            f"*Request* {escape(request.code)} · grant "
            f"{escape(request.grant_digest[:12])}",
        ]
    )


def _tool(request: Request) -> list[Block]:
    shown = cut(visible(request.tool), _TOOL)
    return [rich_text([words("Tool", bold=True), *preformatted(shown)])]


def _arguments(text: str, long: LongText | None) -> list[Block]:
    if long is None:
        label = f"Arguments, all {len(text):,} characters"
        return [rich_text([words(label, bold=True)]), *_parts(text)]
    return [
        rich_text([words(f"Arguments: {long.length:,} characters", bold=True)]),
        rich_text([words(_TOO_LONG), words("They begin:")]),
        *_parts(long.head),
        rich_text([words("They end:")]),
        *_parts(long.tail),
        rich_text([words(f"SHA-256 of the whole text: {long.sha256}")]),
    ]


_TOO_LONG = (
    "That is more than one view holds, so it cannot be approved here. Reject it on the "
    "card, or ask for the same thing in smaller parts."
)


def _parts(text: str) -> list[Block]:
    return [rich_text(preformatted(part)) for part in chunks(text, TEXT_LIMIT)]
