"""Which rules count for a call and why, and which of them can loosen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.approvals.policy.match import explain, plan, replacing_defaults
from bot.approvals.policy.model import Demanded, Policy, RuleEffect
from tests.support.policies import make_policy

ASK = "stages: [{approvers: managers}]"


def policy(*rules: str) -> Policy:
    return make_policy(*rules, defaults="{stages: [{approvers: managers}]}")


def test_each_rule_for_the_tool_shows_its_judged_conditions():
    rules = policy(
        "{name: other, tools: [read], approval: none}",
        f"{{name: large, tools: [pay], when: {{amount: {{gt: 5, lt: 9}}}}, {ASK}}}",
        "{name: free, tools: ['p*'], when: {to: {eq: mina}}, approval: none}",
        "{name: asked, interrupts: [pay], deny: true}",
    )
    large, free = explain(rules, "pay", {"amount": 10})
    assert (large.rule.name, large.counts) == ("large", False)
    assert [judged for _, judged in large.judged] == [True, False]
    assert (free.rule.name, free.counts) == ("free", False)
    assert [judged for _, judged in free.judged] == [None]
    unsure, _ = explain(rules, "pay", {})
    assert unsure.counts
    assert [judged for _, judged in unsure.judged] == [None, None]


def test_a_rule_counts_for_those_it_is_for():
    rules = policy(
        f"{{tools: [pay], agents: [robot], {ASK}}}", f"{{tools: [pay], {ASK}}}"
    )
    for agent, counts in (("robot", True), ("", False), ("other", False)):
        first, second = explain(rules, "pay", {}, agent)
        assert (first.counts, second.counts) == (counts, True)
    assert not explain(rules, "pay", {})[0].counts


@pytest.mark.parametrize(
    ("rules", "first"),
    [
        (["tools: [pay]"], [0]),
        (["tools: [pay]", "tools: [pay]"], [0]),
        (["tools: ['pay*']", "tools: [pay, payment]"], [0]),
        (["tools: [pay]", "tools: ['pay*']"], [0, 1]),
        (["tools: [pay, read]", "tools: [read]", "tools: [read, list]"], [0, 2]),
        (["tools: [pay]", "tools: [read]", "tools: [pay, read]"], [0, 1]),
        (["tools: [pay], when: {a: {gt: 5}}", "tools: [pay]"], [0, 1]),
        (["tools: [pay]", "tools: [pay], when: {a: {gt: 5}}"], [0]),
        (["tools: ['*']", "interrupts: [pay]"], [0, 1]),
        (["interrupts: ['*']", "interrupts: [pay]"], [0]),
    ],
)
def test_a_rule_that_may_demand_first_replaces_the_defaults(rules, first):
    marked = replacing_defaults(policy(*[f"{{{rule}, {ASK}}}" for rule in rules]))
    assert sorted(marked) == [f"rules[{index}]" for index in first]


def test_neither_a_waiver_nor_a_denial_demands():
    rules = policy(
        "{tools: ['*'], approval: none}",
        "{tools: ['*'], deny: true}",
        f"{{name: asks, tools: [pay], {ASK}}}",
    )
    assert replacing_defaults(rules) == {"asks"}


names = st.sampled_from(["pay", "pay*", "payment", "*", "read", "p*"])
rules = st.lists(st.tuples(st.lists(names, min_size=1, max_size=2), st.booleans()))


@given(rules, st.sampled_from(["pay", "payment", "payer", "read", "x"]), st.booleans())
def test_the_first_rule_that_demands_a_call_is_marked(shapes, tool, given_small):
    texts = [
        f"{{tools: {tools!r}, {'when: {a: {gt: 5}}, ' if is_narrow else ''}{ASK}}}"
        for tools, is_narrow in shapes
    ]
    made = policy(*texts)
    found = plan(made, tool, {"a": 1 if given_small else 9})
    assert isinstance(found, Demanded)
    demands = [rule for rule in made.rules if rule.effect is RuleEffect.DEMAND]
    if found.rules[0] in {rule.name for rule in demands}:
        assert found.rules[0] in replacing_defaults(made)
