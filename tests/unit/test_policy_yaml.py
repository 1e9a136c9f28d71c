"""The part of YAML that a policy may use, and how the rest is refused."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bot.approvals.policy.complaints import PolicyError
from bot.approvals.policy.yaml_text import read_yaml


def refused(text: str) -> list[str]:
    with pytest.raises(PolicyError) as caught:
        read_yaml(text)
    return [str(complaint) for complaint in caught.value.complaints]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("none", "none"),
        ("~", None),
        ("", None),
        ("null", None),
        ("'null'", "null"),
        ("yes", True),
        ("Off", False),
        ("'yes'", "yes"),
        ("12", 12),
        ("-3", -3),
        ("010", 10),
        ("0x10", "0x10"),
        ("1_000", "1_000"),
        ("4:30", "4:30"),
        ("2026-12-31", "2026-12-31"),
        ("1.5", 1.5),
        (".nan", ".nan"),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_an_unquoted_word_has_the_plainest_type(text: str, value: object):
    (read,) = read_yaml(f"- {text}")[0]
    assert (type(read), read) == (type(value), value)


def test_a_duplicate_key_is_reported_with_path_and_lines():
    data, complaints = read_yaml("a:\n  - b: 1\n    c: 2\n    b: 3\n")
    assert data == {"a": [{"b": 1, "c": 2}]}
    assert [str(c) for c in complaints] == [
        "a[0].b: the key is there twice (lines 2 and 4); keep one."
    ]


def test_a_quoted_and_an_unquoted_key_are_the_same_key():
    complaints = read_yaml("tools: 1\n'tools': 2\n")[1]
    assert [c.path for c in complaints] == ["tools"]


def test_a_merge_key_is_refused_with_its_line():
    complaints = read_yaml("a:\n  <<: {b: 1}\n")[1]
    assert [str(c) for c in complaints] == [
        "a: line 2: merge keys (`<<`) are not allowed; write the keys out."
    ]


@pytest.mark.parametrize("key", ["5", "true", "~", "1.5"])
def test_a_key_that_is_no_text_is_refused(key: str):
    (complaint,) = read_yaml(f"{key}: x")[1]
    assert "is not read as text; put it in quotes." in complaint.sentence


def test_a_key_that_is_a_list_is_refused():
    (complaint,) = read_yaml("? [a]\n: x")[1]
    assert str(complaint) == "line 1: a key must be text, not a list or a mapping."


def test_aliases_anchors_and_tags_are_refused_all_at_once():
    assert refused("a: &x 1\nb: *x\nc: !!python/name:os.system d\n") == [
        "line 1: anchors (`&x`) are not allowed; remove it.",
        "line 2: aliases (`*x`) are not allowed; write the value out, "
        "or put a name that starts with * in quotes.",
        "line 3: tags (`tag:yaml.org,2002:python/name:os.system`) are not allowed; "
        "remove it.",
    ]


def test_a_billion_laughs_are_refused():
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 40)]
    assert len(refused("\n".join(lines))) == 40 + 39 * 2


@pytest.mark.parametrize("text", ["[" * 5000, "{a: " * 5000, "- " * 5000])
def test_deep_nesting_is_refused_before_it_can_hurt(text: str):
    assert refused(text) == ["line 1: the nesting is too deep to be meant."]


def test_a_second_document_is_refused():
    assert refused("a: 1\n---\nb: 1\n") == [
        "line 2: a second document starts here; a policy is one document."
    ]


def test_a_control_character_is_refused():
    assert refused("a: \0") == ["The policy holds U+0000, which YAML does not allow."]


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("a: [*]", "line 1, column 6: this isn't YAML: "),
        ("a:\n  - @mina", "line 2, column 5: this isn't YAML: "),
    ],
)
def test_an_unquoted_star_or_at_sign_gets_a_hint(text: str, start: str):
    (complaint,) = refused(text)
    assert complaint.startswith(start)
    assert complaint.endswith("(put a value that starts with * or @ in quotes).")


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_with_sentences(text: str):
    try:
        _, complaints = read_yaml(text)
    except PolicyError as error:
        complaints = list(error.complaints)
        assert complaints
    assert all(c.sentence.endswith(".") for c in complaints)
    assert all("\n" not in str(c) for c in complaints)


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-999, 999) | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("abc", min_size=1, max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text("abc", min_size=1), plain, max_size=4))
def test_what_a_yaml_writer_writes_is_read_back(data: object):
    assert read_yaml(yaml.safe_dump(data)) == (data, [])
