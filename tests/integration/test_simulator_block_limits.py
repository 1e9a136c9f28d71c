"""The limits of every block and element, each crossed by one."""

from __future__ import annotations

from typing import Any

import pytest

from bot.simulator.block_check import errors
from tests.support.block_samples import (
    CARD,
    DATA_TABLE,
    FEEDBACK,
    GOOD,
    IMAGE,
    OPTION,
    RAW,
    RICH,
    TASK,
    TWO,
    VIDEO,
    refusals,
)
from tests.support.simulated import actions, button, field, mrkdwn, plain


def without(block: dict[str, Any], *names: str, **more: Any) -> dict[str, Any]:
    return {k: v for k, v in block.items() if k not in names} | more


def select(**more: Any) -> dict[str, Any]:
    element = {"type": "static_select", "action_id": "s", "options": [OPTION]}
    return actions({**element, **more})


BAD: dict[str, tuple[list[Any], str, str]] = {
    "two tables": ([GOOD["table"]] * 2, "too_many", "/1"),
    "a table in a container too": (
        [GOOD["table"], {**GOOD["container"], "child_blocks": [GOOD["table"]]}],
        "too_many",
        "/1/child_blocks/0",
    ),
    "three charts": ([GOOD["data_visualization"]] * 3, "too_many", "/2"),
    "101 rows": ([{"type": "table", "rows": [[RAW]] * 101}], "too_many", "/0/rows"),
    "21 columns": ([{"type": "table", "rows": [[RAW] * 21]}], "too_many", "/0/rows/0"),
    "an empty cell": (
        [{"type": "table", "rows": [[{**RAW, "text": ""}]]}],
        "too_short",
        "/0/rows/0/0/text",
    ),
    "202 rows of data": (
        [{**DATA_TABLE, "rows": [[RAW]] * 202}],
        "too_many",
        "/0/rows",
    ),
    "rows of two lengths": (
        [{**DATA_TABLE, "rows": [[RAW], [RAW, RAW]]}],
        "invalid_value",
        "/0/rows/1",
    ),
    "rich text in the header": (
        [{**DATA_TABLE, "rows": [[RICH], [RAW]]}],
        "invalid_type",
        "/0/rows/0/0",
    ),
    "20,001 characters of data": (
        [{**DATA_TABLE, "rows": [[RAW], [{**RAW, "text": "x" * 20_000}]]}],
        "too_long",
        "/0/rows",
    ),
    "a pending task alone": (
        [{**TASK, "status": "pending"}],
        "invalid_value",
        "/0/status",
    ),
    "51 tasks": ([{**GOOD["plan"], "tasks": [TASK] * 51}], "too_many", "/0/tasks"),
    "card body": ([{**CARD, "body": plain("x" * 201)}], "too_long", "/0/body/text"),
    "four card buttons": (
        [{**CARD, "actions": [button(action_id=str(n)) for n in range(4)]}],
        "too_many",
        "/0/actions",
    ),
    "an empty card": ([{"type": "card"}], "missing_field", "/0"),
    "eleven cards": (
        [{"type": "carousel", "elements": [CARD] * 11}],
        "too_many",
        "/0/elements",
    ),
    "eleven children": (
        [{**GOOD["container"], "child_blocks": [{"type": "divider"}] * 11}],
        "too_many",
        "/0/child_blocks",
    ),
    "an alert in a container": (
        [
            {
                **GOOD["container"],
                "child_blocks": [{"type": "alert", "text": plain("x")}],
            }
        ],
        "invalid_type",
        "/0/child_blocks/0",
    ),
    "an untitled container": (
        [without(GOOD["container"], "title")],
        "missing_field",
        "/0",
    ),
    "six context actions": (
        [{"type": "context_actions", "elements": [FEEDBACK] * 6}],
        "too_many",
        "/0/elements",
    ),
    "a button in context actions": (
        [{"type": "context_actions", "elements": [button()]}],
        "invalid_type",
        "/0/elements/0",
    ),
    "video title": (
        [{**VIDEO, "title": plain("x" * 200)}],
        "too_long",
        "/0/title/text",
    ),
    "50 items once expanded": (
        [{"type": "markdown", "text": "# a\n---\n" * 25}],
        "too_many",
        "",
    ),
    "101 options": (
        [select(options=[OPTION] * 101)],
        "too_many",
        "/0/elements/0/options",
    ),
    "no options": ([select(options=[])], "too_few", "/0/elements/0/options"),
    "options and groups": (
        [select(option_groups=[{"label": plain("G"), "options": [OPTION]}])],
        "conflicting_fields",
        "/0/elements/0",
    ),
    "option text": (
        [select(options=[{**OPTION, "text": plain("x" * 76)}])],
        "too_long",
        "/0/elements/0/options/0/text/text",
    ),
    "option value": (
        [select(options=[{**OPTION, "value": "x" * 151}])],
        "too_long",
        "/0/elements/0/options/0/value",
    ),
    "mrkdwn in an option": (
        [select(options=[{**OPTION, "text": mrkdwn("x")}])],
        "invalid_type",
        "/0/elements/0/options/0/text",
    ),
    "an initial option that is not offered": (
        [select(initial_option=TWO)],
        "invalid_value",
        "/0/elements/0/initial_option",
    ),
    "eleven choices": (
        [actions({"type": "radio_buttons", "options": [OPTION] * 11})],
        "too_many",
        "/0/elements/0/options",
    ),
    "six in an overflow": (
        [actions({"type": "overflow", "options": [OPTION] * 6})],
        "too_many",
        "/0/elements/0/options",
    ),
    "no such date": (
        [actions({"type": "datepicker", "initial_date": "31.12.2026"})],
        "invalid_value",
        "/0/elements/0/initial_date",
    ),
    "a date with a line feed": (
        [actions({"type": "datepicker", "initial_date": "2026-12-31\n"})],
        "invalid_value",
        "/0/elements/0/initial_date",
    ),
    "a whole number with a point": (
        [{**DATA_TABLE, "page_size": 5.0}],
        "invalid_type",
        "/0/page_size",
    ),
    "a typed-in input in a row": (
        [actions({"type": "plain_text_input"})],
        "invalid_type",
        "/0/elements/0",
    ),
    "a button in an input": ([field(button())], "invalid_type", "/0/element"),
    "least over most": (
        [field({"type": "plain_text_input", "min_length": 5, "max_length": 4})],
        "out_of_range",
        "/0/element/min_length",
    ),
    "3,001 to type": (
        [field({"type": "plain_text_input", "max_length": 3001})],
        "out_of_range",
        "/0/element/max_length",
    ),
    "two with the focus": (
        [
            field(
                {"type": "email_text_input", "action_id": "a", "focus_on_load": True}
            ),
            field(
                {"type": "url_text_input", "action_id": "b", "focus_on_load": True}, "c"
            ),
        ],
        "duplicate_focus",
        "/1",
    ),
    "mrkdwn on a button": (
        [actions(button(text=mrkdwn("x")))],
        "invalid_type",
        "/0/elements/0/text",
    ),
    "a text of type text": (
        [{"type": "section", "text": {"type": "text", "text": "x"}}],
        "invalid_type",
        "/0/text",
    ),
    "image and Slack file": (
        [{**IMAGE, "slack_file": {"id": "F1"}}],
        "conflicting_fields",
        "/0",
    ),
    "an empty Slack file": (
        [{**without(IMAGE, "image_url"), "slack_file": {}}],
        "missing_field",
        "/0/slack_file",
    ),
    "an option of a type": (
        [select(options=[{**OPTION, "type": "option"}])],
        "unknown_field",
        "/0/elements/0/options/0/type",
    ),
    "same block_id inside a container": (
        [
            {"type": "divider", "block_id": "b"},
            {
                **GOOD["container"],
                "child_blocks": [{"type": "divider", "block_id": "b"}],
            },
        ],
        "duplicate_id",
        "/1/child_blocks/0/block_id",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_slack_refuses_is_refused_where_it_stands(name: str):
    blocks, code, pointer = BAD[name]
    assert (code, pointer) in refusals(blocks)


WORDS = {
    "101 rows": "no more than 100 items allowed",
    "a button in an input": "unsupported type: button",
    "a date with a line feed": "must look like 2026-12-31",
    "a pending task alone": "must be one of: in_progress, complete, error",
    "a whole number with a point": "must provide an integer",
    "an empty cell": "must be more than 0 characters",
    "an initial option that is not offered": "must be exactly one of the options",
    "an option of a type": "invalid additional property: type",
    "an untitled container": "missing required field: title or rich_text_title",
    "card body": "must be less than 201 characters",
    "image and Slack file": "cannot provide both image_url and slack_file",
    "least over most": "must not be more than max_length",
    "no options": "no fewer than 1 items allowed",
    "3,001 to type": "must be between 1 and 3000",
}


@pytest.mark.parametrize("name", WORDS)
def test_each_kind_of_refusal_has_its_words(name: str):
    blocks, code, pointer = BAD[name]
    found = [each for each in errors(blocks) if each["pointer"] == pointer]
    field = pointer.rpartition("/")[2]
    told = {"code": code, "message": WORDS[name], "field": field, "pointer": pointer}
    assert found == [told]


def test_each_missing_key_is_named():
    found = errors([{"type": "input"}])
    assert [each["message"] for each in found] == [
        "missing required field: label",
        "missing required field: element",
    ]
