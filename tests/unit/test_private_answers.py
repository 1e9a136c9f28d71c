"""No click is silent: the private sentence for each outcome."""

from __future__ import annotations

import datetime as dt

import pytest

from bot.approvals.judge import Result
from bot.approvals.model import CHANGES, Confirm, Effect, Person, Stage, Status, Verdict
from bot.texts import clicks as say
from bot.texts.clicks import IN_FORM, in_form, private_answer
from tests.support.cards_samples import LATER, closed, decision
from tests.support.people import MINA, OLAF, OMAR, RAVI, person
from tests.support.request_builder import NOW, request

WHO = person(OLAF)


def said(effect: Effect, word: str = "", about=None, who: Person = WHO) -> str:
    return private_answer(Result(effect, word), about or request(), who)


@pytest.mark.parametrize(
    "word",
    [
        "misplaced",
        "moved",
        "requester",
        "participant",
        "not_in_group",
        "other_team",
        "deactivated",
        "guest",
        "stranger",
        "bot",
        "other team",
        "could_not_check",
        "superseded",
        "card_changed",
        "not_allowed",
        "already_decided",
    ],
)
def test_each_refusal_says_that_nothing_was_decided_or_who_can(word):
    text = said(Effect.REFUSED, word)
    assert "nothing was decided" in text.lower() or f"<@{MINA}>" in text
    assert text.endswith(".")


@pytest.mark.parametrize(
    "word",
    [
        "requester",
        "participant",
        "not_in_group",
        "guest",
        "superseded",
        "not_allowed",
        "only_requester_withdraws",
    ],
)
def test_a_refusal_names_who_can_decide(word):
    text = said(Effect.REFUSED, word)
    assert f"<@{MINA}>" in text
    assert f"<@{OMAR}>" in text


def test_who_cannot_decide_is_told_who_can():
    told = f"You can't decide this one. <@{MINA}> or <@{OMAR}> can."
    assert said(Effect.REFUSED, "not_in_group") == told


@pytest.mark.parametrize("word", ["guest", "other_team", "guest_not_said"])
def test_a_refused_approver_is_not_named_as_one_who_can(word):
    text = said(Effect.REFUSED, word, who=Person("", "T1", MINA))
    assert f"<@{MINA}>" not in text
    assert f"<@{OMAR}> can decide it." in text


@pytest.mark.parametrize("status", [s for s in Status if s is not Status.PENDING])
def test_a_late_click_is_told_how_the_request_ended(status):
    text = said(Effect.LATE, status, closed(status, decisions=(decision(),)))
    assert text
    expected = {Status.TIMED_OUT: "timed out", Status.WITHDRAWN: f"<@{RAVI}>"}
    assert expected.get(status, "") in text


def test_a_late_click_is_told_who_decided():
    text = said(
        Effect.LATE, "approved", closed(Status.APPROVED, decisions=(decision(),))
    )
    assert f"<@{MINA}>" in text


def test_a_click_that_finds_the_time_over_is_told_so():
    assert said(Effect.TIMED_OUT) == say.late(request().expires_at)


def test_an_approver_who_already_decided_reads_their_own_time():
    own, other = decision(MINA), decision(OMAR)
    chain = request(
        stages=(Stage("managers", (MINA, OMAR, "U0DANA"), 3, NOW),),
        decisions=(own, decision_at(other, LATER + dt.timedelta(hours=3))),
    )
    text = said(Effect.REFUSED, "already_decided", chain, own.person)
    assert text == say.you_already_decided(own.at)


def decision_at(word, at):
    import dataclasses

    return dataclasses.replace(word, at=at, verdict=Verdict.APPROVE)


def test_a_click_on_an_unknown_request_is_told_so():
    result = Result(Effect.REFUSED, "unknown_request")
    assert private_answer(result, None, WHO) == say.UNKNOWN_REQUEST


@pytest.mark.parametrize(
    "effect", [*sorted(CHANGES - {Effect.TIMED_OUT}), Effect.REPEATED]
)
def test_where_the_card_says_it_nothing_is_whispered(effect):
    assert said(effect) == ""


def test_a_superseded_click_is_told_who_changed_the_arguments():
    text = said(Effect.REFUSED, "superseded", request(edited_by=OMAR))
    assert f"The arguments were changed by <@{OMAR}> since you saw the card" in text


def test_only_the_requester_withdraws_and_is_named():
    assert f"<@{RAVI}>, who asked" in said(Effect.REFUSED, "only_requester_withdraws")


@pytest.mark.parametrize("verdict", [Verdict.APPROVE, Verdict.EDIT])
def test_a_late_click_on_an_approved_request_names_who_approved(verdict):
    over = closed(Status.APPROVED, decisions=(decision(MINA, verdict),))
    assert f"<@{MINA}>" in said(Effect.LATE, "approved", over)


def test_a_late_click_on_an_answered_request_names_who_answered():
    over = closed(Status.ANSWERED, decisions=(decision(OMAR, Verdict.ANSWER),))
    assert f"already answered by <@{OMAR}>" in said(Effect.LATE, "answered", over)


def test_a_late_click_names_no_approver_after_a_reject():
    over = closed(Status.REJECTED, decisions=(decision(MINA),))
    assert "<@" not in said(Effect.LATE, "rejected", over)


@pytest.mark.parametrize("word", sorted(IN_FORM))
def test_a_forms_error_is_said_only_there_in_plain_text(word):
    result = Result(Effect.REFUSED, word, "amount: <@U1> is *no* number")
    text = in_form(result, request())
    assert said(Effect.REFUSED, word) == ""
    assert text.endswith((".", "number"))
    assert len(text) > 30


@pytest.mark.parametrize(
    ("word", "detail"),
    [
        ("edit_invalid", "amount: not a number"),
        ("edit_denied", "Not on Fridays."),
        ("edit_unfillable", "directors"),
    ],
)
def test_what_a_form_says_carries_the_detail(word, detail):
    assert detail in in_form(Result(Effect.REFUSED, word, detail), request())


@pytest.mark.parametrize(
    ("argument", "wanted"),
    [
        ("path", "the value of path"),
        ("", "this request's code, K7QP"),
        ("gone.deeper", "this request's code, K7QP"),
        ("path.deeper", "this request's code, K7QP"),
    ],
)
def test_a_wrong_value_is_told_what_to_type(argument, wanted):
    asked = request(confirm=Confirm.TYPED, confirm_argument=argument)
    text = in_form(Result(Effect.REFUSED, "typed_wrong"), asked)
    assert text.startswith(f"That isn't {wanted}, so nothing was decided.")


@pytest.mark.parametrize("word", ["not_in_group", "superseded", "", "misplaced"])
def test_other_words_are_not_for_a_form(word):
    assert in_form(Result(Effect.REFUSED, word), request()) == ""
