"""The shape of messages, and how their buttons are found."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bot.simulator.shapes import Json, as_object, objects

_KEPT_VERSIONS = 20
_MENTION = re.compile(r"<@(?P<user>[UW][A-Z0-9]+)(?:\|[^>]*)?>")
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))


@dataclass
class Message:
    """A stored message: Slack's fields in `data`, earlier versions oldest first."""

    channel: str
    data: Json
    earlier: list[Json] = field(default_factory=list[Json])

    @property
    def ts(self) -> str:
        """The id of the message within its channel."""
        return str(self.data["ts"])

    @property
    def thread_ts(self) -> str:
        """The thread that the message belongs to, its own ts if it starts one."""
        return str(self.data.get("thread_ts") or self.ts)

    @property
    def is_reply(self) -> bool:
        """Return whether the message is in a thread below another."""
        return self.thread_ts != self.ts

    def remember(self) -> None:
        """Keep the present version before it is changed."""
        self.earlier.append(dict(self.data))
        del self.earlier[:-_KEPT_VERSIONS]


def mentions(text: str, user_id: str) -> bool:
    """Tell whether the text mentions the user in Slack's `<@U…>` form."""
    return any(found["user"] == user_id for found in _MENTION.finditer(text))


def rich_text(text: str) -> list[Json]:
    """Return the rich_text block that Slack adds to what a person typed."""
    elements: list[Json] = []
    end = 0
    for found in _MENTION.finditer(text):
        elements += _plain(text[end : found.start()])
        elements.append({"type": "user", "user_id": found["user"]})
        end = found.end()
    elements += _plain(text[end:])
    section = {"type": "rich_text_section", "elements": elements}
    return [{"type": "rich_text", "block_id": new_id(), "elements": [section]}]


def _plain(text: str) -> list[Json]:
    for entity, character in _ENTITIES:
        text = text.replace(entity, character)
    return [{"type": "text", "text": text}] if text else []


def new_id(size: int = 5) -> str:
    """Return a random id like those that Slack gives to blocks without one."""
    alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789"
    return "".join(secrets.choice(alphabet) for _ in range(size))


_ROWS = {"actions": "elements", "context_actions": "elements", "card": "actions"}
_INNER = {"container": "child_blocks", "plan": "tasks", "carousel": "elements"}


def with_ids(blocks: list[Json]) -> list[Json]:
    """Return the blocks with the ids that Slack gives where the app left them out."""
    return [_with_ids(block) for block in blocks]


def _with_ids(block: Json) -> Json:
    block = {**block, "block_id": block.get("block_id") or new_id()}
    kind = str(block["type"])
    if (row := _ROWS.get(kind)) in block:
        block[row] = [_acting(item) for item in objects(block[row])]
    if (inner := _INNER.get(kind)) in block:
        block[inner] = with_ids(objects(block[inner]))
    for key in ("accessory", "element"):
        if (element := as_object(block.get(key))) is not None:
            block[key] = _acting(element)
    return block


def _acting(element: Json) -> Json:
    if element.get("type") == "image":
        return element
    return {**element, "action_id": element.get("action_id") or new_id()}


def every_block(blocks: list[Json]) -> Iterator[tuple[str, Json]]:
    """Yield pointer and block of each block, those in containers and plans too."""
    for index, block in enumerate(blocks):
        yield f"/{index}", block
        name = _INNER.get(str(block.get("type")), "")
        for number, inner in enumerate(objects(block.get(name))):
            yield f"/{index}/{name}/{number}", inner


def own_elements(block: Json) -> list[Json]:
    """Return the elements of one block that a person can act on."""
    row = _ROWS.get(str(block.get("type")), "")
    found = objects(block.get(row))
    for key in ("accessory", "element"):
        if (element := as_object(block.get(key))) is not None:
            found.append(element)
    return [element for element in found if "action_id" in element]


def acting_elements(blocks: object) -> list[tuple[str, Json]]:
    """Return (block_id, element) of each element that a person can act on."""
    return [
        (str(block.get("block_id", "")), element)
        for _, block in every_block(objects(blocks))
        for element in own_elements(block)
    ]


def find_element(
    blocks: object, action_id: str, block_id: str | None, value: str | None
) -> tuple[str, Json] | None:
    """Return (block_id, element), preferring one that carries or offers the value.

    A view that was published again while somebody clicked has new block ids: there the
    value alone tells which element was meant.
    """
    found = acting_elements(blocks)
    named = [each for each in found if each[1]["action_id"] == action_id]
    placed = [each for each in named if block_id in (None, each[0])]
    others = named if value else []
    exact = [each for each in placed or others if value in (None, *_values(each[1]))]
    return next(iter(exact or placed), None)


def _values(element: Json) -> list[object]:
    """Return the value of a button, or those that a menu offers."""
    return [each.get("value") for each in (element, *objects(element.get("options")))]


def in_slack(message: Message, *, metadata: bool = True) -> Json:
    """Return the message as history lists it; metadata only when asked for."""
    data: dict[str, Any] = dict(message.data)
    if not metadata:
        data.pop("metadata", None)
    return data
