"""The edit form: an input for each argument, and every untouched value as it was."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.safe_text import is_hidden
from bot.approvals.model import Confirm
from bot.simulator.block_check import is_too_large, view_errors
from bot.simulator.form_state import complaints, state_of
from bot.slack.cards.blocks import CardRef
from bot.slack.cards.edit_form import EDIT_FORM, edit_form, edited, input_of
from bot.slack.cards.fields import fields_of
from tests.support.cards_samples import CARD, of_type, preformatted_text, texts
from tests.support.hypothesis_profiles import scaled
from tests.support.request_builder import request

TRANSFER = {
    "type": "object",
    "properties": {
        "to": {"type": "string", "description": "Who gets it."},
        "amount": {"type": "integer"},
        "rate": {"type": "number", "default": 1.5},
        "urgent": {"type": "boolean", "default": False},
        "currency": {"enum": ["GBP", "EUR"]},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        "tags": {"type": "array", "items": {"type": "string"}},
        "account": {"$ref": "#/$defs/Account"},
    },
    "required": ["to", "amount", "currency"],
    "$defs": {"Account": {"$ref": "#/$defs/Inner"}, "Inner": {"type": "integer"}},
}
ARGUMENTS = {"to": "ACME", "amount": 500, "currency": "GBP"}


def transfer(arguments=ARGUMENTS, schema=TRANSFER, **changes):
    return request(tool="transfer_money", arguments=arguments, schema=schema, **changes)


def inputs(form) -> dict[str, dict]:
    return {b["label"]["text"]: b for b in of_type(form, "input")}


def submitted(form, **typed):
    """`state.values` after some inputs were filled, by label; "" empties one."""
    ids = {label: block["block_id"] for label, block in inputs(form).items()}
    return state_of(form["blocks"], {ids[label]: v for label, v in typed.items()})


def after(asked, **typed):
    return edited(asked, submitted(edit_form(asked, CARD), **typed))


def exact(value) -> str:
    """JSON tells 1, 1.0 and true apart."""
    return json.dumps(value, sort_keys=True)


def test_each_argument_has_the_input_of_its_type():
    form = edit_form(transfer(), CARD)
    assert view_errors(form) == []
    assert form["callback_id"] == EDIT_FORM
    assert {name: b["element"]["type"] for name, b in inputs(form).items()} == {
        "to": "plain_text_input",
        "amount": "number_input",
        "rate": "number_input",
        "urgent": "static_select",
        "currency": "static_select",
        "note": "plain_text_input",
        "tags (JSON)": "plain_text_input",
        "account": "number_input",
    }
    shown = inputs(form)
    assert not shown["amount"]["element"]["is_decimal_allowed"]
    assert shown["rate"]["element"]["is_decimal_allowed"]
    assert [name for name, block in shown.items() if not block["optional"]] == [
        "to",
        "amount",
        "currency",
    ]
    assert shown["to"]["hint"]["text"] == "Who gets it."
    assert shown["rate"]["hint"]["text"] == "If left out: 1.5"
    assert shown["to"]["element"]["initial_value"] == "ACME"
    assert "transfer_money" in preformatted_text(form)
    assert CardRef.from_json(form["private_metadata"]) == CARD


def test_a_form_has_the_order_of_its_card():
    names = sorted(TRANSFER["properties"])  # a stored schema has lost its own
    schema = {**TRANSFER, "properties": {n: TRANSFER["properties"][n] for n in names}}
    form = edit_form(transfer(schema=schema), CARD)
    assert [*inputs(form)][:4] == ["to", "amount", "currency", "account"]
    assert edited(transfer(schema=schema), submitted(form)).arguments == ARGUMENTS


def test_what_is_changed_keeps_its_type():
    found = after(
        transfer(),
        to="Beta Ltd ",
        amount="750",
        rate="2.5",
        urgent="0",
        currency="1",
        note="now",
        account="7",
        **{"tags (JSON)": '["a"]'},
    )
    assert found.errors == {}
    assert exact(found.arguments) == exact(
        {
            "to": "Beta Ltd ",
            "amount": 750,
            "rate": 2.5,
            "urgent": True,
            "currency": "EUR",
            "note": "now",
            "tags": ["a"],
            "account": 7,
        }
    )


def test_a_whole_number_in_a_number_field_stays_an_integer():
    asked = transfer({**ARGUMENTS, "rate": 2})
    assert exact(after(asked).arguments["rate"]) == "2"
    assert exact(after(asked, rate="3").arguments["rate"]) == "3"
    assert exact(after(asked, rate="3.0").arguments["rate"]) == "3.0"


def test_an_optional_argument_left_empty_is_absent():
    asked = transfer({**ARGUMENTS, "note": "old", "rate": 1, "urgent": True})
    left = inputs(edit_form(asked, CARD))["urgent"]["element"]["options"]
    assert [each["text"]["text"] for each in left] == ["Yes", "No", "Left out"]
    found = after(asked, note="", rate="", urgent="2")
    assert found.arguments == ARGUMENTS


def test_an_emptied_required_argument_becomes_null_if_allowed():
    schema = {
        "properties": {"note": {"type": ["string", "null"]}},
        "required": ["note"],
    }
    asked = transfer({"note": "x"}, schema)
    assert inputs(edit_form(asked, CARD))["note"]["optional"]
    assert after(asked, note="").arguments == {"note": None}


@pytest.mark.parametrize(
    ("name", "typed", "sentence"),
    [
        ("amount", "12.5", "whole number"),
        ("amount", "1e3", "a number"),
        ("amount", "१२", "a number"),
        ("amount", "9" * 20, "too large"),
        ("amount", "9" * 5_000, "shorter"),
        ("rate", "1.2.3", "a number"),
        ("tags (JSON)", "[1,", "not valid JSON"),
        ("tags (JSON)", "a text", "double quotes"),
        ("tags (JSON)", '{"a": 1, "a": 2}', "twice"),
        ("tags (JSON)", "[NaN]", "a JSON number"),
        ("tags (JSON)", "[1e999]", "too large"),
        ("tags (JSON)", '["\\ud800"]', "half a character"),
        ("tags (JSON)", '["\\u0000"]', "NUL"),
        ("tags (JSON)", "[" * 100_000, "not valid JSON"),
        ("to", " ", "required"),
        ("currency", "7", "one of the options"),
    ],
)
def test_what_cannot_be_read_is_said_at_its_input(name, typed, sentence):
    asked = transfer()
    form = edit_form(asked, CARD)
    values = submitted(form)
    held = values[inputs(form)[name]["block_id"]]["value"]
    if "selected_option" in held:
        held["selected_option"] = {"value": typed}
    else:
        held["value"] = typed
    found = edited(asked, values)
    assert list(found.errors) == [inputs(form)[name]["block_id"]]
    assert sentence in next(iter(found.errors.values()))


def test_a_literal_escape_of_nul_is_no_nul():
    found = after(transfer(), **{"tags (JSON)": r'["\\u0000"]'})
    assert found.arguments["tags"] == ["\\u0000"]


@pytest.mark.parametrize(
    "text", ["  two blanks", "a\u202eb", "a\r\nb", "\u3164", "nbsp\u00a0", "\\u{202E}"]
)
def test_a_text_that_does_not_show_itself_stands_in_quotes(text):
    asked = transfer({**ARGUMENTS, "to": text})
    form = edit_form(asked, CARD)
    shown = inputs(form)["to (JSON)"]["element"]["initial_value"]
    assert not any(is_hidden(character) for character in shown)
    assert json.loads(shown) == text
    assert after(asked).arguments["to"] == text
    changed = after(asked, **{"to (JSON)": shown[:-1] + '!"'})
    assert changed.arguments["to"] == text + "!"


@pytest.mark.parametrize("text", ["plain", "line\nline", 'a "quoted" <!channel> &'])
def test_a_text_that_shows_itself_stands_as_it_is(text):
    form = edit_form(transfer({**ARGUMENTS, "to": text}), CARD)
    element = inputs(form)["to"]["element"]
    assert element["initial_value"] == text
    assert element["multiline"] is ("\n" in text)


def test_a_long_text_is_shown_whole_and_kept():
    long = "line of a long text\n" * 200 + "\u202e"
    asked = transfer({**ARGUMENTS, "to": long})
    form = edit_form(asked, CARD)
    assert view_errors(form) == []
    assert "to" not in inputs(form)
    assert "stays as it is" in " ".join(texts(form))
    assert r"\u202e" in preformatted_text(form)
    assert after(asked, amount="1").arguments == {**ARGUMENTS, "to": long, "amount": 1}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({f"a{n}": n for n in range(41)}, "more than one form holds"),
        ({"a": 1, "body": "x" * 30_000}, "more than one form holds"),
        ({f"a{n}": "א" * 2_900 for n in range(30)}, "more than one form holds"),
        ({"body": "x" * 9_000}, "more than one form holds"),
        ({}, "no argument"),
    ],
)
def test_what_no_form_holds_cannot_be_edited_and_says_so(arguments, sentence):
    form = edit_form(transfer(arguments, {}), CARD)
    assert view_errors(form) == []
    assert "submit" not in form
    assert sentence in " ".join(texts(form))


def test_a_typed_confirmation_is_asked_for_here_too():
    asked = transfer(confirm=Confirm.TYPED, confirm_argument="amount")
    form = edit_form(asked, CARD)
    assert inputs(form)["To approve, type the value of amount"]["block_id"] == "typed"
    assert edited(asked, submitted(form)).arguments == ARGUMENTS


def test_menus_that_cannot_tell_their_options_apart_become_json():
    for choices in (["1", 1], ["x" * 80, "y"], ["", "a"], list(range(101)), [" a"]):
        schema = {"properties": {"pick": {"enum": choices}}, "required": ["pick"]}
        asked = transfer({"pick": choices[0]}, schema)
        assert list(inputs(edit_form(asked, CARD))) == ["pick (JSON)"]
        assert exact(after(asked).arguments) == exact({"pick": choices[0]})


def test_a_value_that_its_menu_does_not_have_becomes_json():
    schema = {"properties": {"pick": {"enum": [1, 2]}, "sure": {"type": "boolean"}}}
    form = edit_form(transfer({"pick": True, "sure": 1}, schema), CARD)
    assert list(inputs(form)) == ["pick (JSON)", "sure (JSON)"]


@pytest.mark.parametrize(
    ("complaint", "block"),
    [
        ("amount: 'x' is not of type 'integer'", "argument-1"),
        ("tags.0: 1 is not of type 'string'", "argument-6"),
        ("'currency' is a required property", "argument-4"),
        ("something else", "argument-0"),
    ],
)
def test_a_complaint_stands_at_the_input_that_it_is_about(complaint, block):
    asked = transfer()
    sent = submitted(edit_form(asked, CARD))
    assert input_of(fields_of(asked), sent, complaint) == block


def test_a_view_without_inputs_has_none_for_a_complaint():
    assert input_of(fields_of(transfer()), {}, "amount: no") == ""


NASTY = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs"]),
        st.sampled_from(" \n\t\r\u202e\u200b\u3164\u00a0\\u{\"'"),
    ),
    max_size=60,
)
NUMBERS = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(
    allow_nan=False, allow_infinity=False
)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | NASTY,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NASTY, inner),
    max_leaves=6,
)
NAMES = st.sampled_from(["a", "b", "c", "d"]) | NASTY
KINDS = st.sampled_from(
    ["string", "integer", "number", "boolean", "array", "object", "null", "odd", 7]
)
TYPES = st.recursive(
    st.builds(lambda kind: {"type": kind}, KINDS)
    | st.builds(lambda values: {"enum": values}, st.lists(JSON, max_size=4))
    | st.builds(lambda value: {"const": value}, JSON)
    | st.sampled_from(
        [{}, {"type": ["string", "null"]}, {"type": ["integer", "string"]}]
    )
    | st.sampled_from(
        [{"$ref": "#/$defs/X"}, {"$ref": "#/$defs/Loop"}, {"$ref": "https://x.example"}]
    ),
    lambda inner: st.builds(
        lambda word, each, default: {
            word: [each, {"type": "null"}],
            "default": default,
        },
        st.sampled_from(["anyOf", "oneOf", "allOf"]),
        inner,
        JSON,
    ),
    max_leaves=3,
)
SCHEMAS = st.just({}) | st.builds(
    lambda properties, required: {
        "type": "object",
        "properties": properties,
        "required": required,
        "$defs": {"X": {"type": "integer"}, "Loop": {"$ref": "#/$defs/Loop"}},
    },
    st.dictionaries(NAMES, TYPES, max_size=5),
    st.lists(NAMES, max_size=4),
)


@settings(max_examples=scaled(2))
@given(SCHEMAS, st.dictionaries(NAMES, JSON, max_size=5))
def test_an_untouched_form_gives_the_same_arguments(schema, arguments):
    asked = transfer(arguments, schema)
    form = edit_form(asked, CARD)
    state = state_of(form["blocks"], {})

    assert view_errors(form) == []
    assert not is_too_large(form)
    found = edited(asked, state)
    assert found.errors == {}
    assert exact(found.arguments) == exact(arguments)
    absent = set(schema.get("required", ())) - set(arguments)
    if not absent:  # whoever opens it can send it as it is
        shown = {**form, "state": {"values": state}}
        assert "submit" not in form or complaints(shown) == {}


@given(SCHEMAS, st.dictionaries(NAMES, JSON, max_size=5))
def test_nothing_hidden_and_no_markup_is_in_a_form(schema, arguments):
    form = edit_form(transfer(arguments, schema), CARD)
    for block in of_type(form, "input"):
        parts = [*texts(block), str(block["element"].get("initial_value", ""))]
        assert not any(is_hidden(character) for part in parts for character in part)
    assert of_type([b for b in form["blocks"] if b["type"] == "input"], "mrkdwn") == []
