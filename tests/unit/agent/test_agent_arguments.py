"""The arguments that are accepted, and those that are refused."""

from __future__ import annotations

import json
import math

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from agent.phrases import tool_calls
from agent.tool_arguments import ArgumentsError, check_values, parse_arguments

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats()
    | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner),
    max_leaves=8,
)


@given(anything)
def test_accepted_values_have_a_canonical_form_and_survive_json(value):
    if check_values(value):
        return

    assert rfc8785.dumps(json.loads(json.dumps(value))) == rfc8785.dumps(value)
    assert b"\\u0000" not in rfc8785.dumps(value)


uncanonical = st.sampled_from([math.nan, -math.inf, 2**53, -(2**60), "\ud800"])


@given(uncanonical, st.lists(anything, max_size=2), st.booleans())
def test_what_has_no_canonical_form_is_refused(odd, beside, is_named):
    value = {"a": beside, "b": odd} if is_named else [*beside, [odd]]
    with pytest.raises((rfc8785.CanonicalizationError, UnicodeEncodeError)):
        rfc8785.dumps(value)
    assert check_values(value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"a": 1, "a": 2}', "same key twice"),
        ('{"x": {"a": 1, "a": 1}}', "same key twice"),
        ('{"a": NaN}', "NaN"),
        ('{"a": -Infinity}', "-Infinity"),
        ('{"a": 1', "not valid JSON"),
        ("delete it", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("[1]", tool_calls.NO_OBJECT),
        ("null", tool_calls.NO_OBJECT),
        ('"x"', tool_calls.NO_OBJECT),
    ],
)
def test_anything_but_a_plain_json_object_is_refused(text, why):
    with pytest.raises(ArgumentsError, match=why):
        parse_arguments(text)


@pytest.mark.parametrize("text", ["", "  ", "{}"])
def test_no_text_means_no_arguments(text):
    assert parse_arguments(text) == {}


def test_a_number_too_large_for_a_float_is_refused():
    assert tool_calls.NOT_FINITE in check_values(parse_arguments('{"a": 1e999}'))


def test_deep_nesting_is_refused():
    value: object = 1
    for _ in range(5_000):
        value = [value]

    assert "nested deeper" in check_values(value)


@pytest.mark.parametrize("value", [{"a\0": 1}, {"a": ["\udfff"]}, {1: 2}, {"a": b"x"}])
def test_keys_and_inner_values_are_looked_at_too(value):
    assert check_values(value)
