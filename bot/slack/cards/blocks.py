"""The few Block Kit parts that our cards are made of, as plain dicts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any, cast

from bot.slack.text import chunks, cut

Block = dict[str, Any]

MESSAGE_TEXT_LIMIT = 13_000  # characters of all blocks together; Slack's is 13,200
_SECTION_LIMIT = 3_000
_HEADER_LIMIT = 150


def plain(text: str) -> Block:
    """A text object in which nothing is parsed, not even `:emoji:`."""
    return {"type": "plain_text", "text": text, "emoji": False}


def header(text: str) -> Block:
    return {"type": "header", "text": plain(cut(text, _HEADER_LIMIT))}


def mrkdwn(text: str) -> Block:
    """A text object for our own words and escaped, trusted ones: no others."""
    return {"type": "mrkdwn", "text": cut(text, _SECTION_LIMIT), "verbatim": True}


def section(lines: Sequence[str]) -> Block:
    """Lines of mrkdwn; `expand`: Slack must not fold any of it away."""
    return {"type": "section", "text": mrkdwn("\n".join(lines)), "expand": True}


def context(text: str) -> Block:
    return {"type": "context", "elements": [mrkdwn(text)]}


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


def rich_text(elements: Sequence[Block]) -> Block:
    return {"type": "rich_text", "elements": list(elements)}


def button(
    text: str, action_id: str, value: str, label: str, *, primary: bool = False
) -> Block:
    """A button. `label` is read aloud in its place, at most 75 characters."""
    element: Block = {
        "type": "button",
        "action_id": action_id,
        "text": plain(text),
        "value": value,
        "accessibility_label": cut(label, 75),
    }
    if primary:
        element["style"] = "primary"
    return element


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
