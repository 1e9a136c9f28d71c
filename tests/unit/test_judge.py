"""The effect of one person's decision on a request: a table of people and clicks."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest

from bot.approvals.digest import copy_of
from bot.approvals.eligibility import PolicyContext
from bot.approvals.judge import (
    Result,
    is_in_place,
    is_on_message,
    is_told_directly,
    judge,
)
from bot.approvals.model import (
    CHANGES,
    REQUESTER,
    Action,
    Confirm,
    Decision,
    Effect,
    Outcome,
    Person,
    Place,
    Profile,
    Request,
    Stage,
    Status,
    Verdict,
)
from bot.approvals.policy.model import Delegation, Group, Policy
from bot.approvals.transitions import decision_row
from tests.support import request_builder
from tests.support.people import DANA, MINA, OLAF, OMAR, RAVI, person
from tests.support.policies import make_policy
from tests.support.request_builder import MANAGERS, NOW

DEADLINE = NOW + dt.timedelta(hours=24)
APPROVE, REJECT = Verdict.APPROVE, Verdict.REJECT
PAULA = "U0PAULA"
DIRECTORS = Stage("directors", (DANA, OMAR), 1)


def request(*stages: Stage, **changes) -> Request:
    given = {
        "id": "r1",
        "tool": "wipe",
        "arguments": {},
        "participants": (PAULA,),
        "stages": stages or (MANAGERS,),
        "card": "card-1",
        "channel": "C1",
        "ts": "1.1",
        "messages": (("C1", "1.1"), ("C0", "0.5")),
    }
    return request_builder.request(**{**given, **changes})


def said(user: str, stage: int = 0, verdict=APPROVE, click: str = "") -> Decision:
    return Decision(person(user), verdict, stage, NOW, "slack", click=click)


POLICY = make_policy(
    "{name: wiping, tools: [wipe], stages: [{approvers: managers}],"
    " allow: [approve, reject, edit, answer]}"
)


def policy_for(asked: Request, open_group: tuple[str, ...] | None = None) -> Policy:
    """A policy with the request's groups; the open stage's group as it is now."""
    groups = {s.approvers: Group(s.approvers, s.people) for s in asked.chain.stages}
    if open_group is not None:
        name = asked.chain.stages[asked.chain.stage_index].approvers
        groups[name] = Group(name, open_group)
    return dataclasses.replace(POLICY, groups=groups)


def judged(
    asked: Request,
    who: str | Person,
    verdict: Verdict = APPROVE,
    *,
    refusal: str = "",
    group: tuple[str, ...] | None = None,
    now: dt.datetime = NOW,
    token: str = "r1",
    **action,
) -> Result:
    """Judge one word; the policy's group is by default as it was."""
    by = person(who) if isinstance(who, str) else who
    return judge(
        asked,
        Action(token, by, verdict, "slack", **action),
        profile=Profile(by, "Somebody", refusal),
        own_app="A1",
        context=PolicyContext(policy_for(asked, group), now, {}),
    )


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


def at(place: Place, verdict: Verdict = APPROVE) -> Action:
    return Action("r1", person(MINA), verdict, "slack", place)


@pytest.mark.parametrize(
    ("place", "right"),
    [
        (Place("A1", "C1", "1.1"), True),
        (Place("A2", "C1", "1.1"), False),
        (Place("", "C1", "1.1"), False),
        (Place("A1", "C2", "1.1"), False),
        (Place("A1", "C1", "1.2"), False),
        (Place("A1", "", ""), False),
        (Place("A1", "C2", "1.1", "card-1"), False),
    ],
)
def test_a_click_counts_on_its_own_card_alone(place, right):
    assert is_in_place(request(), at(place), "A1") is right
    effect = Effect.APPROVED if right else Effect.REFUSED
    assert judged(request(), MINA, place=place).effect is effect


@pytest.mark.parametrize(
    ("place", "right"),
    [
        (Place("A1", "C1", "1.1", "card-1"), True),
        (Place("A1", "C1", "1.1", "card-2"), False),
        (Place("A1", "C1", "1.1"), False),
        (Place("A2", "C1", "1.1", "card-1"), False),
    ],
)
def test_before_the_cards_ts_is_stored_its_metadata_names_it(place, right):
    assert is_in_place(request(ts=""), at(place), "A1") is right


