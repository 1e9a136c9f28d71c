"""What our modals have in common."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import cast

from bot.approvals.model import Request
from bot.slack.cards.blocks import (
    Block,
    plain,
    preformatted,
    rich_text,
    section,
    words,
)
from bot.slack.text import cut, date, escape, mention, shown

TOOL = 2_000  # characters of a tool's name
_FIELDS = ("request", "channel", "ts", "thread", "card")


@dataclass(frozen=True)
class CardRef:
    """What a view keeps in `private_metadata`: the request and its card's message."""

    request: str  # `Request.token` as it was when the view was drawn
    channel: str
    ts: str
    thread: str = ""  # the ts of the thread that the card stands in
    card: str = ""  # the card's id in its message's metadata, see `Place.card`

    def to_json(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> CardRef:
        """Read `private_metadata`. Raises ValueError when it is not one of ours."""
        data: object = json.loads(text)
        if not isinstance(data, dict):
            raise ValueError("The view's private_metadata is no object.")
        fields = cast("dict[str, object]", data)
        values = [fields.get(name) for name in _FIELDS]
        request, *card = (v if isinstance(v, str) else "" for v in values)
        if not (request and card[0] and card[1]):
            raise ValueError("The view's private_metadata names no request and card.")
        return cls(request, *card)


def modal(
    callback_id: str,
    title: str,
    card: CardRef,
    blocks: Sequence[Block],
    submit: str = "",
) -> Block:
    """A view for `views.open`, without a submit button unless `submit` names one.

    https://docs.slack.dev/reference/views/modal-views
    """
    view: Block = {
        "type": "modal",
        "callback_id": callback_id,
        "title": plain(title),
        "close": plain("Cancel" if submit else "Close"),
        "private_metadata": card.to_json(),
        "blocks": list(blocks),
    }
    if submit:
        view["submit"] = plain(submit)
    return view


def facts_block(request: Request) -> Block:
    return section(
        [
            f"*Asked by* {mention(request.requester.user)}",
            f"*Decide until* {date(request.deadline)}",
            f"*Request* {escape(request.code)} · grant "
            f"{escape(request.grant_digest[:12])}",
        ]
    )


def tool_block(request: Request) -> Block:
    name = cut(shown(request.tool), TOOL)
    return rich_text([words("Tool", bold=True), *preformatted(name)])
