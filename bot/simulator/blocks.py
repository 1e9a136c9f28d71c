"""Which blocks Slack would refuse, and why (docs: block-kit; limits measured)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from bot.simulator.block_elements import (
    ACCESSORIES,
    ACTIONS,
    ID,
    IMAGE_ELEMENT,
    INPUT_ELEMENTS,
    RICH_TEXT,
    plain,
    text,
)
from bot.simulator.block_rules import (
    BlockError,
    Fields,
    Report,
    Rule,
    any_of_fields,
    boolean,
    listing,
    string,
    typed,
)
from bot.simulator.messages import acting_elements
from bot.simulator.shapes import Json, as_list, as_object, objects

Surface = Literal["message", "modal", "home"]

ALL_TEXT = 13_200  # of a message; measured, see bolt-js issue 2509
MARKDOWN_TEXT = 12_000  # of all markdown blocks of a message together
_MOST_BLOCKS: dict[str, int] = {"message": 50, "modal": 100, "home": 100}
_BLOCK_ID: dict[str, Rule] = {"block_id": ID}
_BLOCKS: dict[str, Rule] = {
    "header": Fields({"text": plain(150)}, _BLOCK_ID),
    "section": Fields(
        {},
        {
            **_BLOCK_ID,
            "text": text(3000),
            "fields": listing(text(2000), 10),
            "accessory": typed(ACCESSORIES),
            "expand": boolean,
        },
        any_of_fields("text", "fields"),
    ),
    "rich_text": Fields({"elements": listing(typed(RICH_TEXT), 10_000)}, _BLOCK_ID),
    "actions": Fields({"elements": listing(typed(ACTIONS), 25)}, _BLOCK_ID),
    "context": Fields(
        {
            "elements": listing(
                typed(
                    {
                        "plain_text": text(3000),
                        "mrkdwn": text(3000),
                        "image": IMAGE_ELEMENT,
                    }
                ),
                10,
            )
        },
        _BLOCK_ID,
    ),
    "divider": Fields({}, _BLOCK_ID),
    "image": Fields(
        {"alt_text": string(2000)},
        {
            **_BLOCK_ID,
            "title": plain(2000),
            "image_url": string(3000),
            "slack_file": Fields({}, {"id": ID, "url": ID}),
        },
        any_of_fields("image_url", "slack_file"),
    ),
    "input": Fields(
        {"label": plain(2000), "element": typed(INPUT_ELEMENTS)},
        {
            **_BLOCK_ID,
            "hint": plain(2000),
            "optional": boolean,
            "dispatch_action": boolean,
        },
    ),
    "markdown": Fields({"text": string(MARKDOWN_TEXT)}, _BLOCK_ID),
}
_BLOCK = typed(_BLOCKS)


def errors(blocks: object, surface: Surface = "message") -> list[BlockError]:
    """Return every complaint about the blocks; none if Slack would take them."""
    report = Report(surface)
    listing(_BLOCK, _MOST_BLOCKS[surface], 0)(blocks, "", report)
    if not report.errors and as_list(blocks):
        listed = objects(blocks)
        _no_markdown_outside_messages(listed, report)
        _unique_block_ids(listed, report)
        _unique_action_ids(listed, report)
        _totals(listed, report)
    return report.errors


def _no_markdown_outside_messages(blocks: list[Json], report: Report) -> None:
    for index, block in enumerate(blocks):
        if block["type"] == "markdown" and report.surface != "message":
            message = f"unsupported type: markdown in a {report.surface}"
            report.add("invalid_type", message, f"/{index}")


def _unique_block_ids(blocks: list[Json], report: Report) -> None:
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        block_id = block.get("block_id")
        if block_id in seen:
            message = f"`block_id` {block_id} already exists"
            report.add("duplicate_id", message, f"/{index}/block_id")
        elif block_id is not None:
            seen.add(block_id)


def _unique_action_ids(blocks: list[Json], report: Report) -> None:
    for index, block in enumerate(blocks):
        ids = [element["action_id"] for _, element in acting_elements([block])]
        for action_id in sorted({each for each in ids if ids.count(each) > 1}):
            message = f"`action_id` {action_id} already exists in this block"
            report.add("duplicate_id", message, f"/{index}/elements")


def _totals(blocks: list[Json], report: Report) -> None:
    markdown = [b["text"] for b in blocks if b["type"] == "markdown"]
    if sum(map(len, markdown)) > MARKDOWN_TEXT:
        message = f"all markdown must be less than {MARKDOWN_TEXT + 1} characters"
        report.add("too_long", message, "")
    total = sum(len(each) for each in _texts(blocks))
    if report.surface == "message" and total > ALL_TEXT:
        message = f"all text must be less than {ALL_TEXT + 1} characters"
        report.add("msg_blocks_too_long", message, "")


def _texts(value: object) -> Iterator[str]:
    """Yield each string under a `text` key, however deep."""
    for item in as_list(value) or []:
        yield from _texts(item)
    for name, inner in (as_object(value) or {}).items():
        if name == "text" and isinstance(inner, str):
            yield inner
        else:
            yield from _texts(inner)


def view_errors(view: object) -> list[BlockError]:
    """Return every complaint about a view (docs: reference/views)."""
    report = Report("modal")
    typed({"modal": _MODAL, "home": _HOME})(view, "", report)
    found = as_object(view) or {}
    surface: Surface = "home" if found.get("type") == "home" else "modal"
    for each in errors(found.get("blocks", []), surface):
        report.add(each["code"], each["message"], "/blocks" + each["pointer"])
    has_input = any(b.get("type") == "input" for b in objects(found.get("blocks")))
    if surface == "modal" and has_input and "submit" not in found:
        message = "missing required field: submit, for a view with input blocks"
        report.add("missing_field", message, "/submit")
    return report.errors


def _later(value: object, pointer: str, report: Report) -> None:
    """Leave the blocks to `errors`."""


_VIEW: dict[str, Rule] = {
    "private_metadata": string(3000, 0),
    "callback_id": string(255, 0),
    "external_id": string(255, 0),
}
_HOME = Fields({"blocks": _later}, _VIEW)
_MODAL = Fields(
    {"title": plain(24), "blocks": _later},
    {
        **_VIEW,
        "submit": plain(24),
        "close": plain(24),
        "clear_on_close": boolean,
        "notify_on_close": boolean,
        "submit_disabled": boolean,
    },
)
