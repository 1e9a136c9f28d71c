"""An answer in the place of a call: bound to it, and approved like one."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from bot.approvals.digest import call_digest
from bot.approvals.edit import Flaw, plan_answer
from bot.approvals.judge import Result, judge
from bot.approvals.model import Confirm, Effect, Kind, Profile, Request, Stage, Verdict
from tests.support.editing import STANDING, action, asked
from tests.support.people import DANA, MINA
from tests.support.request_builder import MANAGERS, NOW


@pytest.mark.parametrize(
    ("form", "value", "word", "said"),
    [
        ({"type": "number"}, float("nan"), "answer_invalid", "cannot be written down"),
        ({"type": "integer"}, 2**60, "answer_invalid", "cannot be written down"),
        ({"type": "string"}, 7, "answer_invalid", "7"),
        (None, None, "answer_empty", ""),
    ],
)
def test_an_answer_that_cannot_be_bound_is_refused(
    form: Any, value: Any, word: str, said: str
):
    one = asked(kind=Kind.INTERRUPT, arguments={}, schema={}, form=form)
    given = dataclasses.replace(action(None), verdict=Verdict.ANSWER, value=value)
    found = plan_answer(one, given, STANDING)
    assert isinstance(found, Flaw)
    assert found.code == word
    assert said in found.detail


def test_an_answer_needs_the_right_typed_confirmation():
    one = asked(
        kind=Kind.INTERRUPT, arguments={}, schema={}, confirm=Confirm.TYPED, code="K7QP"
    )
    given = dataclasses.replace(
        action(None, reason="ACME"), verdict=Verdict.ANSWER, typed="wrong"
    )
    found = plan_answer(one, given, STANDING)
    assert isinstance(found, Flaw)
    assert found.code == "typed_wrong"


DIRECTORS = Stage("directors", (DANA,), 1, NOW)


def question(level: str = "boss", **changed: Any) -> Request:
    given: dict[str, Any] = {"arguments": {"level": level}, "stages": (DIRECTORS,)}
    allow = (Verdict.APPROVE, Verdict.REJECT, Verdict.ANSWER)
    given |= {"kind": Kind.INTERRUPT, "schema": {}, "allow": allow}
    return asked(**{**given, **changed})


def answered(one: Request, who: str = DANA, **changed: Any) -> Result:
    word = action(None, who, **changed)
    return judge(
        one,
        dataclasses.replace(word, verdict=Verdict.ANSWER),
        profile=Profile(word.person, "Dana"),
        own_app="A1",
        context=STANDING,
    )


@pytest.mark.parametrize(
    ("form", "given", "value", "shown"),
    [
        (None, {"reason": " ACME "}, "ACME", "ACME"),
        (None, {"value": 7, "reason": "ACME"}, 7, "7"),
        ({"type": "integer"}, {"value": 7, "reason": "ACME"}, 7, "7"),
        ({"type": "null"}, {"reason": "ACME"}, None, "null"),
        (
            {"type": "object"},
            {"value": {"b": "Zoë", "a": 1}},
            {"a": 1, "b": "Zoë"},
            '{\n  "a": 1,\n  "b": "Zoë"\n}',
        ),
    ],
)
def test_an_answer_is_approved_by_the_person_who_gives_it(form, given, value, shown):
    one = question(form=form)
    result = answered(one, **given)
    assert result.effect is Effect.ANSWERED
    assert result.edit is not None
    new = result.edit.request
    assert (new.call.answer_value, new.answer) == (value, shown)
    [word] = new.chain.decisions
    assert (word.person.user, word.verdict, word.stage) == (DANA, Verdict.ANSWER, 0)
    assert new.call.digest == call_digest("pay", "s", {"level": "boss"})
    assert new.call.grant_digest != one.call.grant_digest
    assert (new.call.arguments, new.call.edited_by) == ({"level": "boss"}, DANA)


def test_an_answer_goes_through_the_stages_that_remain():
    stages = (DIRECTORS, dataclasses.replace(MANAGERS, opened_at=None))
    one = question(tool="ship", arguments={}, stages=stages)
    result = answered(one, value="x")
    assert result.effect is Effect.EDITED
    assert result.edit is not None
    new = result.edit.request
    assert [s.passed_at for s in new.chain.stages] == [NOW, None]
    assert (new.answer, new.call.is_answered) == ("x", True)


def test_the_last_approval_of_an_answer_answers():
    one = question(answer_json='"x"', call_edited_by=MINA)
    word = dataclasses.replace(action(None, DANA), verdict=Verdict.APPROVE)
    profile = Profile(word.person, "Dana")
    found = judge(one, word, profile=profile, own_app="A1", context=STANDING)
    assert found == Result(Effect.ANSWERED)


@pytest.mark.parametrize(
    ("verdict", "answer", "offered"),
    [
        (Verdict.ANSWER, None, True),
        (Verdict.APPROVE, None, False),
        (Verdict.REJECT, None, False),
        (Verdict.APPROVE, '"x"', True),
        (Verdict.REJECT, '"x"', False),
    ],
)
def test_an_answer_may_be_approved_where_only_answers_are_allowed(
    verdict, answer, offered
):
    one = question(answer_json=answer, allow=(Verdict.ANSWER,))
    assert one.offers(verdict) is offered
