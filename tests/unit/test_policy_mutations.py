"""A policy is refused if anything in it is mistyped, emptied or out of place."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.support.policy_texts import (
    GOOD,
    complaints,
    complaints_about,
    complaints_or_none,
)


def test_all_complaints_are_collected_not_only_the_first():
    lines = complaints(
        """
        version: 1
        version: 1
        approvers:
          m: {users: [U01, "@mina", U01]}
        rules:
          - {tools: [x], when: {}, links: 1, stages: [{approvers: n, quorum: 0}]}
          - {tols: [x], deny: 1}
          - {}
        """
    )
    paths = [line.split(":")[0] for line in lines]
    assert sorted(paths) == [
        "approvers.m.users[1]",
        "approvers.m.users[2]",
        "rules[0].links",
        "rules[0].stages[0].approvers",
        "rules[0].stages[0].quorum",
        "rules[0].when",
        "rules[1].deny",
        "rules[1].tols",
        "rules[2]",
        "version",
    ]


def paths_in(data: object, loc: tuple = ()):
    """Walk every key of plain data, deepest last."""
    pairs = (
        data.items()
        if isinstance(data, dict)
        else enumerate(data)
        if isinstance(data, list)
        else ()
    )
    for key, value in pairs:
        yield (*loc, key)
        yield from paths_in(value, (*loc, key))


def is_free(loc: tuple) -> bool:
    """Return whether a place is inside an answer to a graph, which may be any JSON."""
    return loc[2:3] == ("answers",) and len(loc) > 3


DATA = yaml.safe_load(GOOD)
PLACES = list(paths_in(DATA))


def changed(loc: tuple) -> tuple[dict, Any]:
    """Return a copy of the good policy, and what holds a place in it."""
    data = holder = copy.deepcopy(DATA)
    for step in loc[:-1]:
        holder = holder[step]
    return data, holder


@pytest.mark.parametrize("empty", [None, "", [], {}], ids=repr)
def test_whatever_is_emptied_the_policy_is_refused(empty: object):
    for loc in PLACES:
        if is_free(loc):
            continue
        data, holder = changed(loc)
        holder[loc[-1]] = empty
        assert complaints_about(data), loc


FREE_NAMES = {("approvers", group) for group in DATA["approvers"]}
FREE_NAMES |= {("interrupts", "levels", "director")}
FREE_NAMES |= {loc for loc in PLACES if loc[2:3] == ("when",) and len(loc) == 4}
FREE_NAMES |= {loc for loc in PLACES if is_free(loc) and len(loc) > 4}
KEYS = [loc for loc in PLACES if isinstance(loc[-1], str)]


def test_whatever_key_is_mistyped_the_policy_is_refused():
    for loc in KEYS:
        if loc in FREE_NAMES:
            continue
        data, holder = changed(loc)
        holder[loc[-1] + "x"] = holder.pop(loc[-1])
        (complaint,) = [c for c in complaints_about(data) if "unknown key" in c]
        assert complaint.endswith(f"did you mean `{loc[-1]}`?"), loc


KNOWN_KEYS = sorted({str(loc[-1]) for loc in KEYS} | {"critical", "links", "notify"})
keys = st.sampled_from(KNOWN_KEYS) | st.text(max_size=3)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
scalars |= st.sampled_from(
    ["none", "managers", "requester", "U01", "\ud800", "24h", "*.a.b"]
)
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.sampled_from(PLACES), keys, anything)
def test_any_mutation_is_a_policy_or_a_list_of_sentences(loc, key, value):
    data, holder = changed(loc)
    holder[loc[-1]] = value
    if isinstance(holder, dict):
        holder[key] = value
    found = complaints_or_none(json.dumps(data))
    assert found is None or found
    assert all(line.isprintable() for line in found or ())
