"""A server's question: which schemas a form can ask for, and what it shows."""

from __future__ import annotations

import pytest

from bot.slack.cards.blocks import VALUE, CardRef
from bot.slack.cards.edit_form import (
    block_id,
    can_show,
    input_of,
    question_blocks,
    server_answer,
    server_form,
)
from bot.slack.cards.fields import fields_from
from tests.support.people import RAVI
from tests.support.shown import everything

SCHEMA = {
    "type": "object",
    "properties": {
        "mail": {"type": "string", "format": "email", "description": "Where to?"},
        "size": {"type": "string", "enum": ["small", "large"]},
        "count": {"type": "integer", "maximum": 3},
        "price": {"type": "number"},
        "sure": {"type": "boolean"},
    },
    "required": ["mail", "size", "count", "sure"],
}
ASKED = {
    "delivery_id": "d-1",
    "server": "odd",
    "message": "Sure? <!channel> *ours*\u202e",
    "schema": SCHEMA,
    "user_id": RAVI,
    "status": "open",
    "stands": True,
    "due_at": "2026-11-29T08:00:00+00:00",
}


def values(*texts: str):
    return {block_id(i): {VALUE: {"value": text}} for i, text in enumerate(texts)}


def test_a_flat_schema_becomes_a_form_and_its_answer():
    assert can_show(SCHEMA)
    form = server_form(ASKED, CardRef("d-1", "C1", "1.1"))
    kinds = [b["element"]["type"] for b in form["blocks"] if b["type"] == "input"]
    text, menu, number = "plain_text_input", "static_select", "number_input"
    assert kinds == [text, menu, number, number, menu]
    assert "no passwords" in everything(form)
    found = server_answer(ASKED, values("a@example.com", "1", "2", "", "0"))
    assert found.errors == {}
    assert found.arguments == {
        "mail": "a@example.com",
        "size": "large",
        "count": 2,
        "sure": True,
    }
    assert server_answer(ASKED, values("a", "9", "x", "", "0")).errors.keys() == {
        block_id(1),
        block_id(2),
    }
    fields, given = fields_from(ASKED["schema"]), values("a", "1", "5", "", "0")
    said = "count: 5 is greater than the maximum of 3"
    assert input_of(fields, given, said) == "argument-2"


@pytest.mark.parametrize(
    "properties",
    [
        {},
        {"all": {"type": "array", "items": {"type": "string"}}},
        {"inner": {"type": "object"}},
        {"which": {"type": "string", "oneOf": [{"const": "a", "title": "A"}]}},
        {"any": True},
        {f"a{n}": {"type": "string"} for n in range(21)},
        {"bad": {"type": "no such type"}},
        {"long": {"type": "string", "description": "x" * 20_001}},
    ],
)
def test_what_the_form_cannot_ask_for_is_not_asked(properties):
    assert not can_show({"type": "object", "properties": properties})


def test_the_servers_words_are_data_and_lose_their_buttons():
    blocks = question_blocks("d-1", ASKED)
    assert [block["type"] for block in blocks] == [
        "section",
        "rich_text",
        "section",
        "actions",
    ]
    [said] = blocks[1]["elements"]
    assert said["type"] == "rich_text_preformatted"
    assert "\u202e" not in everything({"blocks": blocks})
    for status, words in (
        ("answered", f"Answered by <@{RAVI}>"),
        ("declined", f"Declined by <@{RAVI}>"),
        ("open", "is over"),
    ):
        over = question_blocks("d-1", {**ASKED, "stands": False, "status": status})
        assert words in over[2]["text"]["text"]
        assert len(over) == 3
