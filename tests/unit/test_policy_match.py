"""What the rules of a policy add up to for a call."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.approvals.policy import (
    Demanded,
    Denied,
    Effect,
    Policy,
    Rule,
    StageDemand,
    Waived,
    parse_policy,
    plan,
)
from bot.approvals.policy.match import name_matches

HEAD = """
version: 1
defaults: {channel: C01, timeout: 2h, stages: [{approvers: managers}]}
approvers:
  managers: {users: [U01, U02, U03]}
  directors: {users: [U04, U05]}
  finance: {users: [U06]}
"""


def policy(*rules: str, head: str = HEAD) -> Policy:
    lines = "".join(f"\n  - {rule}" for rule in rules)
    return parse_policy(head + (f"rules:{lines}" if rules else ""))


def demanded(policy: Policy, tool: str) -> Demanded:
    answer = plan(policy, tool, {})
    assert isinstance(answer, Demanded)
    return answer


def chain(policy: Policy, tool: str = "pay") -> list[tuple[str, int]]:
    return [(s.approvers, s.quorum) for s in demanded(policy, tool).stages]


def test_demands_add_up_in_file_order():
    rules = policy(
        "{name: a, tools: [pay], why: Money., stages: [{approvers: directors}]}",
        "{name: b, tools: [other], stages: [{approvers: finance}]}",
        "{name: c, tools: ['p*'], stages: [{approvers: managers}]}",
    )
    answer = demanded(rules, "pay")
    assert answer == Demanded(
        stages=(
            StageDemand("directors", 1, ("U04", "U05")),
            StageDemand("managers", 1, ("U01", "U02", "U03")),
        ),
        rules=("a", "c"),
        why=("Money.",),
        channel="C01",
        timeout=dt.timedelta(hours=2),
    )


def test_a_group_that_several_rules_demand_stands_once_with_the_larger_quorum():
    rules = policy(
        "{tools: [pay], stages: [{approvers: managers}, {approvers: directors}]}",
        "{tools: ['*'], stages: [{approvers: managers, quorum: 3}]}",
        "{tools: [pay], stages: [{approvers: managers, quorum: 2}]}",
    )
    assert chain(rules) == [("managers", 3), ("directors", 1)]


def test_a_denial_wins_over_everything():
    rules = policy(
        "{tools: [pay], approval: none}",
        "{tools: [pay], stages: [{approvers: managers}]}",
        "{name: never, tools: [pay], deny: true, why: Not from here.}",
    )
    assert plan(rules, "pay", {}) == Denied("never", "Not from here.")


def test_a_denial_without_a_reason_still_tells_the_agent_a_sentence():
    rules = policy("{name: never, tools: [pay], deny: true}")
    assert plan(rules, "pay", {}) == Denied(
        "never", "The policy's rule never denies pay."
    )


def test_a_waiver_holds_only_where_nothing_demands():
    waiver = "{name: free, tools: ['*'], approval: none}"
    demand = "{tools: [pay], stages: [{approvers: directors}]}"
    for rules in (policy(waiver, demand), policy(demand, waiver)):
        assert chain(rules, "pay") == [("directors", 1)]
        assert plan(rules, "read", {}) == Waived("free")


def test_a_call_that_no_rule_knows_gets_the_default_stages():
    rules = policy("{tools: [read], approval: none}")
    answer = demanded(rules, "pay")
    assert chain(rules) == [("managers", 1)]
    assert answer.rules == ("defaults.stages",)
    assert answer.why == ()


def test_without_default_stages_a_call_that_no_rule_knows_is_denied():
    rules = parse_policy("version: 1\nrules: [{tools: [read], approval: none}]")
    assert plan(rules, "pay", {}) == Denied("", "No rule of the policy allows pay.")


def test_a_rule_for_interrupts_never_matches_a_tool():
    rules = policy(
        "{interrupts: ['*'], deny: true}",
        "{interrupts: [pay], stages: [{approvers: directors}]}",
    )
    assert chain(rules) == [("managers", 1)]


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("delete_file", "delete_file", True),
        ("delete_file", "delete_files", False),
        ("delete_file", "Delete_file", False),
        ("delete_*", "delete_file", True),
        ("delete_*", "delete_", True),
        ("delete_*", "delete", False),
        ("*", "", True),
        ("a.c", "abc", False),
    ],
)
def test_a_name_matches_as_a_whole_or_up_to_its_star(pattern, name, matches):
    assert name_matches(pattern, name) is matches


GROUPS = {"managers": 3, "directors": 2, "finance": 1}
PEOPLE = {g: parse_policy(HEAD).groups[g].users for g in GROUPS}
TOOLS = ["pay", "pay_out", "read"]


@st.composite
def stages(draw) -> tuple[StageDemand, ...]:
    groups = draw(st.lists(st.sampled_from(sorted(GROUPS)), min_size=1, unique=True))
    return tuple(
        StageDemand(g, draw(st.integers(1, GROUPS[g])), PEOPLE[g]) for g in groups
    )


@st.composite
def any_rule(draw) -> Rule:
    effect = draw(st.sampled_from(Effect))
    return Rule(
        name=draw(st.text("abc", min_size=1)),
        effect=effect,
        tools=(draw(st.sampled_from([*TOOLS, "pay*", "*"])),),
        stages=draw(stages()) if effect is Effect.DEMAND else (),
    )


rule_lists = st.lists(any_rule(), max_size=6)


def with_rules(rules: list[Rule]) -> Policy:
    return dataclasses.replace(parse_policy(HEAD), rules=tuple(rules))


def is_demanded_by_a_rule(policy: Policy, tool: str) -> bool:
    return any(
        rule.effect is Effect.DEMAND and any(name_matches(p, tool) for p in rule.tools)
        for rule in policy.rules
    )


@given(rule_lists, any_rule(), st.integers(0, 6), st.sampled_from(TOOLS))
def test_adding_a_rule_never_removes_a_demand_that_a_rule_makes(
    rules, added, place, tool
):
    before = with_rules(rules)
    after = with_rules([*rules[:place], added, *rules[place:]])
    old, new = plan(before, tool, {}), plan(after, tool, {})
    if isinstance(old, Denied):
        assert isinstance(new, Denied)
    elif is_demanded_by_a_rule(before, tool) and not isinstance(new, Denied):
        quorums = {stage.approvers: stage.quorum for stage in new.stages}
        assert all(quorums[s.approvers] >= s.quorum for s in old.stages)


@given(rule_lists, st.randoms(use_true_random=False), st.sampled_from(TOOLS))
def test_the_order_of_rules_changes_the_order_of_stages_and_nothing_else(
    rules, order, tool
):
    shuffled = order.sample(rules, len(rules))
    old, new = plan(with_rules(rules), tool, {}), plan(with_rules(shuffled), tool, {})
    assert type(old) is type(new)
    if isinstance(old, Demanded):
        assert set(old.stages) == set(new.stages)
        assert sorted(old.rules) == sorted(new.rules)
        assert (old.channel, old.timeout) == (new.channel, new.timeout)
