"""Reminders, hours, a stage's timeout and its escalation, as the file says them."""

from __future__ import annotations

import datetime as dt
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.approvals.model import Escalation, Hours, Target, Times
from bot.approvals.policy.load import parse_policy
from bot.approvals.policy.match import folded, plan
from bot.approvals.policy.model import Demanded
from tests.support.policies import policy_text
from tests.support.policy_texts import GOOD, complaints

text = partial(
    policy_text,
    defaults="{timeout: 24h, reminders: [20h, 4h]}",
    approvers={
        "managers": ("U01", "U02"),
        "ceo": ("U05",),
        "board": "{usergroup: S01}",
    },
)
CEO, BOARD = Target("ceo", ("U05",)), Target("board", (), "usergroup:S01")


def h(*hours: float) -> tuple[dt.timedelta, ...]:
    return tuple(dt.timedelta(hours=each) for each in hours)


def times(*stages: str) -> Times:
    """Add up rules that each demand the managers, and return the stage's times."""
    rules = [f"{{tools: [pay], stages: [{{approvers: managers{s}}}]}}" for s in stages]
    found = plan(parse_policy(text(*rules)), "pay", {})
    assert isinstance(found, Demanded)
    [stage] = found.stages
    return stage.times


def test_the_whole_of_it_is_read():
    policy = parse_policy(GOOD)
    half, whole = dt.timedelta(minutes=30), dt.timedelta(hours=1)
    assert policy.reminders == (half, whole)
    assert policy.hours == Hours((0, 1, 2, 3, 4), 540, 1050, "Europe/London")
    managers, directors = policy.rules[1].stages
    assert managers.times == Times(None, (half, whole), None)
    five, ten, twenty = (dt.timedelta(minutes=number) for number in (5, 10, 20))
    finance = Target("finance", (), "usergroup:S01")
    assert directors.times == Times(whole, (five, ten), Escalation(twenty, (finance,)))
    assert policy.stage_of("directors").times == Times(reminders=(half, whole))


def test_a_day_may_end_at_midnight():
    hours = parse_policy(GOOD.replace('"17:30"', "24:00")).hours
    assert hours is not None
    assert hours.end == 24 * 60


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        ([""], Times(None, h(4, 20))),
        ([", reminders: [1h]"], Times(None, h(1))),
        ([", timeout: 4h", ", timeout: 2h", ""], Times(*h(2), h(4, 20))),
        ([", reminders: [1h, 3h]", ", reminders: [2h, 1h]"], Times(None, h(1, 2, 3))),
        (
            [", escalate: {after: 5h, to: ceo}", ", escalate: {after: 3h, to: board}"],
            Times(None, h(4, 20), Escalation(*h(3), (BOARD, CEO))),
        ),
    ],
)
def test_one_group_that_several_rules_demand_has_the_strictest_times(stages, expected):
    assert times(*stages) == times(*reversed(stages)) == expected


spans = st.integers(1, 90 * 86400).map(lambda seconds: dt.timedelta(seconds=seconds))
escalations = st.builds(
    Escalation, spans, st.sampled_from([(CEO,), (BOARD,), (BOARD, CEO)])
)
anything = st.builds(
    Times,
    st.none() | spans,
    st.lists(spans, unique=True, max_size=4).map(lambda each: tuple(sorted(each))),
    st.none() | escalations,
)


@given(st.lists(anything, min_size=1, max_size=4), st.randoms())
def test_folding_keeps_every_demand_in_any_order(each: list[Times], random):
    found = folded(each)
    shuffled = random.sample(each, len(each))
    assert folded(shuffled) == found
    assert folded([found, *each]) == found
    for one in each:
        assert one.timeout is None or (found.timeout or one.timeout) <= one.timeout
        assert set(one.reminders) <= set(found.reminders)
        if one.escalation:
            assert found.escalation is not None
            assert found.escalation.after <= one.escalation.after
            assert set(one.escalation.to) <= set(found.escalation.to)


HOURS = "days: [mon], from: 09:00, to: 17:00"


