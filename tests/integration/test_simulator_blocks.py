"""Blocks that Slack would refuse are refused, those that it takes are taken."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.simulator.block_check import errors, view_errors
from tests.support.block_samples import OPTION, SECTION, refusals
from tests.support.simulated import actions, button, mrkdwn, plain


def preformatted(text: str) -> dict[str, Any]:
    inside = {"type": "text", "text": text}
    return {"type": "rich_text_preformatted", "elements": [inside]}


CONFIRM = {
    "title": plain("Sure?"),
    "text": mrkdwn("*really*"),
    "confirm": plain("Yes"),
    "deny": plain("No"),
    "style": "danger",
}
CARD: list[dict[str, Any]] = [
    {"type": "header", "text": plain("Delete a file?")},
    {"type": "section", "text": mrkdwn("*who*"), "block_id": "who"},
    {"type": "section", "fields": [mrkdwn("a"), plain("b")], "accessory": button()},
    {"type": "rich_text", "elements": [preformatted("{}")]},
    {
        "type": "rich_text",
        "elements": [
            {
                "type": "rich_text_list",
                "style": "bullet",
                "elements": [
                    {
                        "type": "rich_text_section",
                        "elements": [
                            {"type": "text", "text": "x", "style": {"bold": True}},
                            {"type": "user", "user_id": "U1"},
                            {"type": "date", "timestamp": 1, "format": "{date}"},
                        ],
                    }
                ],
            }
        ],
    },
    {"type": "divider"},
    {"type": "context", "elements": [mrkdwn("until then")]},
    {"type": "markdown", "text": "# Done"},
    {"type": "image", "alt_text": "a chart", "image_url": "https://example.com/a.png"},
    actions(
        button(style="primary", value="r1", confirm=CONFIRM),
        button(action_id="no", style="danger", accessibility_label="Reject"),
        {"type": "overflow", "action_id": "more", "options": [OPTION]},
        {"type": "static_select", "action_id": "s", "options": [OPTION]},
    ),
]


def test_a_whole_card_is_taken():
    assert errors(CARD) == []


BAD: dict[str, tuple[list[Any], str, str]] = {
    "unknown block": ([{"type": "banner"}], "invalid_type", "/0"),
    "not an object": (["x"], "invalid_type", "/0"),
    "51 blocks": ([{"type": "divider"}] * 51, "too_many", ""),
    "long section": (
        [{"type": "section", "text": mrkdwn("x" * 3001)}],
        "too_long",
        "/0/text/text",
    ),
    "empty section": (
        [{"type": "section", "text": mrkdwn("")}],
        "too_short",
        "/0/text/text",
    ),
    "bare section": ([{"type": "section"}], "missing_field", "/0"),
    "long header": (
        [{"type": "header", "text": plain("x" * 151)}],
        "too_long",
        "/0/text/text",
    ),
    "mrkdwn in a header": (
        [{"type": "header", "text": mrkdwn("x")}],
        "invalid_type",
        "/0/text",
    ),
    "unknown key": ([{"type": "divider", "color": "red"}], "unknown_field", "/0/color"),
    "eleven fields": (
        [{"type": "section", "fields": [plain("x")] * 11}],
        "too_many",
        "/0/fields",
    ),
    "long field": (
        [{"type": "section", "fields": [plain("x" * 2001)]}],
        "too_long",
        "/0/fields/0/text",
    ),
    "no buttons": ([actions()], "too_few", "/0/elements"),
    "26 buttons": (
        [actions(*(button(action_id=str(n)) for n in range(26)))],
        "too_many",
        "/0/elements",
    ),
    "button text": (
        [actions(button(text=plain("x" * 76)))],
        "too_long",
        "/0/elements/0/text/text",
    ),
    "button value": (
        [actions(button(value="x" * 2001))],
        "too_long",
        "/0/elements/0/value",
    ),
    "button style": (
        [actions(button(style="success"))],
        "invalid_value",
        "/0/elements/0/style",
    ),
    "action_id": (
        [actions(button(action_id="x" * 256))],
        "too_long",
        "/0/elements/0/action_id",
    ),
    "confirm text": (
        [actions(button(confirm={**CONFIRM, "text": plain("x" * 301)}))],
        "too_long",
        "/0/elements/0/confirm/text/text",
    ),
    "confirm without deny": (
        [actions(button(confirm={k: v for k, v in CONFIRM.items() if k != "deny"}))],
        "missing_field",
        "/0/elements/0/confirm",
    ),
    "same action_id": ([actions(button(), button())], "duplicate_id", "/0/elements"),
    "same block_id": (
        [{**SECTION, "block_id": "b"}, {**SECTION, "block_id": "b"}],
        "duplicate_id",
        "/1/block_id",
    ),
    "eleven in a context": (
        [{"type": "context", "elements": [plain("x")] * 11}],
        "too_many",
        "/0/elements",
    ),
    "a button in a context": (
        [{"type": "context", "elements": [button()]}],
        "invalid_type",
        "/0/elements/0",
    ),
    "a mention in preformatted": (
        [
            {
                "type": "rich_text",
                "elements": [
                    {
                        "type": "rich_text_preformatted",
                        "elements": [{"type": "user", "user_id": "U1"}],
                    }
                ],
            }
        ],
        "invalid_type",
        "/0/elements/0/elements/0",
    ),
    "empty rich text": (
        [{"type": "rich_text", "elements": [preformatted("")]}],
        "too_short",
        "/0/elements/0/elements/0/text",
    ),
    "13,201 characters": (
        [{"type": "section", "text": mrkdwn("x" * 2641)} for _ in range(5)],
        "msg_blocks_too_long",
        "",
    ),
    "12,001 of markdown": (
        [
            {"type": "markdown", "text": "x" * 6001},
            {"type": "markdown", "text": "x" * 6000},
        ],
        "too_long",
        "",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_slack_refuses_is_refused_where_it_stands(name: str):
    blocks, code, pointer = BAD[name]
    assert (code, pointer) in refusals(blocks)


def test_blocks_that_are_no_list_are_refused():
    assert errors({"type": "divider"})[0]["code"] == "invalid_type"


@given(
    index=st.integers(0, len(CARD) - 1),
    name=st.text(min_size=1, max_size=8).filter(lambda n: n != "type"),
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.text(max_size=5), inner, max_size=3)
        ),
        max_leaves=5,
    ),
)
def test_any_key_that_a_block_does_not_know_is_refused(index: int, name: str, value):
    card = copy.deepcopy(CARD)
    known = {"block_id", "text", "fields", "accessory", "expand", "elements"}
    known |= {"alt_text", "title", "image_url", "slack_file"}
    if name not in known:
        card[index][name] = value
        pointers = [each["pointer"] for each in errors(card)]
        assert pointers == [f"/{index}/{name}"]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(["type", "text", "elements", "blocks", "x"]), inner
            )
        ),
    )
)
def test_nothing_that_comes_can_break_the_check(value):
    assert isinstance(errors(value), list)
    assert view_errors(value)


def modal(**more: Any) -> dict[str, Any]:
    return {"type": "modal", "title": plain("Reason"), "blocks": [], **more}


INPUT = {
    "type": "input",
    "label": plain("Why"),
    "element": {"type": "plain_text_input", "action_id": "why", "multiline": True},
}


def test_a_form_is_taken():
    assert view_errors(modal(blocks=[SECTION, INPUT], submit=plain("Send"))) == []


@pytest.mark.parametrize(
    ("view", "pointer"),
    [
        (modal(title=plain("x" * 25)), "/title/text"),
        (modal(private_metadata="x" * 3001), "/private_metadata"),
        (modal(blocks=[INPUT]), "/submit"),
        (modal(blocks=[{"type": "markdown", "text": "x"}]), "/blocks/0"),
        (modal(blocks=[{"type": "divider"}] * 101), "/blocks"),
        (modal(colour="red"), "/colour"),
        ({"type": "window"}, ""),
    ],
)
def test_a_view_that_slack_refuses_is_refused(view: dict[str, Any], pointer: str):
    assert pointer in [each["pointer"] for each in view_errors(view)]