CARD = "6f1c1e0e-7a54-4d2c-9d4f-3f7f4d1c0a11"


@pytest.mark.parametrize(
    ("place", "right"),
    [
        (Place("A1", "D1", "1.5"), True),
        (Place("A1", "D1", "1.6"), False),
        (Place("A2", "D1", "1.5"), False),
        (Place("A1", "D2", "2.2", CARD), True),  # not stored yet
        (Place("A1", "D2", "2.2", copy_of(CARD, MINA)), True),
        (Place("A1", "D2", "2.2", copy_of(CARD, OMAR)), False),  # another one's copy
        (Place("A1", "D2", "2.2"), False),
        (Place("A1", "D1", "1.6", copy_of(CARD, MINA)), False),  # stored, and another
    ],
)
def test_a_click_counts_on_a_copy_of_ones_own(place: Place, right: bool):
    asked = request(
        dataclasses.replace(MANAGERS, channel="dm"),
        card=CARD,
        ts="",
        messages=(("D1", "1.5"),),
    )
    assert is_in_place(asked, at(place), "A1") is right


@pytest.mark.parametrize(
    ("place", "right", "stored"),
    [
        (Place("A1", "C1", "1.1"), True, "1.1"),
        (Place("A1", "C1", "1.2"), False, "1.1"),
        (Place("A1", "C2", "1.1"), False, "1.1"),
        (Place("A1", "C1", "1.2", "d-1"), False, "1.1"),
        (Place("A2", "C1", "1.1"), False, "1.1"),
        (Place("A1", "C1", "1.1", "d-1"), True, ""),
        (Place("A1", "C1", "1.1", "d-2"), False, ""),
        (Place("A2", "C1", "1.1", "d-1"), False, ""),
        (None, False, "1.1"),
    ],
)
def test_a_click_comes_from_a_message_of_ours(place, right, stored):
    message = {"delivery_id": "d-1", "channel_id": "C1", "message_ts": stored}
    assert is_on_message(message, place, "A1") is right


def test_a_request_without_a_card_has_no_place_at_all():
    bare = request(card="", ts="", channel="")
    assert not is_in_place(bare, at(Place("A1", "", "")), "A1")


def test_a_misplaced_click_says_nothing_about_the_request():
    closed = request(status=Status.APPROVED)
    place = Place("A1", "C9", "9.9")
    assert judged(closed, MINA, place=place) == Result(Effect.REFUSED, "misplaced")


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


DIRECT = dataclasses.replace(MANAGERS, channel="dm")


@pytest.mark.parametrize(
    ("stages", "right"),
    [
        ((DIRECT,), True),
        ((MANAGERS,), False),
        ((DIRECT, DIRECTORS), True),
        ((MANAGERS, dataclasses.replace(DIRECT, approvers="directors")), False),
    ],
)
def test_the_open_stage_or_the_last_tells_people_directly(stages, right):
    assert is_told_directly(request(*stages)) is right
    closed = [passed(stage) for stage in stages]
    assert is_told_directly(request(*closed)) is (stages[-1].channel == "dm")


def test_a_list_counts_for_what_it_offered():
    for offered, right in ((("r0", "r1"), True), (("r0",), False), ((), False)):
        place = Place("A1", "", "", offered=offered)
        assert is_in_place(request(), at(place), "A1") is right


def test_a_quorum_counts_people():
    two = Stage("managers", (MINA, OMAR, DANA), 2, NOW)
    assert judged(request(two), MINA).effect is Effect.RECORDED
    one = request(two, decisions=(said(MINA),))
    assert judged(one, MINA).code == "already_decided"
    assert judged(one, MINA, REJECT).code == "already_decided"
    assert judged(one, OMAR).effect is Effect.APPROVED
    assert judged(one, OMAR, REJECT).effect is Effect.REJECTED


def passed(stage: Stage) -> Stage:
    return dataclasses.replace(stage, passed_at=NOW)


