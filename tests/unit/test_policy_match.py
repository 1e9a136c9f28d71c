"""The rules of a policy, added up for a call."""

from __future__ import annotations

import dataclasses
import datetime as dt
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.approvals.model import ALLOWED, Confirm, Risk, Verdict
from bot.approvals.policy.conditions import judge
from bot.approvals.policy.load import parse_policy
from bot.approvals.policy.match import name_matches, plan, strongest
from bot.approvals.policy.model import (
    Condition,
    Demanded,
    Denied,
    Policy,
    Rule,
    RuleEffect,
    StageDemand,
    StandingOffer,
    Waived,
)
from tests.support.policies import make_policy

policy = partial(
    make_policy,
    defaults="{channel: C01, timeout: 2h, stages: [{approvers: managers}]}",
    approvers={
        "managers": ("U01", "U02", "U03"),
        "directors": ("U04", "U05"),
        "finance": ("U06",),
    },
)


def demanded(
    policy: Policy, tool: str = "pay", arguments: dict[str, Any] | None = None
) -> Demanded:
    answer = plan(policy, tool, arguments or {})
    assert isinstance(answer, Demanded)
    return answer


def chain(
    policy: Policy, tool: str = "pay", arguments: dict[str, Any] | None = None
) -> list[tuple[str, int]]:
    return [(s.approvers, s.quorum) for s in demanded(policy, tool, arguments).stages]


def test_demands_add_up_in_file_order():
    rules = policy(
        "{name: a, tools: [pay], why: Money., stages: [{approvers: directors}]}",
        "{name: b, tools: [other], stages: [{approvers: finance}]}",
        "{name: c, tools: ['p*'], stages: [{approvers: managers}]}",
    )
    answer = demanded(rules, "pay")
    assert answer == Demanded(
        stages=(
            StageDemand("directors", 1, ("U04", "U05"), channel="C01"),
            StageDemand("managers", 1, ("U01", "U02", "U03"), channel="C01"),
        ),
        rules=("a", "c"),
        why=("Money.",),
        channel="C01",
        timeout=dt.timedelta(hours=2),
    )


def test_a_group_demanded_twice_appears_once_with_the_larger_quorum():
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


def test_a_denial_without_a_reason_still_gets_a_sentence():
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


def test_without_default_stages_an_unmatched_call_is_denied():
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
def test_a_pattern_matches_the_whole_name_or_its_prefix(pattern, name, matches):
    assert name_matches(pattern, name) is matches


POUNDS = [
    "{name: small, tools: [pay], stages: [{approvers: managers}]}",
    "{tools: [pay], when: {amount: {gt: 1000}}, stages: [{approvers: finance}]}",
    "{tools: [pay], when: {amount: {gt: 10000}}, stages: [{approvers: directors}]}",
]


@pytest.mark.parametrize(
    ("amount", "groups"),
    [
        (0, "managers"),
        (-5, "managers"),
        (1000, "managers"),
        (1000.0, "managers"),
        (1000.01, "managers finance"),
        (1001, "managers finance"),
        (10000, "managers finance"),
        (10000.01, "managers finance directors"),
        (10**400, "managers finance directors"),
        ("1", "managers finance directors"),
        (True, "managers finance directors"),
        (None, "managers finance directors"),
        ([1], "managers finance directors"),
        (float("nan"), "managers finance directors"),
    ],
)
def test_the_table_of_payments_holds_at_each_edge(amount, groups):
    found = chain(policy(*POUNDS), "pay", {"amount": amount})
    assert [group for group, _ in found] == groups.split()


def test_a_missing_argument_demands_and_denies_but_never_waives():
    condition = "when: {amount: {lt: 5}}"
    demands = policy(f"{{tools: [pay], {condition}, stages: [{{approvers: finance}}]}}")
    denies = policy(f"{{tools: [pay], {condition}, deny: true, why: No.}}")
    waives = policy(f"{{tools: [pay], {condition}, approval: none}}")

    assert chain(demands) == [("finance", 1)]
    assert plan(denies, "pay", {}) == Denied("rules[0]", "No.")
    assert chain(waives) == [("managers", 1)]
    assert chain(demands, "pay", {"amount": 5}) == [("managers", 1)]
    assert isinstance(plan(denies, "pay", {"amount": 5}), Demanded)
    assert plan(waives, "pay", {"amount": 4}) == Waived("rules[0]")


def test_all_conditions_of_a_rule_must_hold():
    when = "{amount: {gt: 10, le: 20}, to.country: {in: [FR, DE]}}"
    rules = policy(f"{{tools: [pay], when: {when}, stages: [{{approvers: finance}}]}}")
    assert (
        chain(rules, "pay", {"amount": 15, "to": {"country": "FR"}})[0][0] == "finance"
    )
    for amount, country in [(10, "FR"), (21, "FR"), (15, "IT")]:
        arguments = {"amount": amount, "to": {"country": country}}
        assert chain(rules, "pay", arguments) == [("managers", 1)]


