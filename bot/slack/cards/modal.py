"""The frame and the inputs that our modals share."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

from bot.approvals.model import Request
from bot.slack.cards.blocks import Block, labelled, plain, rich_text, section
from bot.slack.cards.facts import asker
from bot.texts import forms
from bot.texts.call import TOOL as TOOL_LABEL
from bot.texts.call import mrkdwn_headline
from bot.texts.formatting import cut, escape, shown

TOOL = 2_000  # characters of a tool's name
_FIELDS = ("request", "channel", "ts", "thread", "card")


@dataclass(frozen=True)
class CardRef:
    """The `private_metadata` of a view: the request and its card's message."""

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
            raise ValueError("The view's private_metadata isn't an object.")
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
        "close": plain(forms.CANCEL if submit else forms.CLOSE),
        "private_metadata": card.to_json(),
        "blocks": list(blocks),
    }
    if submit:
        view["submit"] = plain(submit)
    return view


def facts_block(request: Request) -> Block:
    code, digest = escape(request.code), escape(request.call.grant_digest[:12])
    return section(
        [
            mrkdwn_headline(request),
            forms.asked_by(asker(request), request.deadline),
            forms.reference(code, digest),
        ]
    )


def tool_block(request: Request) -> Block:
    return rich_text(labelled(TOOL_LABEL, cut(shown(request.call.tool), TOOL)))


VALUE = "value"  # the `action_id` of each input; its `block_id` names it
INPUT_LIMIT = 3_000  # UTF-16 units that a text input takes
OPTION_TEXT = 75
OPTIONS = 100
Values = Mapping[str, Any]  # a view's `state.values`


def input_block(
    block_id: str, label: str, element: Block, *, hint: str = "", optional: bool = False
) -> Block:
    block: Block = {
        "type": "input",
        "block_id": block_id,
        "label": plain(label),
        "element": element,
        "optional": optional,
    }
    if hint:
        block["hint"] = plain(hint)
    return block


def text_input(
    initial: str = "", *, multiline: bool = False, most: int = INPUT_LIMIT
) -> Block:
    element: Block = {
        "type": "plain_text_input",
        "action_id": VALUE,
        "multiline": multiline,
        "max_length": most,
    }
    return _with_initial(element, initial)


def number_input(initial: str = "", *, decimal: bool) -> Block:
    """`initial` is a decimal without an exponent, or "" for none."""
    element: Block = {
        "type": "number_input",
        "action_id": VALUE,
        "is_decimal_allowed": decimal,
    }
    return _with_initial(element, initial)


def select(labels: Sequence[str], chosen: int | None) -> Block:
    """A menu; each option's value is its index."""
    options = [
        {"text": plain(label), "value": str(index)}
        for index, label in enumerate(labels)
    ]
    element: Block = {"type": "static_select", "action_id": VALUE, "options": options}
    if chosen is not None:
        element["initial_option"] = options[chosen]
    return element


def _with_initial(element: Block, initial: str) -> Block:
    return {**element, "initial_value": initial} if initial else element


def entered(values: Values, block_id: str) -> str | None:
    """Return the content of an input: text, an option's value, "" if it is empty.

    None where the view has no such input.
    https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload
    """
    block = values.get(block_id)
    held = cast("Mapping[str, Any]", block).get(VALUE) if block else None
    if not isinstance(held, Mapping):
        return None
    state = cast("Mapping[str, Any]", held)
    option = cast("Mapping[str, Any]", state.get("selected_option") or {})
    return str(state.get("value") or option.get("value") or "")


def fits_input(text: str) -> bool:
    """Return whether a text input can hold it as it is."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2 <= INPUT_LIMIT
