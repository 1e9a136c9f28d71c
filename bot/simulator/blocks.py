"""Which blocks and views Slack would refuse, and why (docs: reference/views)."""

from __future__ import annotations

import json

from bot.simulator.block_check import Surface, errors
from bot.simulator.block_rules import (
    BlockError,
    Fields,
    Report,
    Rule,
    boolean,
    string,
    typed,
)
from bot.simulator.block_texts import plain
from bot.simulator.messages import every_block
from bot.simulator.shapes import as_object, objects

__all__ = ["Surface", "errors", "is_too_large", "view_errors"]

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
