"""A policy in force adds to the chain of a request and takes nothing away."""

from __future__ import annotations

import dataclasses
import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from bot.approvals.model import ALLOWED, Confirm, Escalation, Target, Times, Verdict
from bot.approvals.policy.match import ChainDemand, stricter
from bot.approvals.policy.model import Demanded, StageDemand

MANAGERS = StageDemand("managers", 1, ("U01", "U02"))
DIRECTORS = StageDemand("directors", 1, ("U03", "U04"))
FINANCE = StageDemand("finance", 1, (), "usergroup:S01", "C01")
APPROVE, REJECT, EDIT, ANSWER = (
    Verdict.APPROVE,
    Verdict.REJECT,
    Verdict.EDIT,
    Verdict.ANSWER,
)


def chain(
    *stages: StageDemand,
    allow: tuple[Verdict, ...] = ALLOWED,
    confirm: Confirm = Confirm.NONE,
    argument: str = "",
) -> ChainDemand:
    return ChainDemand(stages, allow, confirm, argument)


def now(
    *stages: StageDemand,
    allow: tuple[Verdict, ...] = ALLOWED,
    confirm: Confirm = Confirm.NONE,
    argument: str = "",
) -> Demanded:
    day = dt.timedelta(days=1)
    return Demanded(stages, ("r",), (), "C01", day, allow, confirm, argument)


def quorum(stage: StageDemand, number: int) -> StageDemand:
    return StageDemand(
        stage.approvers, number, stage.people, stage.source, stage.channel
    )


def test_the_same_demand_adds_nothing():
    have = chain(MANAGERS, DIRECTORS)
    assert stricter(have, now(DIRECTORS, MANAGERS)) is have


def test_a_looser_policy_takes_nothing_away():
    have = chain(
        quorum(MANAGERS, 2),
        DIRECTORS,
        allow=(APPROVE,),
        confirm=Confirm.TYPED,
        argument="amount",
    )
    loose = now(MANAGERS, allow=(APPROVE, REJECT), confirm=Confirm.DIALOG)
    assert stricter(have, loose) is have


def test_groups_that_are_missing_come_last_in_their_order():
    have = chain(DIRECTORS)
    assert stricter(have, now(FINANCE, DIRECTORS, MANAGERS)) == chain(
        DIRECTORS, FINANCE, MANAGERS
    )


def test_a_larger_quorum_is_taken_and_the_people_are_kept():
    other = StageDemand("managers", 2, ("U08", "U09"), "usergroup:S02", "C09")
    assert stricter(chain(MANAGERS, DIRECTORS), now(other)) == chain(
        quorum(MANAGERS, 2), DIRECTORS
    )


def test_fewer_answers_and_a_stronger_confirmation_are_taken():
    have = chain(MANAGERS, allow=(APPROVE, REJECT, EDIT), confirm=Confirm.DIALOG)
    strict = now(
        MANAGERS,
        allow=(ANSWER, REJECT, APPROVE),
        confirm=Confirm.TYPED,
        argument="amount",
    )
    assert stricter(have, strict) == chain(
        MANAGERS, allow=(APPROVE, REJECT), confirm=Confirm.TYPED, argument="amount"
    )


def test_what_is_typed_in_stays_what_people_were_shown():
    have = chain(MANAGERS, confirm=Confirm.TYPED, argument="to")
    strict = now(MANAGERS, confirm=Confirm.TYPED, argument="amount")
    assert stricter(have, strict) is have


def within(stage: StageDemand, hours: int, **times) -> StageDemand:
    timeout = dt.timedelta(hours=hours) if hours else None
    return dataclasses.replace(stage, times=Times(timeout, **times))


def test_a_shorter_timeout_is_taken_without_reminders_and_escalations():
    hour = dt.timedelta(hours=1)
    escalation = Escalation(hour, (Target("ceo", ("U05",)),))
    strict = within(MANAGERS, 2, reminders=(hour,), escalation=escalation)
    assert stricter(chain(MANAGERS), now(strict)) == chain(within(MANAGERS, 2))
    have = chain(strict)
    assert stricter(have, now(within(MANAGERS, 3))) is have
    assert stricter(have, now(MANAGERS)) is have
    shorter = within(MANAGERS, 1, reminders=(hour,), escalation=escalation)
    assert stricter(have, now(within(MANAGERS, 1))) == chain(shorter)


stages = st.lists(
    st.builds(
        within,
        st.builds(
            quorum, st.sampled_from([MANAGERS, DIRECTORS, FINANCE]), st.integers(1, 3)
        ),
        st.integers(0, 3),
    ),
    unique_by=lambda stage: stage.approvers,
).map(tuple)
allows = st.lists(st.sampled_from([APPROVE, REJECT, EDIT, ANSWER]), unique=True)


@given(stages, stages, allows, allows, *[st.sampled_from(Confirm)] * 2)
def test_what_comes_out_is_as_strict_as_both(old, new, allow, allow_now, had, asked):
    have = chain(*old, allow=tuple(allow), confirm=had)
    demand = now(*new, allow=tuple(allow_now), confirm=asked)

    found = stricter(have, demand)

    quorums = {stage.approvers: stage.quorum for stage in found.stages}
    assert all(quorums[s.approvers] >= s.quorum for s in (*old, *new))
    timeouts = {stage.approvers: stage.times.timeout for stage in found.stages}
    for stage in (*old, *new):
        own, got = stage.times.timeout, timeouts[stage.approvers]
        assert own is None or (got is not None and got <= own)
    assert [s.approvers for s in found.stages][: len(old)] == [s.approvers for s in old]
    assert len(quorums) == len(found.stages)
    assert set(found.allow) == set(allow) & set(allow_now)
    order = list(Confirm)
    assert order.index(found.confirm) == max(order.index(had), order.index(asked))
    assert stricter(found, demand) is found
