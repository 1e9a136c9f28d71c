"""Check blocks and views as Slack does, and say why it would refuse them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Literal, TypeAlias, TypedDict

from bot.simulator.block_schema import Misfit, misfits
from bot.simulator.message import every_block, own_elements
from bot.simulator.shapes import Json, as_list, as_object

Surface: TypeAlias = Literal["message", "modal", "home"]
_Placed: TypeAlias = list[tuple[str, Json]]  # every block with its JSON pointer
ALL_TEXT = 13_200  # of a message; measured, see bolt-js issue 2509
MARKDOWN_TEXT = 12_000  # of all markdown blocks of a message together
DATA_TABLE_TEXT = 20_000
LARGEST_VIEW = 250_000  # bytes of JSON
_MOST_EXPANDED = 50  # blocks that a message's markdown becomes; measured
_MOST_OF_KIND = {"table": 1, "data_visualization": 2}  # in a message


class BlockError(TypedDict):
    """One complaint; `pointer` is a JSON pointer from the blocks, or from the view."""

    code: str
    message: str
    field: str
    pointer: str


def errors(blocks: object, surface: Surface = "message") -> list[BlockError]:
    """Return every complaint about the blocks; none if Slack would take them."""
    return _complaints(misfits(surface, blocks) or _together(blocks, surface))


def view_errors(view: object) -> list[BlockError]:
    """Return every complaint about a view; none if Slack would take it."""
    return _complaints(misfits("view", view) or _in_view(as_object(view) or {}))


def _complaints(found: Iterable[Misfit]) -> list[BlockError]:
    return [
        {"code": code, "message": message, "field": name, "pointer": pointer}
        for code, message, pointer in found
        for name in [pointer.rpartition("/")[2]]
    ]


def is_too_large(view: object) -> bool:
    """Tell whether a view is over Slack's size."""
    return len(json.dumps(view).encode()) > LARGEST_VIEW


def _in_view(view: Json) -> Iterator[Misfit]:
    for code, message, pointer in _together(view["blocks"], view["type"]):
        yield code, message, f"/blocks{pointer}"
    has_input = any(block["type"] == "input" for block in view["blocks"])
    if has_input and view["type"] == "modal" and "submit" not in view:
        message = "missing required field: submit, for a view with input blocks"
        yield "missing_field", message, "/submit"


def _together(blocks: Any, surface: Surface) -> Iterator[Misfit]:
    """Yield what is wrong with blocks that are right one by one."""
    placed = list(every_block(blocks))
    yield from _repeated_ids(placed)
    yield from _focused_again(placed)
    for pointer, block in placed:
        if block["type"] == "data_table":
            yield from _in_data_table(pointer, block["rows"])
        if block["type"] == "container":
            yield from _folding(pointer, block)
    if surface == "message":
        yield from _too_much(blocks, placed)


def _repeated_ids(placed: _Placed) -> Iterator[Misfit]:
    seen: set[str] = set()
    for pointer, block in placed:
        if (block_id := block.get("block_id")) in seen:
            message = f"`block_id` {block_id} already exists"
            yield "duplicate_id", message, f"{pointer}/block_id"
        seen |= {block_id} if block_id else set()
        ids = Counter(element["action_id"] for element in own_elements(block))
        for action_id in sorted(each for each, count in ids.items() if count > 1):
            message = f"`action_id` {action_id} already exists in this block"
            yield "duplicate_id", message, f"{pointer}/elements"


def _focused_again(placed: _Placed) -> Iterator[Misfit]:
    focused = [
        pointer
        for pointer, block in placed
        for element in own_elements(block)
        if element.get("focus_on_load")
    ]
    for pointer in focused[1:]:
        yield "duplicate_focus", "only one element can have focus_on_load", pointer


def _in_data_table(pointer: str, rows: list[list[Json]]) -> Iterator[Misfit]:
    if sum(map(len, _texts(rows))) > DATA_TABLE_TEXT:
        message = f"must be less than {DATA_TABLE_TEXT + 1} characters"
        yield "too_long", message, f"{pointer}/rows"
    for index, row in enumerate(rows):
        if len(row) != len(rows[0]):
            message = "every row must have as many cells as the first"
            yield "invalid_value", message, f"{pointer}/rows/{index}"


def _folding(pointer: str, container: Json) -> Iterator[Misfit]:
    folds = container.get("is_collapsible")
    if container.get("default_collapsed") and not folds:
        message = "requires is_collapsible to be true"
        yield "conflicting_fields", message, f"{pointer}/default_collapsed"
    if container.get("has_header_divider") and folds:
        message = "cannot be set when is_collapsible is true"
        yield "conflicting_fields", message, f"{pointer}/has_header_divider"


def _too_much(blocks: list[Json], placed: _Placed) -> Iterator[Misfit]:
    """Yield what a message has too much of in all."""
    markdown = [block["text"] for _, block in placed if block["type"] == "markdown"]
    if sum(map(len, markdown)) > MARKDOWN_TEXT:
        message = f"all markdown must be less than {MARKDOWN_TEXT + 1} characters"
        yield "too_long", message, ""
    if sum(map(len, _texts(blocks))) > ALL_TEXT:
        message = f"all text must be less than {ALL_TEXT + 1} characters"
        yield "msg_blocks_too_long", message, ""
    if markdown and len(placed) + sum(map(_parts, markdown)) > _MOST_EXPANDED:
        message = f"no more than {_MOST_EXPANDED} items once markdown is expanded"
        yield "too_many", message, ""
    for kind, most in _MOST_OF_KIND.items():
        pointers = [pointer for pointer, block in placed if block["type"] == kind]
        for pointer in pointers[most:]:
            yield (
                "too_many",
                f"no more than {most} {kind} allowed in a message",
                pointer,
            )


def _parts(markdown: str) -> int:
    """Count the headings and dividers, which become blocks of their own."""
    count, fenced = 0, False
    for line in markdown.splitlines():
        line = line.strip()
        fenced ^= line.startswith("```")
        is_rule = len(line) >= 3 and set(line) in ({"-"}, {"*"}, {"_"})
        count += not fenced and (is_rule or line.startswith("#"))
    return count


def _texts(value: object) -> Iterator[str]:
    """Yield each string under a `text` key, however deep."""
    for item in as_list(value) or []:
        yield from _texts(item)
    for name, inner in (as_object(value) or {}).items():
        if name == "text" and isinstance(inner, str):
            yield inner
        else:
            yield from _texts(inner)
