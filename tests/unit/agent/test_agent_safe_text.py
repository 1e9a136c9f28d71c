"""Text that is stored or shown: it fits, nothing is hidden, nothing steers."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent.safe_text import clean_text, harmless, is_hidden, visible_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(VALUES)
@example({"path": "a\u202eb\u200b\u3164\U000e0041\\u202e\n\t"})
def test_arguments_are_shown_whole_and_nothing_in_them_is_hidden(value: object):
    shown = visible_json(value, indent=2)

    assert not any(is_hidden(character) for character in shown)
    assert json.loads(shown) == value


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]52;c;eA==\x07", "\\u001b]52;c;eA==\\u0007"),
        ("a\rb", "a\\rb"),
        ("a\x9bb", "a\\u009bb"),
        ("exe.\u202etxt", "exe.\\u202etxt"),
        ("one\u2028two", "one\\u2028two"),
        ("half \ud83d", "half \\ud83d"),
    ],
)
def test_a_text_cannot_steer_the_terminal(text: str, shown: str):
    assert harmless(text) == shown


def test_a_text_for_people_stays_as_it_is():
    text = "Voilà : 3 000 €\n\t⚠️ 👩‍🔧 done"

    assert harmless(text) == text


@given(st.text(st.characters()))
def test_cleaned_text_fits_utf8_and_postgresql(text):
    cleaned = clean_text(text)

    assert "\0" not in cleaned
    assert cleaned.encode().decode() == cleaned
