"""Quick JSON means what it is made of, as Python's own encoder has it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.base.quick_json import quick_json, quick_loads

texts = st.text()
leaves = st.none() | st.booleans() | st.integers() | texts
values = st.recursive(
    leaves | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=10,
)


@given(values)
@example({"half a character": "\ud800"})
@example([2**70])
def test_quick_json_means_what_it_is_made_of(value: Any):
    assert json.loads(quick_json(value)) == value


def test_quick_json_sorts_its_keys():
    assert quick_json({"b": 1, "a": 2}) == quick_json({"a": 2, "b": 1})


def test_quick_json_refuses_what_is_no_json():
    with pytest.raises(TypeError):
        quick_json(object())


NUMBER = r"-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,3})?"
numbers = st.from_regex(NUMBER, fullmatch=True)
written = st.builds(json.dumps, values, ensure_ascii=st.booleans()) | numbers | texts


def read_by(loads: Any, text: str | bytes) -> str:
    """Return the repr of what is read: it shows each type and all digits."""
    try:
        return repr(loads(text))
    except ValueError:
        return "no JSON"


@given(written)
@example("NaN")
@example('"\\ud800"')
@example("1e999")
@example("-0")
@example(f"[{2**63}, {2**64}, {-(2**63) - 1}]")
@example('{"a": 1, "a": 2}')
@example("[" * 1_100 + "]" * 1_100)
def test_quick_loads_reads_what_pythons_own_decoder_reads(text: str):
    assert read_by(quick_loads, text) == read_by(json.loads, text)
    body = text.encode("utf-8", "surrogatepass")
    assert read_by(quick_loads, body) == read_by(json.loads, body)
