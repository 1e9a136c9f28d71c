"""The effect of one person's decision on a request: a table of people and clicks."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest

from bot.approvals.eligibility import PolicyContext
from bot.approvals.judge import Result, judge
from bot.approvals.model import (
    CHANGES,
    Action,
    Confirm,
    Effect,
    Outcome,
    Profile,
    Request,
    Stage,
    Status,
    Verdict,
)
from bot.approvals.policy.model import Delegation
from bot.approvals.transitions import decision_row
from tests.support import request_builder
from tests.support.judging import (
    APPROVE,
    PAULA,
    REJECT,
    judged,
    passed,
    policy_for,
    request,
    said,
)
from tests.support.people import DANA, MINA, OLAF, OMAR, RAVI, person
from tests.support.policies import make_policy
from tests.support.request_builder import MANAGERS, NOW

DEADLINE = NOW + dt.timedelta(hours=24)


@pytest.mark.parametrize(
    ("who", "verdict", "effect", "word"),
    [
        (MINA, APPROVE, Effect.APPROVED, ""),
        (MINA, REJECT, Effect.REJECTED, ""),
        (OMAR, APPROVE, Effect.APPROVED, ""),
        (RAVI, APPROVE, Effect.REFUSED, "requester"),
        (RAVI, REJECT, Effect.WITHDRAWN, ""),
        (PAULA, APPROVE, Effect.REFUSED, "participant"),
        (PAULA, REJECT, Effect.REFUSED, "participant"),
        (OLAF, APPROVE, Effect.REFUSED, "not_in_group"),
        (OLAF, REJECT, Effect.REFUSED, "not_in_group"),
        (DANA, APPROVE, Effect.REFUSED, "not_in_group"),
        (person(MINA, team="T2"), APPROVE, Effect.REFUSED, "other_team"),
        (person(RAVI, team="T2"), REJECT, Effect.REFUSED, "other_team"),
        (person(MINA, enterprise="E1"), APPROVE, Effect.APPROVED, ""),
        (person(RAVI, enterprise="E1"), REJECT, Effect.WITHDRAWN, ""),
        (person(RAVI, enterprise="E1"), APPROVE, Effect.REFUSED, "requester"),
    ],
)
def test_each_person_and_each_button(who, verdict, effect, word):
    assert judged(request(), who, verdict) == Result(effect, word)


@pytest.mark.parametrize("verdict", [APPROVE, REJECT])
@pytest.mark.parametrize(
    "word", ["deactivated", "guest", "stranger", "bot", "other team"]
)
@pytest.mark.parametrize("who", [MINA, RAVI, OLAF])
def test_whom_slack_does_not_vouch_for_changes_nothing(who, word, verdict):
    refused = judged(request(), who, verdict, refusal=word)
    assert refused == Result(Effect.REFUSED, word)


@pytest.mark.parametrize("status", [s for s in Status if s is not Status.PENDING])
@pytest.mark.parametrize("who", [MINA, OLAF, RAVI])
def test_a_late_click_says_how_the_request_was_closed(status, who):
    closed = request(status=status, decisions=(said(OMAR),))
    assert judged(closed, who) == Result(Effect.LATE, status)


@pytest.mark.parametrize(
    ("moment", "effect"),
    [
        (DEADLINE - dt.timedelta(milliseconds=1), Effect.APPROVED),
        (DEADLINE, Effect.TIMED_OUT),
        (DEADLINE + dt.timedelta(milliseconds=1), Effect.TIMED_OUT),
    ],
)
def test_the_deadline_itself_is_too_late(moment, effect):
    assert judged(request(), MINA, now=moment).effect is effect


@pytest.mark.parametrize("minutes", [1, 2])
def test_a_shorter_timeout_in_force_ends_older_requests(minutes):
    opened = NOW - dt.timedelta(minutes=minutes)
    asked = request(dataclasses.replace(MANAGERS, opened_at=opened), raised_at=opened)
    rule = "{tools: [wipe], stages: [{approvers: managers, timeout: 1m}]}"
    action = Action("r1", person(MINA), APPROVE, "slack")
    found = judge(
        asked,
        action,
        profile=Profile(person(MINA), "Mina"),
        own_app="A1",
        context=PolicyContext(make_policy(rule), NOW, {}),
    )
    assert found.effect is Effect.TIMED_OUT


def test_after_the_deadline_anybodys_click_finds_the_time_over():
    for late in (DEADLINE, DEADLINE + dt.timedelta(days=1)):
        assert judged(request(), OLAF, now=late) == Result(Effect.TIMED_OUT)
        assert judged(request(), RAVI, REJECT, now=late) == Result(Effect.TIMED_OUT)


def test_a_repeated_click_is_recognised_even_on_a_closed_request():
    counted = request(
        Stage("managers", (MINA, OMAR, DANA), 2, NOW),
        decisions=(said(MINA, click="5.5"),),
    )
    assert judged(counted, MINA, click="5.5").effect is Effect.REPEATED
    again = judged(counted, MINA, click="5.6")
    assert again == Result(Effect.REFUSED, "already_decided")
    closed = request_builder.changed(counted, status=Status.REJECTED)
    assert judged(closed, MINA, click="5.5").effect is Effect.REPEATED
    assert judged(closed, MINA, click="5.6").effect is Effect.LATE
    assert judged(counted, OMAR, click="5.5").effect is Effect.APPROVED


def test_a_choice_without_a_click_is_never_a_repeat():
    counted = request(
        Stage("managers", (MINA, OMAR), 2, NOW), decisions=(said(MINA, click=""),)
    )
    assert judged(counted, MINA, click="").code == "already_decided"


def test_people_who_left_or_joined_the_group_are_refused():
    assert judged(request(), MINA, group=(OMAR,)).code == "not_in_group"
    assert judged(request(), OLAF, group=(MINA, OLAF)).code == "not_in_group"


def test_any_click_rejects_a_request_whose_group_is_empty():
    for who in (MINA, OLAF):
        ended = judged(request(), who, group=())
        assert ended == Result(Effect.REJECTED, Outcome.UNFILLABLE, "managers")


DAY = (NOW + dt.timedelta(days=1)).date()


def test_a_deputys_word_is_noted_as_for_somebody():
    given = [Delegation(MINA, DANA, DAY), Delegation(OMAR, MINA, DAY)]
    asked = request()
    policy = dataclasses.replace(policy_for(asked), delegations=tuple(given))
    context = PolicyContext(policy, NOW, {})

    def for_whom(user: str, asked: Request = asked) -> str:
        action = Action("r1", person(user), APPROVE, "slack")
        profile = Profile(action.person, "Somebody")
        return judge(
            asked, action, profile=profile, own_app="A1", context=context
        ).for_user

    assert for_whom(DANA) == MINA
    assert for_whom(MINA) == ""  # who may in their own right
    assert for_whom(OLAF) == ""
    done = request(passed(MANAGERS))
    assert for_whom(DANA, done) == ""


def test_only_these_effects_change_anything():
    harmless = {Effect.LATE, Effect.REPEATED, Effect.REFUSED}
    assert set(Effect) - CHANGES == harmless


def test_an_older_button_is_superseded_whatever_it_says():
    edited = request(token="t2")
    for verdict in (APPROVE, REJECT, Verdict.EDIT, Verdict.ANSWER):
        old = judged(edited, MINA, verdict)
        assert old == Result(Effect.REFUSED, "superseded")
    assert judged(edited, MINA, token="t2").effect is Effect.APPROVED
    assert judged(edited, RAVI, REJECT).effect is Effect.WITHDRAWN


def test_a_click_with_a_voided_decision_does_not_count_again():
    void = request(voided=(said(MINA, click="5.5"),))
    assert judged(void, MINA, click="5.5").effect is Effect.REPEATED
    assert judged(void, MINA, click="5.6").effect is Effect.APPROVED


def test_what_a_rule_does_not_allow_is_refused():
    strict = request(allow=(REJECT,))
    assert judged(strict, MINA).code == "not_allowed"
    assert judged(strict, MINA, Verdict.ANSWER, reason="42").code == "not_allowed"
    assert judged(strict, MINA, REJECT).effect is Effect.REJECTED


def test_an_answer_closes_the_request_and_needs_text():
    open_to_it = request(allow=(APPROVE, REJECT, Verdict.ANSWER))
    answer = Verdict.ANSWER
    assert judged(open_to_it, MINA, answer, reason="42") == Result(Effect.ANSWERED)
    empty = judged(open_to_it, MINA, answer, reason="  ")
    assert empty == Result(Effect.REFUSED, "answer_empty")
    assert judged(open_to_it, OLAF, answer, reason="42").code == "not_in_group"


@pytest.mark.parametrize(
    ("value", "typed", "right"),
    [
        (1500, "1500", True),
        (1500, "1,500", True),
        (1500, " 1500.00 ", True),
        (1500, "150", False),
        (1500, "", False),
        (1500, "NaN", False),
        (0.1, "0.1", True),
        ("staging", "staging", True),
        ("staging", "Staging", False),
        (True, "true", True),
        (True, "1", False),
        (None, "K7QP", True),
        ([1], "K7QP", True),
        ("  ", "  ", False),
    ],
)
def test_a_typed_confirmation_is_the_value_itself(value, typed, right):
    asked = request(
        arguments={"what": {"amount": value}},
        confirm=Confirm.TYPED,
        confirm_argument="what.amount",
    )
    result = judged(asked, MINA, typed=typed)
    assert (result.effect is Effect.APPROVED) is right
    assert right or result == Result(Effect.REFUSED, "typed_wrong")


def test_a_reject_needs_no_typed_confirmation():
    asked = request(confirm=Confirm.TYPED, confirm_argument="what")
    assert judged(asked, MINA, REJECT).effect is Effect.REJECTED


@pytest.mark.parametrize(
    ("verdict", "stored"),
    [
        (APPROVE, "approve"),
        (REJECT, "reject"),
        (Verdict.EDIT, "edit"),
        (Verdict.ANSWER, "answer"),
        (Verdict.WITHDRAW, "reject"),
    ],
)
def test_a_word_is_stored_with_its_person(verdict, stored):
    by = person(MINA, enterprise="E1")
    action = Action("r1", by, verdict, "link", reason="Too much.", click="5.5")
    assert decision_row(action) == {
        "enterprise": "E1",
        "team": "T1",
        "user": MINA,
        "verdict": stored,
        "reason": "Too much.",
        "via": "link",
        "click": "5.5",
    }
    assert type(decision_row(action)["verdict"]) is str
    assert decision_row(None) == dict.fromkeys(decision_row(action))