def test_one_condition_that_cannot_be_judged_spoils_a_waiver_alone():
    when = "{amount: {lt: 10}, to: {ne: eve}}"
    rules = policy(f"{{tools: [pay], when: {when}, approval: none}}")
    assert plan(rules, "pay", {"amount": 5, "to": "mina"}) == Waived("rules[0]")
    for to in ({"to": 5}, {"to": ["mina"]}, {}):
        assert isinstance(plan(rules, "pay", {"amount": 5, **to}), Demanded)


def test_the_strongest_confirmation_and_only_common_answers_hold():
    rules = policy(
        "{tools: [pay], confirm: dialog, allow: [approve, reject, edit, answer],"
        " stages: [{approvers: managers}]}",
        "{tools: ['*'], confirm: typed, allow: [answer, approve],"
        " stages: [{approvers: managers}]}",
        "{tools: [other], allow: [reject], stages: [{approvers: managers}]}",
    )
    answer = demanded(rules)
    assert answer.confirm is Confirm.TYPED
    assert answer.allow == (Verdict.APPROVE, Verdict.ANSWER)
    assert demanded(rules, "read").confirm is Confirm.TYPED
    assert demanded(policy()).confirm is Confirm.NONE
    assert demanded(policy()).allow == ALLOWED


@pytest.mark.parametrize(
    ("when", "arguments", "argument"),
    [
        ("{amount: {gt: 5}}", {"to": "mina", "amount": 10}, "amount"),
        ("{to.iban: {ne: x}}", {"amount": 10, "to": {"iban": "DE1"}}, "to.iban"),
        ("{tags: {ne: x}, amount: {gt: 5}}", {"tags": ["a"], "amount": 9}, "amount"),
        ("{amount: {gt: 5}, to: {ne: x}}", {"to": "mina", "amount": 9}, "amount"),
        ("{to: {ne: x}}", {"tags": ["a"], "amount": 10}, "amount"),
        ("", {"name": "prod", "force": True}, "name"),
        ("", {"tags": ["a"], "note": "", "text": "a\nb", "force": True}, "force"),
        ("", {"text": "a"}, "text"),
        ("", {"text": "a" * 100}, "text"),
        ("", {"text": "a" * 101}, ""),
        ("", {"tags": ["a"], "to": {"x": 1}, "none": None}, ""),
        ("", {}, ""),
    ],
)
def test_what_is_typed_in_is_what_the_rule_looks_at(when, arguments, argument):
    condition = f"when: {when}, " if when else ""
    rules = policy(
        "{tools: [pay], when: {first: {ne: 1}}, stages: [{approvers: finance}]}",
        f"{{tools: [pay], {condition}confirm: typed,"
        " stages: [{approvers: managers}]}",
    )
    assert demanded(rules, "pay", arguments).confirm_argument == argument


def test_nothing_is_typed_in_where_no_rule_asks_for_it():
    rules = policy("{tools: [pay], confirm: dialog, stages: [{approvers: managers}]}")
    assert demanded(rules, "pay", {"amount": 5}).confirm_argument == ""


def test_one_rule_makes_it_critical_and_all_must_allow_links():
    critical = "{tools: ['*'], stages: [{approvers: managers}], critical: true}"
    linked = "{tools: [pay], stages: [{approvers: managers}], links: true}"
    for rules, found in [
        ([linked], (False, True)),
        ([linked, linked], (False, True)),
        ([linked, critical], (True, False)),
    ]:
        answer = demanded(policy(*rules))
        assert (answer.critical, answer.links) == found


def test_a_group_is_told_in_every_way_rules_name():
    ways = ("[slack, webhook]", "[email]")
    rules = [
        f"{{tools: [pay], stages: [{{approvers: managers, notify: {way}}}]}}"
        for way in ways
    ]
    [stage] = demanded(policy(*rules)).stages
    assert stage.notify == ("email", "webhook")


def test_a_demand_has_the_hours_of_the_policy():
    hours = "hours: {days: [mon], from: 09:00, to: 17:00}"
    timed = policy(defaults=f"{{{hours}, stages: [{{approvers: managers}}]}}")
    assert timed.hours is not None
    assert demanded(timed).hours == timed.hours


def test_a_channel_named_by_any_stage_beats_the_default():
    usual = "{tools: [pay], stages: [{approvers: managers}]}"
    own = "{tools: [pay], stages: [{approvers: managers, channel: C09}]}"
    other = "{tools: [pay], stages: [{approvers: managers, channel: C05}]}"
    for rules, channel in [
        ([usual], "C01"),
        ([usual, own], "C09"),
        ([own, usual], "C09"),
        ([own, other, usual], "C05"),
        ([other, own], "C05"),
    ]:
        assert [s.channel for s in demanded(policy(*rules)).stages] == [channel]


