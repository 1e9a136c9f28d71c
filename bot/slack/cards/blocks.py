"""The few Block Kit parts of our messages and modals, and a drawn message."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, cast

from bot.base.quick_json import quick_json
from bot.texts import forms
from bot.texts.formatting import (
    NAME_LIMIT,
    SOMEONE,
    TEXT_LIMIT,
    chunks,
    cut,
    is_user_id,
    one_line,
)

Block = dict[str, Any]
MESSAGE_TEXT_LIMIT = 13_000  # characters of all blocks together; Slack's is 13,200
MOST_BLOCKS = 50  # of one message
DIALOG_TEXT = 300  # characters
_SECTION_LIMIT = 3_000


@dataclass(frozen=True)
class Drawn:
    """Text and blocks of one message; blocks are always sent, be they empty.

    Attributes:
        moot: it is worth an edit of what stands already, and no new message.
        said, rest: of an answer, what this message shows and what the next one does.
        redraw_at: when it has to be drawn anew, whatever changes or not.
    """

    text: str
    blocks: list[Block] = field(default_factory=list[Block])
    moot: bool = False
    said: str = ""
    rest: str = ""
    redraw_at: datetime | None = None


def plain(text: str) -> Block:
    """A text object in which nothing is parsed, not even `:emoji:`."""
    return {"type": "plain_text", "text": text, "emoji": False}


def mrkdwn(text: str) -> Block:
    """A text object for our own words and escaped, trusted ones: no others."""
    return {"type": "mrkdwn", "text": cut(text, _SECTION_LIMIT), "verbatim": True}


def section(lines: Sequence[str], accessory: Block | None = None) -> Block:
    """Lines of mrkdwn; `expand`: Slack must not fold any of it away.

    `accessory` is an element that stands at their right.
    """
    block: Block = {
        "type": "section",
        "text": mrkdwn("\n".join(lines)),
        "expand": True,
    }
    return {**block, "accessory": accessory} if accessory else block


def context(text: str) -> Block:
    return {"type": "context", "elements": [mrkdwn(text)]}


def code(text: str) -> Block:
    """A visible value beside our own words inside a `rich_text_section`."""
    return {"type": "text", "text": text, "style": {"code": True}}


def words(text: str, *, bold: bool = False) -> Block:
    """Our own words inside `rich_text`."""
    element: Block = {"type": "text", "text": text}
    if bold:
        element["style"] = {"bold": True}
    return {"type": "rich_text_section", "elements": [element]}


def preformatted(text: str) -> list[Block]:
    """Untrusted, visible text: no markup, token or link in it is parsed."""
    return [
        {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": part}]}
        for part in chunks(text)
    ]


def whole(text: str) -> list[Block]:
    """Visible text as blocks, none of them too long."""
    return [rich_text(preformatted(part)) for part in chunks(text, TEXT_LIMIT)]


def labelled(label: str, text: str, after: str = "") -> list[Block]:
    """Untrusted, visible text below a label of ours, and our own words after it."""
    said = [words(after)] if after else []
    return [words(label, bold=True), *preformatted(text), *said]


def rich_text(elements: Sequence[Block]) -> Block:
    return {"type": "rich_text", "elements": list(elements)}


def line(*parts: str | Block) -> Block:
    """Our own words and elements such as `user` on one line inside `rich_text`."""
    elements = [
        {"type": "text", "text": part} if isinstance(part, str) else part
        for part in parts
    ]
    return {"type": "rich_text_section", "elements": elements}


def user(user_id: str) -> Block:
    """A person inside `rich_text`; what is no user id stays text."""
    if is_user_id(user_id):
        return {"type": "user", "user_id": user_id}
    return {"type": "text", "text": one_line(user_id, NAME_LIMIT) or SOMEONE}


def button(
    text: str,
    action_id: str,
    value: str,
    label: str,
    *,
    style: str = "",
    confirm: Block | None = None,
) -> Block:
    """A button. `label` is read aloud in its place, at most 75 characters.

    `style` is "primary" or "danger", "" for neither.
    """
    element: Block = {
        "type": "button",
        "action_id": action_id,
        "text": plain(text),
        "value": value,
        "accessibility_label": cut(label, 75),
    }
    if style:
        element["style"] = style
    if confirm:
        element["confirm"] = confirm
    return element


def dialog(title: str, text: str, yes: str, no: str, style: str = "primary") -> Block:
    """Build Slack's question before it passes a click on; nothing in it is parsed.

    `style` is that of the button that passes it on.

    https://docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object
    """
    return {
        "title": plain(cut(title, 100)),
        "text": plain(cut(text, DIALOG_TEXT)),
        "confirm": plain(yes),
        "deny": plain(no),
        "style": style,
    }


def menu(action_id: str, options: Sequence[tuple[str, str]]) -> Block:
    """The `…` menu of up to five texts with their values."""
    shown = [{"text": plain(text), "value": value} for text, value in options]
    return {"type": "overflow", "action_id": action_id, "options": shown}


def actions(buttons: Sequence[Block]) -> Block:
    return {"type": "actions", "elements": list(buttons)}


def text_length(part: Block | list[Any]) -> int:
    """Characters of all text in blocks or parts of them, as Slack sums them."""
    length = 0
    parts: list[Block | list[Any] | str] = [part]
    for each in parts:  # which grows meanwhile
        if isinstance(each, dict):
            text = each.get("text")
            length += len(text) if isinstance(text, str) else 0
            parts += each.values()
        elif isinstance(each, list):
            parts += each
    return length


def with_block_ids(blocks: Sequence[Block], prefix: str, version: int) -> list[Block]:
    """The blocks with unique ids that change whenever the content or `version` does.

    Slack asks for a new `block_id` on each iteration of a message.
    https://docs.slack.dev/reference/block-kit/blocks
    """
    content = quick_json([version, blocks]).encode()
    mark = hashlib.sha256(content).hexdigest()[:8]
    return [
        {**block, "block_id": cut(f"{prefix}-{mark}-{index}", 255)}
        for index, block in enumerate(blocks)
    ]


# --- Modals: their frame and inputs ---------------------------------------------------

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