@pytest.mark.parametrize(
    ("defaults", "complaint"),
    [
        (
            "timeout: 4h, reminders: [4h]",
            "reminders[0]: comes too late: it is over after 4h.",
        ),
        ("reminders: [1h, 60m]", "reminders[1]: 1h is here twice; remove it."),
        (
            "reminders: 1h",
            "reminders: must be a list, not the text `1h`.",
        ),
        ("reminders: []", "reminders: is empty; give it a value or leave the key out."),
        (
            "reminders: [1.5h]",
            "reminders[0]: must be a whole number with its unit (s, m, h or d), "
            "such as 24h, not the text `1.5h`.",
        ),
        (
            f"hours: {{{HOURS.replace('17', '09')}}}",
            "hours.to: must be later than `from`, on the same day.",
        ),
        (
            f"hours: {{{HOURS.replace('17', '25')}}}",
            "hours.to: must be a time of day such as 09:00, not the text `25:00`.",
        ),
        (
            f"hours: {{{HOURS.replace('09:00', '9')}}}",
            "hours.from: must be a time of day such as 09:00, not the number 9.",
        ),
        (
            f"hours: {{{HOURS.replace('mon', 'Monday')}}}",
            "hours.days[0]: must be one of mon, tue, wed, thu, fri, sat, sun, "
            "not the text `Monday`.",
        ),
        (
            f"hours: {{{HOURS.replace('mon', 'mon, mon')}}}",
            "hours.days[1]: `mon` is here twice; remove it.",
        ),
        (
            "hours: {days: [mon], from: 09:00}",
            "hours.to: is missing; write when the hours end, such as 17:00.",
        ),
        (
            "hours: {from: 09:00, to: 17:00}",
            "hours.days: is missing; list days such as [mon, tue].",
        ),
    ],
)
def test_nonsense_in_the_defaults_is_refused(defaults: str, complaint: str):
    assert complaints(f"version: 1\ndefaults: {{{defaults}}}") == [
        f"defaults.{complaint}"
    ]


@pytest.mark.parametrize(
    ("stage", "complaint"),
    [
        (
            "timeout: 25h",
            "timeout: is longer than the whole request waits (1d).",
        ),
        (
            "timeout: 2h, reminders: [1h, 2h]",
            "reminders[1]: comes too late: it is over after 2h.",
        ),
        (
            "timeout: 2h, escalate: {after: 2h, to: ceo}",
            "escalate.after: comes too late: it is over after 2h.",
        ),
        (
            "escalate: {after: 24h, to: ceo}",
            "escalate.after: comes too late: it is over after 1d.",
        ),
        (
            "escalate: {after: 1h, to: managers}",
            "escalate.to: `managers` decides this stage already; name others.",
        ),
        (
            "escalate: {after: 1h, to: requester}",
            "escalate.to: silence cannot let people approve their own requests.",
        ),
        (
            "escalate: {after: 1h, to: cto}",
            "escalate.to: `cto` isn't a group of `approvers` "
            "(declared: `managers`, `ceo`, `board`).",
        ),
        (
            "escalate: {to: ceo}",
            "escalate.after: is missing; write how long to wait, such as 4h.",
        ),
        (
            "escalate: {after: 1h}",
            "escalate.to: is missing; name the group that joins.",
        ),
        (
            "escalate: {after: 1h, too: ceo}",
            "escalate.too: unknown key; did you mean `to`?",
        ),
    ],
)
def test_nonsense_in_a_stage_is_refused(stage: str, complaint: str):
    rule = f"{{tools: [x], stages: [{{approvers: managers, {stage}}}]}}"
    assert complaints(text(rule)) == [f"rules[0].stages[0].{complaint}"]


def test_the_stages_of_the_defaults_are_checked_too():
    stages = "stages: [{approvers: managers, timeout: 2d}]"
    defaults = f"{{timeout: 24h, reminders: [20h, 4h], {stages}}}"
    assert complaints(text(defaults=defaults)) == [
        "defaults.stages[0].timeout: is longer than the whole request waits (1d)."
    ]


def test_default_reminders_after_a_stages_timeout_are_no_mistake():
    assert times(", timeout: 2h") == Times(*h(2), h(4, 20))