def test_a_director_does_not_decide_before_the_managers():
    chain = request(MANAGERS, DIRECTORS)
    assert judged(chain, DANA) == Result(Effect.REFUSED, "not_in_group")
    assert judged(chain, DANA, REJECT) == Result(Effect.REFUSED, "not_in_group")
    assert judged(chain, MINA).effect is Effect.STAGE_PASSED


def test_after_the_managers_only_the_directors_decide():
    chain = request(passed(MANAGERS), DIRECTORS, decisions=(said(MINA),))
    assert judged(chain, DANA).effect is Effect.APPROVED
    assert judged(chain, DANA, REJECT).effect is Effect.REJECTED
    assert judged(chain, OMAR).effect is Effect.APPROVED
    assert judged(chain, MINA).code == "already_decided"
    assert judged(chain, RAVI, REJECT).effect is Effect.WITHDRAWN


def test_who_passed_the_first_stage_does_not_decide_the_second():
    chain = request(passed(MANAGERS), DIRECTORS, decisions=(said(OMAR),))
    assert judged(chain, OMAR).code == "already_decided"
    assert judged(chain, DANA).effect is Effect.APPROVED


def test_a_quorum_in_a_later_stage_is_counted_there_alone():
    directors = Stage("directors", (DANA, OMAR, OLAF), 2)
    chain = request(passed(MANAGERS), directors, decisions=(said(MINA),))
    assert judged(chain, DANA).effect is Effect.RECORDED
    one = request_builder.changed(chain, decisions=(said(MINA), said(DANA, 1)))
    assert judged(one, OLAF).effect is Effect.APPROVED


@pytest.mark.parametrize(
    ("stages", "who"),
    [
        ((MANAGERS, Stage("directors", (OMAR,))), OMAR),
        ((MANAGERS, Stage("directors", (OMAR, RAVI, PAULA))), OMAR),
        ((Stage("managers", (MINA, OMAR), 1, NOW), Stage("directors", (MINA,))), MINA),
        (
            (
                Stage("managers", (MINA, OMAR, DANA), 2, NOW),
                Stage("directors", (OMAR, RAVI)),
            ),
            OMAR,
        ),
    ],
)
def test_using_up_the_approvers_of_a_later_stage_rejects(stages, who):
    result = judged(request(*stages), who)
    word, group = Outcome.UNFILLABLE, "directors"
    assert result == Result(Effect.REJECTED, word, group, counts=True)


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


def test_withdrawing_on_a_notice_beats_the_storing_of_its_place():
    asked = request(notice="notice-1", messages=(), ts="")
    place = Place("A1", "C0", "0.7", "notice-1", "")
    early = judged(asked, RAVI, Verdict.WITHDRAW, place=place)
    assert early.effect is Effect.WITHDRAWN
    other = dataclasses.replace(place, card="notice-2")
    assert judged(asked, RAVI, Verdict.WITHDRAW, place=other).code == "misplaced"


def test_withdrawing_is_for_the_requester_alone_and_from_every_message():
    notice = Place("A1", "C0", "0.5")
    withdraw = Verdict.WITHDRAW
    assert judged(request(), RAVI, withdraw, place=notice).effect is Effect.WITHDRAWN
    refused = judged(request(), MINA, withdraw, place=notice)
    assert refused == Result(Effect.REFUSED, "only_requester_withdraws")
    assert judged(request(), MINA, place=notice).code == "moved"
    elsewhere = Place("A1", "C0", "0.6")
    assert judged(request(), RAVI, withdraw, place=elsewhere).code == "misplaced"


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


def test_a_stage_of_the_requesters_own_is_theirs_alone():
    own = Stage("requester", (RAVI,), source=REQUESTER)
    chain = request(MANAGERS, own)
    assert judged(chain, MINA).effect is Effect.STAGE_PASSED
    confirming = request(passed(MANAGERS), own, decisions=(said(MINA),))
    assert judged(confirming, RAVI).effect is Effect.APPROVED
    assert judged(confirming, RAVI, REJECT).effect is Effect.WITHDRAWN
    assert judged(confirming, OMAR).code == "not_in_group"
    assert judged(confirming, PAULA).code == "not_in_group"


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
