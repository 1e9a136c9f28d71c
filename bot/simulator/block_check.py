"""Check blocks and views as Slack does, and say why it would refuse them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Literal, TypeAlias

from bot.simulator.block_newer import BLOCKS, DATA_TABLE_TEXT, MARKDOWN_TEXT
from bot.simulator.block_rules import (
    BlockError,
    Fields,
    Report,
    Rule,
    boolean,
    listing,
    string,
    typed,
)
from bot.simulator.block_texts import plain
from bot.simulator.message import every_block, own_elements
from bot.simulator.shapes import Json, as_list, as_object, objects

Surface: TypeAlias = Literal["message", "modal", "home"]
ALL_TEXT = 13_200  # of a message; measured, see bolt-js issue 2509
_MOST_EXPANDED = 50  # blocks that a message's markdown becomes; measured
_MOST_BLOCKS: dict[Surface, int] = {"message": 50, "modal": 100, "home": 100}
_MOST_OF_KIND = {"table": 1, "data_visualization": 2}  # in a message
_IN_MODALS = (
    *("actions", "alert", "card", "context", "divider", "header", "image", "input"),
    *("rich_text", "section", "video"),
)
_NOT_AT_HOME = ("alert", "markdown", "plan", "task_card")


def _taken(surface: Surface, kind: str) -> bool:
    if surface == "modal":
        return kind in _IN_MODALS
    if surface == "home":
        return kind not in _NOT_AT_HOME
    return kind != "alert"  # modals alone have it, see node-slack-sdk 2567


def _on(surface: Surface) -> Rule:
    """Demand a block that the surface takes, as Slack wants it."""
    known = typed(BLOCKS)

    def check(value: object, pointer: str, report: Report) -> None:
        kind = (as_object(value) or {}).get("type")
        if isinstance(kind, str) and kind in BLOCKS and not _taken(surface, kind):
            message = f"unsupported type: {kind} in a {surface}"
            report.add("invalid_type", message, pointer)
        else:
            known(value, pointer, report)

    return check


def errors(blocks: object, surface: Surface = "message") -> list[BlockError]:
    """Return every complaint about the blocks; none if Slack would take them."""
    report = Report()
    listing(_on(surface), _MOST_BLOCKS[surface], 0)(blocks, "", report)
    if not report.errors and as_list(blocks):
        listed = objects(blocks)
        _inside_containers(listed, surface, report)
        _unique_block_ids(listed, report)
        _unique_action_ids(listed, report)
        _one_focus(listed, report)
        _data_tables(listed, report)
        if surface == "message":
            _totals(listed, report)
    return report.errors


def _inside_containers(blocks: list[Json], surface: Surface, report: Report) -> None:
    for index, block in enumerate(blocks):
        for number, inner in enumerate(objects(block.get("child_blocks"))):
            if not _taken(surface, inner["type"]):
                message = f"unsupported type: {inner['type']} in a {surface}"
                pointer = f"/{index}/child_blocks/{number}"
                report.add("invalid_type", message, pointer)


def _unique_block_ids(blocks: list[Json], report: Report) -> None:
    seen: set[str] = set()
    for pointer, block in every_block(blocks):
        block_id = block.get("block_id")
        if block_id in seen:
            message = f"`block_id` {block_id} already exists"
            report.add("duplicate_id", message, f"{pointer}/block_id")
        elif block_id is not None:
            seen.add(block_id)


def _unique_action_ids(blocks: list[Json], report: Report) -> None:
    for pointer, block in every_block(blocks):
        ids = Counter(element["action_id"] for element in own_elements(block))
        for action_id in sorted(each for each, count in ids.items() if count > 1):
            message = f"`action_id` {action_id} already exists in this block"
            report.add("duplicate_id", message, f"{pointer}/elements")


def _one_focus(blocks: list[Json], report: Report) -> None:
    focused = [
        pointer
        for pointer, block in every_block(blocks)
        for element in own_elements(block)
        if element.get("focus_on_load")
    ]
    for pointer in focused[1:]:
        message = "only one element can have focus_on_load"
        report.add("duplicate_focus", message, pointer)


def _data_tables(blocks: list[Json], report: Report) -> None:
    for pointer, block in every_block(blocks):
        rows = as_list(block.get("rows")) if block["type"] == "data_table" else None
        if sum(map(len, _texts(rows))) > DATA_TABLE_TEXT:
            message = f"must be less than {DATA_TABLE_TEXT + 1} characters"
            report.add("too_long", message, f"{pointer}/rows")


def _totals(blocks: list[Json], report: Report) -> None:
    everything = [block for _, block in every_block(blocks)]
    markdown = [each["text"] for each in everything if each["type"] == "markdown"]
    if sum(map(len, markdown)) > MARKDOWN_TEXT:
        message = f"all markdown must be less than {MARKDOWN_TEXT + 1} characters"
        report.add("too_long", message, "")
    if sum(map(len, _texts(blocks))) > ALL_TEXT:
        message = f"all text must be less than {ALL_TEXT + 1} characters"
        report.add("msg_blocks_too_long", message, "")
    if markdown and len(everything) + sum(map(_parts, markdown)) > _MOST_EXPANDED:
        message = f"no more than {_MOST_EXPANDED} items once markdown is expanded"
        report.add("too_many", message, "")
    kinds = Counter(each["type"] for each in everything)
    for kind, most in _MOST_OF_KIND.items():
        if kinds[kind] > most:
            message = f"no more than {most} {kind} allowed in a message"
            report.add("too_many", message, _nth(blocks, kind, most))


def _nth(blocks: list[Json], kind: str, number: int) -> str:
    """Return the pointer of the block that is one of a kind too many."""
    found = [pointer for pointer, each in every_block(blocks) if each["type"] == kind]
    return found[number]


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


LARGEST_VIEW = 250_000  # bytes of JSON


def _later(value: object, pointer: str, report: Report) -> None:
    """Leave the blocks to `errors`."""


_ANY: dict[str, Rule] = {
    "private_metadata": string(3000, 0),
    "callback_id": string(255, 0),
    "external_id": string(255, 0),
}
_HOME = Fields({"blocks": _later}, _ANY)
_MODAL = Fields(
    {"title": plain(24), "blocks": _later},
    {
        **_ANY,
        "submit": plain(24),
        "close": plain(24),
        "clear_on_close": boolean,
        "notify_on_close": boolean,
        "submit_disabled": boolean,
    },
)


def view_errors(view: object) -> list[BlockError]:
    """Return every complaint about a view; none if Slack would take it."""
    report = Report()
    typed({"modal": _MODAL, "home": _HOME})(view, "", report)
    found = as_object(view) or {}
    surface: Surface = "home" if found.get("type") == "home" else "modal"
    for each in errors(found.get("blocks", []), surface):
        report.add(each["code"], each["message"], "/blocks" + each["pointer"])
    blocks = [block for _, block in every_block(objects(found.get("blocks")))]
    has_input = any(block.get("type") == "input" for block in blocks)
    if surface == "modal" and has_input and "submit" not in found:
        message = "missing required field: submit, for a view with input blocks"
        report.add("missing_field", message, "/submit")
    return report.errors


def is_too_large(view: object) -> bool:
    """Tell whether a view is over Slack's size."""
    return len(json.dumps(view).encode()) > LARGEST_VIEW
