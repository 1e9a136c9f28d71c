"""The people who may decide now: by the request, the policy in force, who is left."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest

from bot.approvals.assess import ProposedCall
from bot.approvals.eligibility import (
    PolicyContext,
    chain_of,
    holds,
    is_critical,
    joined_now,
    live_sources,
    people_now,
    plan_of,
    stages_of,
    stands_for,
    with_current_people,
    with_current_policy,
    with_members,
)
from bot.approvals.model import (
    REQUESTER,
    Askers,
    Confirm,
    Decision,
    Escalation,
    Kind,
    Request,
    Stage,
    Target,
    Times,
    Verdict,
)
from bot.approvals.policy.model import Denied, Plan, Policy, StageDemand, Waived
from tests.support.people import DANA, MINA, OMAR, RAVI, person
from tests.support.policies import make_policy
from tests.support.request_builder import NOW, request

ZOE = "U0ZOE"
POLICY = make_policy(
    """
  - {name: wiping, tools: [wipe], stages: [{approvers: managers}]}
  - name: twice
    tools: [pay]
    why: Money.
    stages: [{approvers: managers, quorum: 2}, {approvers: finance, channel: C0MONEY}]
    confirm: typed
    allow: [approve, reject]
    when: {amount: {gt: 5}}
  - {name: never, tools: [drop], deny: true, why: Not from here.}
  - {name: asking, interrupts: [ship], stages: [{approvers: managers}], critical: true}
  - {name: grave, tools: [burn], stages: [{approvers: managers}], critical: true}
  - {name: free, tools: [peek], approval: none}
