"""Quick JSON means what it is made of, as Python's own encoder has it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.base.quick_json import quick_json

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
