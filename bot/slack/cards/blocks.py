"""The few Block Kit parts of our messages, as plain dicts, and a drawn message."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from bot.texts.formatting import (
    NAME_LIMIT,
    SOMEBODY,
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
        plain: mrkdwn that says the same without blocks; "" where nothing does.
        said, rest: of an answer, what this message shows and what the next one does.
        redraw_at: when it has to be drawn anew, whatever changes or not.
    """

    text: str
    blocks: list[Block] = field(default_factory=list[Block])
    moot: bool = False
    plain: str = ""
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
    return {"type": "text", "text": one_line(user_id, NAME_LIMIT) or SOMEBODY}


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


def text_length(part: object) -> int:
    """Characters of all text in blocks or parts of them, as Slack sums them."""
    if isinstance(part, dict):
        items = cast("dict[str, object]", part)
        own = items.get("text")
        here = len(own) if isinstance(own, str) else 0
        return here + sum(text_length(value) for value in items.values())
    if isinstance(part, list):
        return sum(text_length(value) for value in cast("list[object]", part))
    return 0


def with_block_ids(blocks: Sequence[Block], prefix: str, version: int) -> list[Block]:
    """The blocks with unique ids that change whenever the content or `version` does.

    Slack asks for a new `block_id` on each iteration of a message.
    https://docs.slack.dev/reference/block-kit/blocks
    """
    content = json.dumps([version, blocks], sort_keys=True).encode()
    mark = hashlib.sha256(content).hexdigest()[:8]
    return [
        {**block, "block_id": cut(f"{prefix}-{mark}-{index}", 255)}
        for index, block in enumerate(blocks)
    ]