""",
    approvers={
        "managers": (MINA, OMAR, RAVI),
        "directors": (DANA,),
        "finance": "{usergroup: S01}",
    },
    delegations="""
  - {from: U0MINA, to: U0ZOE, until: 2026-12-31}
  - {from: U0RAVI, to: U0YAN, until: 2026-12-31}""",
    interrupts="{levels: {boss: directors}}",
)
FINANCE = Target("finance", (), "usergroup:S01")
ASKERS = Askers(person(RAVI))
MANAGERS = Stage("managers", (MINA, OMAR, RAVI), 1, NOW)


def context(policy: Policy = POLICY, **members: tuple[str, ...]) -> PolicyContext:
    return PolicyContext(policy, NOW, {f"usergroup:{k}": v for k, v in members.items()})


def asked(**changed) -> Request:
    return request(tool="wipe", arguments={}, stages=(MANAGERS,), **changed)


def test_requester_participants_and_their_deputies_are_left_out():
    who = people_now(MANAGERS, Askers(ASKERS.requester, (RAVI, OMAR)), context())
    assert who == (MINA, ZOE)


def test_an_escalation_goes_to_who_is_in_its_group_now():
    later = Escalation(dt.timedelta(hours=1), (FINANCE, Target("directors", (DANA,))))
    waits = dataclasses.replace(MANAGERS, times=Times(escalation=later))
    now = context(S01=(ZOE,))
    [stage] = with_members(request(stages=(waits,)), now).chain.stages
    assert stage.times.escalation is not None
    assert [each.people for each in stage.times.escalation.to] == [(ZOE,), (DANA,)]


def test_escalation_targets_are_told_apart_from_the_stages_people():
    times = Times(escalation=Escalation(dt.timedelta(hours=1), (FINANCE,)))
    joined = dataclasses.replace(MANAGERS, times=times, escalated_at=NOW)
    now = context(S01=(ZOE, RAVI))
    assert joined_now(joined, ASKERS, now) == (ZOE,)
    both = dataclasses.replace(joined, people=(OMAR,))
    assert people_now(both, ASKERS, now) == (OMAR, ZOE)


def test_who_may_in_their_own_right_stands_in_for_nobody():
    def joined_by(*targets: Target) -> Stage:
        times = Times(escalation=Escalation(dt.timedelta(hours=1), targets))
        return dataclasses.replace(MANAGERS, times=times, escalated_at=NOW)

    both = joined_by(FINANCE)
    assert stands_for(both, ASKERS, context(S01=(DANA,))) == {ZOE: MINA}
    assert stands_for(both, ASKERS, context(S01=(ZOE,))) == {}
    joined = joined_by(Target("directors", (DANA,)))
    own = dataclasses.replace(joined, people=(MINA, ZOE))
    assert stands_for(own, ASKERS, context()) == {}
    last = joined_by(Target("requester", (RAVI,), REQUESTER))
    assert people_now(last, ASKERS, context()) == (MINA, OMAR, ZOE, RAVI)


def test_a_group_gone_from_the_policy_has_no_people():
    gone = Stage("gone", (MINA,), 1)
    assert people_now(gone, ASKERS, context()) == ()


def test_a_static_group_can_lose_people_but_not_gain_them():
    stage = Stage("managers", (MINA, "U0GONE"), 1)
    assert people_now(stage, ASKERS, context()) == (MINA, ZOE)


@pytest.mark.parametrize(
    ("members", "who"),
    [({"S01": (OMAR, DANA)}, (OMAR, DANA)), ({"S01": ()}, ()), ({}, (MINA, ZOE))],
)
def test_a_slack_group_falls_back_to_its_stored_people(members, who):
    stage = Stage("finance", (MINA,), 1, source="usergroup:S01")
    assert people_now(stage, ASKERS, context(**members)) == who


def test_a_group_moved_into_slack_counts_only_common_members():
    stage = Stage("finance", (MINA, OMAR), 1)
    assert people_now(stage, ASKERS, context(S01=(OMAR, DANA))) == (OMAR,)


def test_the_requesters_own_stage_is_theirs():
    own = Stage(REQUESTER, (), 1, source=REQUESTER)
    assert people_now(own, ASKERS, context()) == (RAVI,)


def test_passed_stages_keep_their_people():
    passed = dataclasses.replace(MANAGERS, passed_at=NOW)
    one = request(stages=(passed, MANAGERS))
    now = with_current_people(one, context())
    assert now.chain.stages[0] is passed
    assert now.chain.stages[1].people == (MINA, OMAR, ZOE)


@pytest.mark.parametrize(
    ("user", "stage", "right"),
    [
        (MINA, 0, True),
        (ZOE, 0, True),
        (DANA, 0, False),
        (DANA, -1, True),
        (DANA, 1, True),
    ],
)
def test_a_decision_holds_while_its_person_might_still_decide(user, stage, right):
    word = Decision(person(user), Verdict.APPROVE, stage, NOW, "slack")
    assert holds(word, asked(), context()) is right


def test_slack_sources_come_from_both_stages_and_policy():
    stages = [
        MANAGERS,
        Stage("finance", (), 1),
        Stage("gone", (), 1, source="channel:C1"),
        Stage(REQUESTER, (), 1, source=REQUESTER),
    ]
    assert live_sources(stages, POLICY) == {"usergroup:S01", "channel:C1"}


def test_whom_a_demand_may_escalate_to_is_looked_up_before():
    times = Times(escalation=Escalation(dt.timedelta(hours=1), (FINANCE,)))
    demand = StageDemand("managers", 1, (MINA,), times=times)
    assert live_sources([demand], POLICY) == {"usergroup:S01"}
    plain = dataclasses.replace(demand, times=Times())
    assert live_sources([plain], POLICY) == set()


def test_a_stage_has_its_groups_members_until_it_passes():
    waits = Stage("finance", (MINA,), source="usergroup:S01")
    passed = dataclasses.replace(waits, passed_at=NOW)
    stored = with_members(request(stages=(passed, waits)), context(S01=(OMAR,)))
    assert [each.people for each in stored.chain.stages] == [(MINA,), (OMAR,)]
    assert with_members(stored, context()) == stored


def test_a_shorter_timeout_adds_nothing_to_a_passed_stage():
    brief = make_policy("{tools: [wipe], stages: [{approvers: managers, timeout: 1m}]}")
    said = Decision(person(MINA), Verdict.APPROVE, 0, NOW, "slack")
    passed = dataclasses.replace(MANAGERS, passed_at=NOW)
    one = request(tool="wipe", arguments={}, stages=(passed,), decisions=(said,))
    assert with_current_policy(one, brief) is one


def test_a_question_is_tightened_as_one():
    one = request(
        kind=Kind.INTERRUPT,
        tool="wipe",
        arguments={"level": "boss"},
        stages=(MANAGERS,),
    )
    found = with_current_policy(one, POLICY)
    assert isinstance(found, Request)
    names = [stage.approvers for stage in found.chain.stages]
    assert names == ["managers", "directors"]


@pytest.mark.parametrize(
    ("kind", "name", "critical"),
    [
        (Kind.TOOL, "burn", True),
        (Kind.TOOL, "wipe", False),
        (Kind.TOOL, "drop", False),
        (Kind.TOOL, "peek", False),
        (Kind.TOOL, "ship", False),
        (Kind.INTERRUPT, "ship", True),
        (Kind.INTERRUPT, "burn", False),
    ],
)
def test_the_policy_in_force_says_what_is_critical(kind, name, critical):
    one = request(kind=kind, tool=name, arguments={})
    assert is_critical(one, POLICY) is critical


def test_the_arguments_decide_whether_a_call_is_critical():
    policy = make_policy(
        "{tools: [burn], stages: [{approvers: managers}], critical: true,"
        " when: {amount: {gt: 5}}}",
        "{tools: [burn], stages: [{approvers: managers}]}",
    )
    assert is_critical(request(tool="burn", arguments={"amount": 6}), policy)
    assert not is_critical(request(tool="burn", arguments={"amount": 5}), policy)


def test_a_policy_asking_no_more_leaves_the_request_unchanged():
    one = asked()
    assert with_current_policy(one, POLICY) is one
    assert with_current_policy(request(tool="unknown"), POLICY) is not one


def test_a_policy_that_waives_now_takes_nothing_away():
    free = make_policy("{tools: [wipe], approval: none}")
    one = asked()
    assert with_current_policy(one, free) is one


def test_a_policy_that_denies_now_says_so():
    found = with_current_policy(request(tool="drop"), POLICY)
    assert isinstance(found, Denied)
    assert found.why == "Not from here."


def test_a_tightened_policy_adds_stages_and_reopens_short_ones():
    passed = dataclasses.replace(MANAGERS, passed_at=NOW)
    said = Decision(person(MINA), Verdict.APPROVE, 0, NOW, "slack")
    elsewhere = Decision(person(OMAR), Verdict.APPROVE, 1, NOW, "slack")
    one = request(
        tool="pay",
        arguments={"amount": 6},
        stages=(passed,),
        decisions=(said, elsewhere),
    )
    found = with_current_policy(one, POLICY)
    assert isinstance(found, Request)
    first, second = found.chain.stages
    assert (first.quorum, first.passed_at, first.people) == (2, None, passed.people)
    assert (second.approvers, second.quorum, second.passed_at) == ("finance", 1, None)
    assert (second.source, second.channel) == ("usergroup:S01", "C0MONEY")
    assert found.terms.allow == (Verdict.APPROVE, Verdict.REJECT)
    assert (found.terms.confirm, found.terms.confirm_argument) == (
        Confirm.TYPED,
        "amount",
    )


def test_a_stage_that_meets_the_larger_quorum_stays_passed():
    passed = dataclasses.replace(MANAGERS, passed_at=NOW)
    words = tuple(
        Decision(person(who), Verdict.APPROVE, 0, NOW, "slack") for who in (MINA, OMAR)
    )
    one = request(
        tool="pay", arguments={"amount": 6}, stages=(passed,), decisions=words
    )
    found = with_current_policy(one, POLICY)
    assert isinstance(found, Request)
    assert (found.chain.stages[0].quorum, found.chain.stages[0].passed_at) == (2, NOW)


def test_a_chain_goes_into_the_policys_terms_and_back():
    times = Times(dt.timedelta(hours=1))
    stage = Stage("finance", (MINA,), 2, None, None, "usergroup:S01", "C1", times)
    one = request(stages=(stage,), confirm=Confirm.TYPED, confirm_argument="a")
    chain = chain_of(one)
    assert stages_of(chain.stages) == (stage,)
    assert (chain.allow, chain.confirm, chain.confirm_argument) == (
        one.terms.allow,
        Confirm.TYPED,
        "a",
    )
    opened = dataclasses.replace(stage, opened_at=NOW, passed_at=NOW + dt.timedelta(1))
    assert stages_of(chain_of(request(stages=(opened,))).stages) == (stage,)


def plan_for(
    kind: Kind, tool: str, arguments: dict[str, str] | None = None, **how: bool
) -> Plan:
    call = ProposedCall("i-1", "call-1", tool, arguments or {}, kind=kind)
    return plan_of(POLICY, call, Askers(person(RAVI)), **how)


def test_a_graphs_own_question_is_planned_as_one():
    found = plan_for(Kind.INTERRUPT, "wipe", {"level": "boss"})
    assert [stage.approvers for stage in found.stages] == ["directors"]  # type: ignore[union-attr]
    assert plan_for(Kind.INTERRUPT, "ship").rules == ("asking",)  # type: ignore[union-attr]
    found = plan_for(Kind.TOOL, "wipe", {"level": "boss"})
    assert [stage.approvers for stage in found.stages] == ["managers"]  # type: ignore[union-attr]


def test_a_waiver_is_no_plan_where_it_may_not_count():
    assert plan_for(Kind.TOOL, "peek") == Waived("free")
    found = plan_for(Kind.TOOL, "peek", waivable=False)
    assert isinstance(found, Denied)
