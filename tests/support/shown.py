"""The parts of a message that Slack shows."""

from __future__ import annotations

import re
from typing import Any

Message = dict[str, Any]
ICONS = "⏳✅⛔⌛↩➖💬❓"  # with one of which a headline begins

OUTCOME = re.compile("Approved|Rejected|Timed out|Withdrawn|Unknown|Orphaned")


def buttons(message: Message) -> list[tuple[str, str]]:
    """`action_id` and value of each button, and of a card's menu, which has none."""
    return [
        (element["action_id"], element.get("value", ""))
        for block in message.get("blocks") or ()
        for element in _elements(block)
    ]


def _elements(block: dict[str, Any]) -> list[dict[str, Any]]:
    beside = block.get("accessory") or {}
    if block["type"] == "actions":
        return block["elements"]
    return [beside] if beside.get("type") == "button" else []


def row_about(card: Message, words: str) -> Message:
    """The part of a card that is about the request whose headline has these words."""
    rows: list[list[dict[str, Any]]] = []
    for block in card["blocks"]:
        if block["type"] == "rich_text" and "".join(shown_texts(block))[:1] in ICONS:
            rows.append([])
        rows[-1].append(block)
    found = [row for row in rows if words in "".join(shown_texts(row[0]))]
    return {**card, "blocks": found[0]}


def shown_texts(value: Any) -> list[str]:
    """Every text that stands anywhere in blocks."""
    found: list[str] = []
    _add_texts(found, value)
    return found


def _add_texts(found: list[str], value: Any) -> None:
    # no generator: waiting tests look at every message of a module after each change
    if isinstance(value, list):
        for inner in value:
            _add_texts(found, inner)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(inner, dict | list):
                _add_texts(found, inner)
            elif key == "text" and isinstance(inner, str):
                found.append(inner)


def everything(message: Message) -> str:
    """All that a message shows, fallback text included."""
    return "\n".join([message.get("text", ""), *shown_texts(message.get("blocks"))])


def has_outcome(message: Message) -> bool:
    """Return whether the message says what became of a request."""
    return OUTCOME.search(everything(message)) is not None


def is_card(message: Message) -> bool:
    """Return whether a message of the bot has a request on it."""
    if "delivery" not in str(message.get("metadata", "")):
        return False
    if not shown_texts(message.get("blocks")):
        return False
    return "Approv" in message["text"] or has_outcome(message)