GROUPS = {"managers": 3, "directors": 2, "finance": 1}
PEOPLE = {g: policy().groups[g].users for g in GROUPS}
TOOLS = ["pay", "pay_out", "read"]
VERDICTS = [v for v in Verdict if v is not Verdict.WITHDRAW]


@st.composite
def stages(draw) -> tuple[StageDemand, ...]:
    groups = draw(st.lists(st.sampled_from(sorted(GROUPS)), min_size=1, unique=True))
    channels = st.sampled_from(["C01", "C02", "thread"])
    return tuple(
        StageDemand(
            group,
            draw(st.integers(1, GROUPS[group])),
            PEOPLE[group],
            channel=draw(channels),
        )
        for group in groups
    )


conditions = st.builds(
    Condition,
    st.sampled_from(["amount", "to", "to.name"]),
    st.sampled_from(["eq", "ne", "gt", "le"]),
    st.sampled_from([5, "mina"]),
)
calls = st.dictionaries(
    st.sampled_from(["amount", "to", "force"]),
    st.sampled_from([4, 5, 6.5, "mina", "omar", True, None, [5], {"name": "mina"}]),
)


@st.composite
def any_rule(draw) -> Rule:
    effect = draw(st.sampled_from(RuleEffect))
    asks = effect is RuleEffect.DEMAND
    return Rule(
        name=draw(st.text("abc", min_size=1)),
        effect=effect,
        tools=(draw(st.sampled_from([*TOOLS, "pay*", "*"])),),
        stages=draw(stages()) if asks else (),
        when=tuple(draw(st.lists(conditions, max_size=2))),
        allow=tuple(draw(st.sets(st.sampled_from(VERDICTS)))) if asks else ALLOWED,
        confirm=draw(st.sampled_from(Confirm)) if asks else Confirm.NONE,
    )


rule_lists = st.lists(any_rule(), max_size=6)


def with_rules(rules: list[Rule]) -> Policy:
    return dataclasses.replace(policy(), rules=tuple(rules))


def is_demanded_by_a_rule(policy: Policy, tool: str, arguments: dict[str, Any]) -> bool:
    return any(
        rule.effect is RuleEffect.DEMAND
        and any(name_matches(pattern, tool) for pattern in rule.tools)
        and all(judge(each, arguments) is not False for each in rule.when)
        for rule in policy.rules
    )


@given(rule_lists, any_rule(), st.integers(0, 6), st.sampled_from(TOOLS), calls)
def test_adding_a_rule_keeps_every_demand_that_a_rule_makes(
    rules, added, place, tool, arguments
):
    before = with_rules(rules)
    after = with_rules([*rules[:place], added, *rules[place:]])
    old, new = plan(before, tool, arguments), plan(after, tool, arguments)
    if isinstance(old, Denied) and old.rule:
        assert isinstance(new, Denied)
    elif is_demanded_by_a_rule(before, tool, arguments):
        assert not isinstance(new, Waived)
        if isinstance(new, Demanded):
            assert isinstance(old, Demanded)
            quorums = {stage.approvers: stage.quorum for stage in new.stages}
            assert all(quorums[s.approvers] >= s.quorum for s in old.stages)
            assert set(new.allow) <= set(old.allow)
            assert strongest((old.confirm, new.confirm)) is new.confirm
            assert set(new.rules) >= set(old.rules)


@given(rule_lists, st.randoms(use_true_random=False), st.sampled_from(TOOLS), calls)
def test_rule_order_changes_only_the_order_of_stages(rules, order, tool, arguments):
    shuffled = order.sample(rules, len(rules))
    old = plan(with_rules(rules), tool, arguments)
    new = plan(with_rules(shuffled), tool, arguments)
    assert type(old) is type(new)
    if isinstance(old, Demanded):
        assert isinstance(new, Demanded)
        assert set(old.stages) == set(new.stages)
        assert sorted(old.rules) == sorted(new.rules)
        lists = {"stages": (), "rules": (), "why": ()}
        assert sorted(old.why) == sorted(new.why)
        assert dataclasses.replace(old, **lists) == dataclasses.replace(new, **lists)


def test_ahead_is_offered_at_most_what_all_rules_offer():
    head = "tools: [pay], stages: [{approvers: managers}]"
    long = f"{{{head}, standing: {{max: 8h, uses: 20}}}}"
    short = f"{{{head}, standing: {{max: 2h, uses: 50}}}}"
    least = StandingOffer(dt.timedelta(hours=2), 20)
    assert demanded(policy(long, short)).standing == least
    assert demanded(policy(short)).standing == StandingOffer(least.max, 50)
    assert demanded(policy(short, f"{{{head}}}")).standing is None
    first = policy(long, short).rules[0]
    critical = dataclasses.replace(first, critical=True)
    one = dataclasses.replace(policy(long), rules=(critical,))
    assert demanded(one).standing is None
    assert demanded(one).risk is Risk.HIGH
