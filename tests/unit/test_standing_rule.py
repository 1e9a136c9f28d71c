"""A grant covers a call alone that differs in nothing but paths under its folders."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.approvals.standing_grants import EQUAL, UNDER, Binding, binds, prefixes_of

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


URL = "https://api.example.com/v1/items"
TRICKS = [
    *("{0}/../x", "{0}/..", "{0}/./x", "{0}/.../x", "{0}/.. /x", "{0}//x", "{0}"),
    *("{0}x/y", "{0}/", "{0}/%2e%2e/x", "{0}/%c0%ae%c0%ae/x", "{0}/..;/x", "{0}/x?y=1"),
    *("{0}/x#y", "{0}/x\\..\\y", "{0}/$HOME/x", "{0}/`x`", "{0}/{{a,/etc/b}}"),
    *("{0}/\uff0e\uff0e/x", "{0}/..\u2215x", "{0}/x\u200b", "{0}/x\u202ey", "{0}/x~1"),
    *("{0}/\u2024\u2024/x", " {0}/x", "{0}/x\n", "{0}/*", "{0}/.. ./x", "{0}/.^./x"),
]


@pytest.mark.parametrize("trick", TRICKS)
@pytest.mark.parametrize("prefix", ["logs/web", "/srv/logs", URL])
def test_threat_74_no_trick_leaves_a_prefix(prefix: str, trick: str):
    assert binds([Binding("path", UNDER, prefix)], {"path": f"{prefix}/x/y.txt"})
    value = trick.format(prefix)
    assert not binds([Binding("path", UNDER, prefix)], {"path": value})
    assert prefix not in prefixes_of("path", value)


@pytest.mark.parametrize(
    "value",
    [
        "http://api.example.com/v1/items/7",
        "https://api.example.com:8443/v1/items/7",
        "https://api.example.com./v1/items/7",
        "https://API.example.com/v1/items/7",
        "https://me@api.example.com/v1/items/7",
        "https://api.example.com@evil.example/v1/items/7",
        "https://api.ex\u0430mple.com/v1/items/7",
        "https://api.example.com.evil.example/v1/items/7",
        "https:/api.example.com/v1/items/7",
        "//api.example.com/v1/items/7",
    ],
)
def test_threat_74_another_host_is_under_no_address(value: str):
    for prefix in (URL, "https://api.example.com"):
        assert binds([Binding("url", UNDER, prefix)], {"url": f"{URL}/7"})
        assert not binds([Binding("url", UNDER, prefix)], {"url": value})


@pytest.mark.parametrize(
    ("argument", "value", "expected"),
    [
        ("path", "a/b/c.txt", ["a/b", "a"]),
        ("target", "a/b/c.txt", ["a/b", "a"]),
        ("target", "/a/b", ["/a"]),
        ("source_dir", "a/b c", ["a"]),
        ("path", "a/b/", ["a"]),
        ("url", f"{URL}/7", [URL, URL[:-6], URL[:-9]]),
        ("url", "https://host:8443/a", ["https://host:8443"]),
        # a slash that means something else
        ("day", "1/2/2026", []),
        ("kind", "application/json", []),
        ("text", "see a/b and c/d.txt", []),
        ("answer", "yes/no", []),
        ("repository", "user/name", []),
        # nothing to be in, or not for certain
        ("path", "a.txt", []),
        ("path", "/a", []),
        ("path", "", []),
        ("path", "./a/b.txt", []),
        ("path", "a//b.txt", []),
        ("path", "a/../b/c.txt", []),
        ("path", "C:/a/b.txt", []),
        ("url", "https://host", []),
        ("url", "https://host/", []),
        ("url", "https://host/a?to=/b/c", []),
        ("url", "ftp://host/a/b", []),
        ("url", "https://2130706433/a", []),
        *(("path", none, []) for none in (7, None, ["a/b"], {"a": "b/c"})),
    ],
)
def test_a_prefix_is_offered_where_its_end_means_something(argument, value, expected):
    assert prefixes_of(argument, value) == expected
    for prefix in expected:
        assert binds([Binding(argument, UNDER, prefix)], {argument: value})


@given(st.text(st.sampled_from("ab./:%\\ https\u2215\uff0f"), max_size=24))
def test_every_prefix_is_the_beginning_of_its_value(value: str):
    for prefix in prefixes_of("path", value):
        assert value.startswith(f"{prefix}/")
        assert binds([Binding("path", UNDER, prefix)], {"path": value})
