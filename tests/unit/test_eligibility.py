"""The people who may decide now, and whether a request's stages can be filled."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.approvals.eligibility import (
    Refusal,
    can_see,
    closed_by,
    refusal,
    represents,
    unfillable_stage,
    who_can_decide,
)
from bot.approvals.model import (
    REQUESTER,
    Decision,
    Person,
    Request,
    Stage,
    Status,
    Verdict,
)
from tests.support import request_builder
from tests.support.people import DANA, MINA, OLAF, OMAR, RAVI, person
from tests.support.policies import make_policy

NOW = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)


def stage(*people: str, quorum: int = 1, passed: bool = False) -> Stage:
    return Stage("g" + "".join(people), people, quorum, NOW, NOW if passed else None)


def decision(user: str, index: int = 0) -> Decision:
    return Decision(person(user), Verdict.APPROVE, index, NOW, "slack")


def request(*stages: Stage, decisions: tuple[Decision, ...] = ()) -> Request:
    return request_builder.request(
        requester=person("UASK"),
        participants=("UASK", "UTALK"),
        stages=stages,
        decisions=decisions,
    )


def test_approvers_of_the_open_stage_follow_the_policys_order():
    assert who_can_decide(request(stage("U2", "U1", "U3"))) == ("U2", "U1", "U3")


def test_requester_participants_and_earlier_deciders_cannot_decide():
    waiting = request(
        stage("U1", "U2", quorum=2, passed=True),
        stage("U1", "UASK", "UTALK", "U3", quorum=2),
        decisions=(decision("U1", 0), decision("U2", 0)),
    )
    assert who_can_decide(waiting) == ("U3",)


def test_no_person_can_decide_a_request_that_is_over():
    passed = request(stage("U1", passed=True))
    closed = request_builder.changed(request(stage("U1")), status=Status.TIMED_OUT)
    assert who_can_decide(passed) == ()
    assert who_can_decide(closed) == ()
    assert refusal(passed, person("U1")) is Refusal.NOT_IN_GROUP


@pytest.mark.parametrize(
    ("who", "why"),
    [
        (person("U3"), None),
        (person("U3", team="T2"), Refusal.OTHER_TEAM),
        (person("UASK"), Refusal.REQUESTER),
        (person("UTALK"), Refusal.PARTICIPANT),
        (person("U1"), Refusal.ALREADY_DECIDED),
        (person("U9"), Refusal.NOT_IN_GROUP),
        (person("U4"), Refusal.NOT_IN_GROUP),
    ],
)
def test_who_may_not_decide_is_told_why(who: Person, why: Refusal | None):
    waiting = request(
        stage("U1", passed=True),
        stage("U1", "UASK", "UTALK", "U3"),
        stage("U4"),
        decisions=(decision("U1", 0),),
    )
    assert refusal(waiting, who) == why


def test_the_same_person_does_not_count_twice_for_a_quorum():
    waiting = request(stage("U1", "U2", quorum=2), decisions=(decision("U1"),))
    assert refusal(waiting, person("U1")) is Refusal.ALREADY_DECIDED
    assert who_can_decide(waiting) == ("U2",)


users = st.sampled_from(["U1", "U2", "U3", "U4", "UASK", "UTALK"])


@given(st.lists(users, unique=True), st.lists(users, unique=True, max_size=2))
def test_who_can_decide_is_exactly_who_is_not_refused(people, deciders):
    waiting = request(
        stage(*people), decisions=tuple(decision(user) for user in deciders)
    )
    free = tuple(user for user in people if refusal(waiting, person(user)) is None)
    assert who_can_decide(waiting) == free


def test_stages_with_enough_people_can_be_filled():
    assert unfillable_stage([stage("U1", "U2", quorum=2), stage("U3")], (), {}) is None


def test_the_first_stage_with_too_few_people_is_named():
    stages = [stage("U1"), stage("U2", "U3", quorum=2), stage("U3")]
    assert unfillable_stage(stages, {"U3"}, {}) is stages[1]


def test_stages_that_fail_only_together_name_the_latest():
    stages = [stage("U1", "U2"), stage("U1", "U2"), stage("U1", "U2")]
    assert unfillable_stage(stages, (), {}) is stages[2]


def test_a_person_counts_for_the_stage_that_needs_them():
    stages = [stage("U1", "U2"), stage("U1", "U3"), stage("U1")]
    assert unfillable_stage(stages, (), {}) is None


def test_a_decided_part_counts_and_its_people_are_used_up():
    stages = [stage("U1", "U2", quorum=2), stage("U1", "U3")]
    assert unfillable_stage(stages, (), {0: ["U1"]}) is None
    assert unfillable_stage(stages, {"U3"}, {0: ["U1"]}) is stages[1]
    assert unfillable_stage(stages, (), {1: ["U2"]}) is stages[0]


def test_a_passed_stage_needs_nobody_but_keeps_who_decided_it():
    stages = [stage("U1", passed=True), stage("U1", "U2")]
    assert unfillable_stage(stages, (), {0: ["U1"]}) is None
    assert unfillable_stage(stages, {"U2"}, {0: ["U1"]}) is stages[1]


def test_a_stage_with_all_its_words_needs_nobody_more():
    stages = [stage("U1"), stage("U2")]
    assert unfillable_stage(stages, (), {0: ["U1"]}) is None


@pytest.mark.parametrize(
    ("status", "verdict", "who"),
    [
        (Status.APPROVED, Verdict.APPROVE, "U2"),
        (Status.APPROVED, Verdict.EDIT, "U2"),
        (Status.APPROVED, Verdict.REJECT, ""),
        (Status.REJECTED, Verdict.REJECT, "U2"),
        (Status.REJECTED, Verdict.APPROVE, ""),
        (Status.ANSWERED, Verdict.ANSWER, "U2"),
        (Status.ANSWERED, Verdict.APPROVE, ""),
        (Status.WITHDRAWN, Verdict.APPROVE, "UASK"),
        (Status.TIMED_OUT, Verdict.APPROVE, ""),
        (Status.PENDING, Verdict.APPROVE, ""),
    ],
)
def test_the_last_word_closes_a_request_if_it_fits(status, verdict, who):
    last = dataclasses.replace(decision("U2"), verdict=verdict)
    words = (decision("U1"), decision("U3"), last)
    over = request_builder.changed(request(decisions=words), status=status)
    assert closed_by(over) == who


def test_a_request_that_nobody_decided_is_closed_by_none():
    over = request_builder.changed(request(), status=Status.REJECTED)
    assert closed_by(over) == ""


def test_a_large_group_is_seated_without_deep_recursion():
    crowd = tuple(f"U{i}" for i in range(1500))
    stages = [stage(*crowd, quorum=1498), stage("U0"), stage("U1")]
    assert unfillable_stage(stages, (), {}) is None
    assert unfillable_stage([*stages, stage("U2")], (), {}) is not None


small = st.sets(st.sampled_from(["U1", "U2", "U3", "U4"]), min_size=1).map(sorted)
small_stages = st.lists(
    st.builds(lambda people, q: stage(*people, quorum=q), small, st.integers(1, 3)),
    max_size=4,
)


def can_be_filled(stages: list[Stage], free: set[str]) -> bool:
    """Try every choice of people for every stage."""
    if not stages:
        return True
    first, *rest = stages
    choices = itertools.combinations(free & set(first.people), first.quorum)
    return any(can_be_filled(rest, free - set(chosen)) for chosen in choices)


@given(small_stages, st.sets(st.sampled_from(["U1", "U2"])))
def test_matching_agrees_with_trying_everything(stages, excluded):
    free = {"U1", "U2", "U3", "U4"} - excluded
    named = unfillable_stage(stages, excluded, {})
    assert (named is None) == can_be_filled(stages, free)
    assert named is None or any(named is one for one in stages)


@given(small_stages, st.sets(st.sampled_from(["U1", "U2"])))
def test_a_stage_unfillable_alone_is_named_first(stages, excluded):
    free = {"U1", "U2", "U3", "U4"} - excluded
    alone = [one for one in stages if not can_be_filled([one], free)]
    if alone:
        assert unfillable_stage(stages, excluded, {}) is alone[0]


def test_the_stage_of_whoever_asked_names_them():
    own = Stage(REQUESTER, ("UASK",), source=REQUESTER)
    assert who_can_decide(request(own)) == ("UASK",)
    assert who_can_decide(request(stage("UASK"))) == ()


STOOD_IN = make_policy(
    "{tools: [pay], stages: [{approvers: managers}]}",
    approvers={"managers": (MINA, OMAR)},
    delegations=f"""[
      {{from: {MINA}, to: {DANA}, until: 2026-01-02}},
      {{from: {OMAR}, to: {DANA}, until: 2026-01-03}},
      {{from: {RAVI}, to: {OLAF}, until: 2026-01-03}}]""",
)


def test_a_person_represents_those_whose_delegation_is_in_force():
    assert represents(person(DANA), STOOD_IN, NOW) == [DANA, MINA, OMAR]
    assert represents(person(DANA), STOOD_IN, NOW + dt.timedelta(days=1)) == [
        DANA,
        OMAR,
    ]
    assert represents(person(MINA), STOOD_IN, NOW) == [MINA]


@pytest.mark.parametrize(
    ("who", "right"),
    [
        *((user, True) for user in ("UASK", "UTALK", "UWAS", "UGONE", "UNEXT", MINA)),
        (DANA, True),  # stands in for Mina
        (OLAF, False),  # stands in for somebody else
        ("UOTHER", False),
    ],
)
def test_a_request_is_the_business_of_its_own_people(who: str, right: bool):
    asked = request_builder.changed(
        request(
            Stage("managers", (MINA,), 1, NOW),
            stage("UNEXT"),
            decisions=(decision("UWAS"),),
        ),
        voided=(decision("UGONE"),),
    )
    assert can_see(person(who), asked, STOOD_IN, NOW) is right
    elsewhere = dataclasses.replace(person(who), team="T9")
    assert not can_see(elsewhere, asked, STOOD_IN, NOW)
    late = NOW + dt.timedelta(days=1)  # Mina's delegation is over
    assert can_see(person(who), asked, STOOD_IN, late) is (right and who != DANA)
