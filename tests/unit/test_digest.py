"""Canonical bytes: refused, or the same wherever the arguments have been."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from bot.approvals.digest import (
    NotCanonical,
    call_digest,
    canonical,
    grant_digest,
    schema_digest,
    schema_text,
    storable,
)

texts = st.text(st.characters(codec=None), max_size=8)  # surrogates and NUL too
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner),
    max_leaves=12,
)
arguments = st.dictionaries(texts, json_values, max_size=4)


def digest_or_refusal(value) -> str:
    try:
        return call_digest("wipe", "s", value)
    except NotCanonical:
        return "refused"


@given(arguments)
def test_a_digest_outlives_json_and_is_else_refused(value):
    digest = digest_or_refusal(value)
    if digest != "refused":
        assert digest_or_refusal(json.loads(json.dumps(value))) == digest


@given(arguments)
def test_stored_values_are_read_back_with_the_same_digest(value):
    try:
        stored = storable(value)
    except NotCanonical:
        return
    assert digest_or_refusal(json.loads(stored)) == digest_or_refusal(value)
    assert stored.encode("utf-8").decode("utf-8") == stored
    assert "\x00" not in stored


@pytest.mark.parametrize("value", [2.0**53, -1e20, 1e20])
def test_a_float_written_as_a_huge_integer_is_refused(value):
    assert canonical(value)
    with pytest.raises(NotCanonical):
        storable({"amount": value})


@given(arguments)
def test_a_digest_outlives_the_checkpoint_and_is_else_refused(value):
    digest = digest_or_refusal(value)
    if digest != "refused":
        call = {"name": "wipe", "args": value, "id": "c", "type": "tool_call"}
        serde = JsonPlusSerializer()
        kind, data = serde.dumps_typed([AIMessage("", tool_calls=[call])])
        [message] = serde.loads_typed((kind, data))
        assert digest_or_refusal(message.tool_calls[0]["args"]) == digest


@given(arguments, arguments, st.booleans())
def test_equal_digests_mean_equal_arguments(one, changes, is_same):
    other = dict(reversed(one.items())) if is_same else {**one, **changes}
    first, second = digest_or_refusal(one), digest_or_refusal(other)
    if first != "refused" and second != "refused":
        assert (first == second) == (canonical(one) == canonical(other))


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        -math.inf,
        2**53,
        -(2**53),
        "\ud800",
        {"\udfff": 1},
        {1: "number as a key"},
        b"bytes",
        {1, 2},
        pytest.param(object(), id="object"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("wrap", [lambda v: v, lambda v: {"a": [v]}])
def test_what_has_no_canonical_form_is_refused(value, wrap):
    with pytest.raises(NotCanonical, match="the arguments cannot be written down"):
        canonical(wrap(value))


def test_a_value_that_nests_without_end_is_refused():
    deep: list = []
    for _ in range(20_000):
        deep = [deep]
    with pytest.raises(NotCanonical):
        canonical(deep)


def test_key_order_and_number_spelling_do_not_matter():
    assert canonical({"b": 1.0, "a": [2]}) == canonical({"a": [2], "b": 1})
    assert canonical({"a": 1}) != canonical({"a": "1"})
    assert canonical({"a": True}) != canonical({"a": 1})
    assert canonical({"a": None}) != canonical({})


def test_two_spellings_of_the_same_letter_are_two_values():
    assert canonical("caf\u00e9") != canonical("cafe\u0301")


def test_each_part_of_a_call_matters():
    plain = call_digest("wipe", "s", {"path": "a"})
    assert len({plain, "x" * 64}) == 2
    assert len(plain) == 64
    others = {
        call_digest("peek", "s", {"path": "a"}),
        call_digest("wipe", "t", {"path": "a"}),
        call_digest("wipe", "s", {"path": "b"}),
        call_digest("wipe", "s", {"path": "a", "force": False}),
        call_digest("wipe", "s", {}),
    }
    assert plain not in others
    assert len(others) == 5


GRANT = {
    "conversation": "c",
    "interrupt": "i",
    "tool_call": "t",
    "requester": ("E", "T", "U"),
    "policy_version": "v",
}


@pytest.mark.parametrize(
    ("field", "other"),
    [
        ("conversation", "c2"),
        ("interrupt", "i2"),
        ("tool_call", "t2"),
        ("requester", ("E2", "T", "U")),
        ("requester", ("E", "T2", "U")),
        ("requester", ("E", "T", "U2")),
        ("requester", ("", "ET", "U")),
        ("policy_version", "v2"),
    ],
)
def test_each_field_of_a_grant_matters(field, other):
    assert grant_digest("call", **GRANT) != grant_digest(
        "call", **{**GRANT, field: other}
    )


def test_a_grants_digest_depends_on_the_call_and_each_field():
    assert grant_digest("call", **GRANT) != grant_digest("call2", **GRANT)
    swapped = {**GRANT, "interrupt": "t", "tool_call": "i"}
    assert grant_digest("call", **GRANT) != grant_digest("call", **swapped)


def test_digests_of_different_kinds_never_meet():
    value = {"tool": "wipe", "schema": "s", "arguments": {}}
    assert schema_digest(value) != call_digest("wipe", "s", {})


def test_a_schema_with_huge_integers_has_text_and_digest():
    bounds = {"minimum": -(2**63), "maximum": 2**63 - 1}
    schema = {"type": "object", "properties": {"amount": bounds}}
    turned = {"properties": {"amount": dict(reversed(bounds.items()))}, **schema}
    assert json.loads(schema_text(schema)) == schema
    assert schema_digest(turned) == schema_digest(schema)
    assert schema_digest({**schema, "title": "x"}) != schema_digest(schema)


def test_a_plain_schemas_text_is_its_canonical_form():
    schema = {"type": "object", "properties": {"b": {}, "a": {"const": 1.0}}}
    assert schema_text(schema) == canonical(schema)
