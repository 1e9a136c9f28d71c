"""Slack's limits of tables, cards, plans and the other later blocks (docs: blocks)."""

from __future__ import annotations

from bot.simulator.block_elements import (
    BASIC_BLOCKS,
    BLOCK_ID,
    BUTTON,
    CONTEXT_ACTIONS,
    IMAGE,
    OVERFLOW,
)
from bot.simulator.block_rules import (
    Fields,
    Report,
    Rule,
    all_of,
    any_of_fields,
    boolean,
    integer,
    listing,
    number,
    one_of,
    or_null,
    string,
    typed,
)
from bot.simulator.block_texts import ID, RICH_TEXT, RICH_TEXT_BLOCK, URL, plain, text
from bot.simulator.shapes import Json, as_list, as_object

MARKDOWN_TEXT = 12_000  # of all markdown blocks of a message together
DATA_TABLE_TEXT = 20_000
_CARD = Fields(
    {},
    {
        **BLOCK_ID,
        "hero_image": IMAGE,
        "icon": IMAGE,
        "title": text(150),
        "subtitle": text(150),
        "body": text(200),
        "actions": listing(typed({"button": BUTTON}), 3),
    },
    any_of_fields("hero_image", "title", "actions", "body"),
)
_ALERT = Fields(
    {"text": text(200)},
    {**BLOCK_ID, "level": one_of("default", "info", "warning", "error", "success")},
)
_CELL = {
    "raw_text": Fields({"text": string(DATA_TABLE_TEXT)}),
    "raw_number": Fields({"value": number, "text": string(255)}),
    "rich_text": RICH_TEXT_BLOCK,
}
_ROW = listing(typed(_CELL), 20)
_COLUMN = Fields(
    {}, {"align": one_of("left", "center", "right"), "is_wrapped": boolean}
)


def _even_with_plain_header(value: Json, pointer: str, report: Report) -> None:
    """Demand rows of one length, the first without rich_text."""
    rows = [as_list(row) or [] for row in as_list(value.get("rows")) or []]
    for index, row in enumerate(rows):
        if len(row) != len(rows[0]):
            message = "every row must have as many cells as the first"
            report.add("invalid_value", message, f"{pointer}/rows/{index}")
    for index, cell in enumerate(rows[0] if rows else []):
        if (as_object(cell) or {}).get("type") == "rich_text":
            message = "unsupported type: rich_text in the header row"
            report.add("invalid_type", message, f"{pointer}/rows/0/{index}")


_TASK = Fields(
    {
        "task_id": ID,
        "title": string(2000),
        "status": one_of("pending", "in_progress", "complete", "error"),
    },
    {
        **BLOCK_ID,
        "details": RICH_TEXT,
        "output": RICH_TEXT,
        "sources": listing(
            typed({"url": Fields({"url": URL, "text": string(2000)})}), 100, 0
        ),
    },
)


def _begun(value: object, pointer: str, report: Report) -> None:
    """Refuse a task outside a plan that is still pending."""
    if (as_object(value) or {}).get("status") == "pending":
        message = "a task_card of its own must not be pending"
        report.add("invalid_value", message, f"{pointer}/status")


def _collapses(value: Json, pointer: str, report: Report) -> None:
    folds = value.get("is_collapsible") is True
    if value.get("default_collapsed") and not folds:
        message = "requires is_collapsible to be true"
        report.add("conflicting_fields", message, f"{pointer}/default_collapsed")
    if value.get("has_header_divider") and folds:
        message = "cannot be set when is_collapsible is true"
        report.add("conflicting_fields", message, f"{pointer}/has_header_divider")


def _anything(value: object, pointer: str, report: Report) -> None:
    """Leave what no page of Slack's gives limits for."""


_CHART = typed(dict.fromkeys(("line", "bar", "area", "pie"), _anything))
_PROVIDER = Fields(
    {"value": string(150), "name": plain(75), "is_connected": boolean},
    {
        **BLOCK_ID,
        "description": plain(150),
        "icon_url": URL,
        "auth_url": URL,
        "disconnect_url": URL,
        "connected_identity": plain(75),
        "connected_context": plain(75),
        "accessory": typed({"overflow": OVERFLOW}),
        "fallback": string(2000),
    },
)
_IN_CONTAINERS: dict[str, Rule] = {
    **BASIC_BLOCKS,
    "alert": _ALERT,
    "card": _CARD,
    "context_actions": Fields(
        {"elements": listing(typed(CONTEXT_ACTIONS), 5)}, BLOCK_ID
    ),
    "markdown": Fields({"text": string(MARKDOWN_TEXT)}, BLOCK_ID),
    "table": Fields(
        {"rows": listing(_ROW, 100)},
        {**BLOCK_ID, "column_settings": listing(or_null(_COLUMN), 20)},
    ),
    "data_table": Fields(
        {"caption": string(2000), "rows": listing(_ROW, 201, 2)},
        {
            **BLOCK_ID,
            "page_size": integer(1, 100),
            "row_header_column_index": integer(0, 19),
        },
        _even_with_plain_header,
    ),
    "data_visualization": Fields({"title": string(50), "chart": _CHART}, BLOCK_ID),
    "file": Fields({"external_id": ID, "source": one_of("remote")}, BLOCK_ID),
    "call": Fields(
        {"call_id": ID},
        {**BLOCK_ID, "api_decoration_available": boolean, "call": _anything},
    ),
    "auth_provider": _PROVIDER,
}
_CONTAINER = Fields(
    {"child_blocks": listing(typed(_IN_CONTAINERS), 10)},
    {
        **BLOCK_ID,
        "title": plain(150),
        "rich_text_title": RICH_TEXT,
        "subtitle": text(150),
        "width": one_of("narrow", "standard", "wide", "full"),
        "icon": IMAGE,
        "is_collapsible": boolean,
        "default_collapsed": boolean,
        "has_header_divider": boolean,
    },
    all_of(any_of_fields("title", "rich_text_title"), _collapses),
)
BLOCKS: dict[str, Rule] = {
    **_IN_CONTAINERS,
    "carousel": Fields({"elements": listing(typed({"card": _CARD}), 10)}, BLOCK_ID),
    "container": _CONTAINER,
    "task_card": all_of(_TASK, _begun),
    "plan": Fields(
        {"title": string(2000)},
        {**BLOCK_ID, "tasks": listing(typed({"task_card": _TASK}), 50, 0)},
    ),
}
