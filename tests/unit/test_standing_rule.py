"""A grant covers a call alone that differs in nothing but paths under its folders."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.approvals.standing_grants import EQUAL, UNDER, Binding, binds, folders_of

WORDS = st.text(st.sampled_from("ab./%2e~\\ A\u200b"), max_size=12)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-3, 3), WORDS),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2)
    ),
    max_leaves=4,
)
CALLS = st.dictionaries(st.sampled_from(["a", "b", "c"]), VALUES, max_size=3)


def equal(arguments: dict[str, object]) -> list[Binding]:
    return [Binding(name, EQUAL, value) for name, value in arguments.items()]


@given(CALLS, CALLS)
def test_without_a_folder_it_covers_that_very_call_alone(one, other):
    assert binds(equal(one), one)
    assert binds(equal(one), other) is (
        repr(sorted(one.items(), key=str)) == repr(sorted(other.items(), key=str))
        or same(one, other)
    )


def same(one, other) -> bool:
    """Compare as JSON does: the order of keys is nothing, types are something."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other


@given(CALLS, VALUES, VALUES)
def test_a_folder_frees_its_own_argument_and_no_other(rest, path, other):
    rest.pop("a", None)
    bound = [*equal(rest), Binding("a", UNDER, "x/y")]
    covered = binds(bound, {**rest, "a": path})
    assert covered <= (isinstance(path, str) and path.startswith("x/y"))
    for name in rest:
        changed = {**rest, "a": "x/y/z", name: other}
        assert binds(bound, changed) is same(other, rest[name])
    assert not binds(bound, rest)
    assert not binds(bound, {**rest, "a": "x/y/z", "new": None})


@pytest.mark.parametrize(
    "path",
    [
        "x/y/../../etc/passwd",
        "x/y/..",
        "x/yz",
        "X/y/z",
        "/x/y/z",
        "x/y/%2e%2e/z",
        "x/y\\..\\z",
        " x/y/z",
        "x/y/z\u200b",
        "~/x/y",
        "x",
        "",
        ["x/y/z"],
        None,
    ],
)
def test_threat_41_no_trick_with_a_path_leaves_the_folder(path):
    assert not binds([Binding("path", UNDER, "x/y")], {"path": path})


def test_folders_are_those_of_a_plain_path_nearest_first():
    assert folders_of("a/b/c.txt") == ["a/b", "a"]
    assert folders_of("/a/b.txt") == ["/a"]
    assert folders_of("./a//b.txt") == ["a"]
    for none in ("a.txt", "/a", "a/../b/c", "", 7, None, ["a/b"], "https://a/b"):
        assert folders_of(none) == []
    assert binds([Binding("path", UNDER, "a/b")], {"path": "a/b/d.txt"})
