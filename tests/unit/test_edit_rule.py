"""An edit: another call, asked of the policy again, with the editor's word counted."""

from __future__ import annotations

import dataclasses
import datetime as dt
from functools import partial
from typing import Any

import pytest

from bot.approvals.assess import MARKS
from bot.approvals.digest import call_digest, grant_digest, schema_digest
from bot.approvals.edit import (
    Edit,
    Flaw,
    new_sources,
    plan_answer,
    plan_edit,
    typed_argument,
    with_changed_tool,
)
from bot.approvals.eligibility import PolicyContext
from bot.approvals.judge import Result, judge
from bot.approvals.model import (
    Action,
    Confirm,
    Decision,
    Effect,
    Escalation,
    Kind,
    Profile,
    Request,
    Risk,
    Stage,
    Target,
    Times,
    Verdict,
)
from tests.support.people import DANA, MINA, OMAR, RAVI, person
from tests.support.policies import make_policy
from tests.support.request_builder import MANAGERS, NOW, request

RULES = """
  - {name: pay, tools: [pay], why: Money., stages: [{approvers: managers}]}
  - {name: big, tools: [pay], why: Much., when: {amount: {gt: 100}},
     stages: [{approvers: directors}], confirm: typed, allow: [approve, edit]}
  - {name: two, tools: [pay], when: {amount: {gt: 200}},
     stages: [{approvers: managers, quorum: 2}]}
  - {name: own, tools: [pay], agents: [robot], when: {amount: {eq: 16}}, deny: true}
  - {name: odd, tools: [pay], when: {amount: {eq: 13}}, deny: true, why: Unlucky.}
  - {name: alone, tools: [pay], when: {amount: {eq: 14}}, stages: [{approvers: nobody}]}
  - {name: live, tools: [pay], when: {amount: {eq: 15}}, stages: [{approvers: finance}]}
  - {name: ask, interrupts: [ship],
     stages: [{approvers: directors}, {approvers: managers}]}
  - {name: free, tools: [wipe], when: {path: {eq: tmp}}, approval: none}
  - {name: rest, tools: [wipe], when: {path: {ne: tmp}},
     stages: [{approvers: directors}]}
"""
policy = partial(
    make_policy,
    RULES,
    approvers={
        "managers": (MINA, OMAR),
        "directors": (DANA,),
        "nobody": (RAVI,),
        "finance": "{usergroup: S01}",
    },
    interrupts="{answers: words, levels: {boss: directors, money: finance}}",
)
POLICY = policy()
SCHEMA = {"properties": {"amount": {"type": "integer"}}, "required": ["amount"]}
STANDING = PolicyContext(POLICY, NOW, {"usergroup:S01": (DANA,)})


def asked(**changed: Any) -> Request:
    given: dict[str, Any] = {
        "tool": "pay",
        "arguments": {"amount": 5},
        "schema": SCHEMA,
        "schema_digest": "s",
        "stages": (MANAGERS,),
    }
    return request(**{**given, **changed})


def action(arguments: Any, who: str = MINA, **changed: Any) -> Action:
    by = person(who)
    return Action(
        "req-1",
        by,
        Verdict.EDIT,
        "slack",
        click="click-1",
        arguments=arguments,
        **changed,
    )


def edited(one: Request, arguments: Any, who: str = MINA, **changed: Any) -> Edit:
    found = plan_edit(one, action(arguments, who, **changed), STANDING)
    assert isinstance(found, Edit)
    return found


@pytest.mark.parametrize(
    ("arguments", "word", "said"),
    [
        (None, "edit_invalid", "no arguments were given"),
        ({"amount": 2**53}, "edit_invalid", "cannot be written down"),
        ({"amount": "7"}, "edit_invalid", "amount"),
        ({"amount": 7, "bcc": "x"}, "edit_invalid", "bcc"),
        ({"amount": 5}, "edit_same", ""),
        ({"amount": 13}, "edit_denied", "Unlucky."),
    ],
)
def test_what_is_no_edit_changes_nothing(arguments: Any, word: str, said: str):
    found = plan_edit(asked(), action(arguments), STANDING)
    assert isinstance(found, Flaw)
    assert found.code == word
    assert said in found.detail


def test_an_edit_of_what_needs_typing_is_typed_too():
    one = asked(confirm=Confirm.TYPED, confirm_argument="amount")
    found = plan_edit(one, action({"amount": 7}, typed="5"), STANDING)
    assert found == Flaw("typed_wrong")
    assert edited(one, {"amount": 7}, typed="7").own == 0


def test_the_terms_are_those_of_the_edited_call():
    rule = """{tools: [pay], title: "Pay {amount}", risk: high, reject: reason,
        stages: [{approvers: managers}]}"""
    stricter = PolicyContext(make_policy(rule), NOW, {})
    found = plan_edit(asked(), action({"amount": 7}), stricter)
    assert isinstance(found, Edit)
    terms = found.request.terms
    assert (terms.title, terms.risk) == ("Pay {amount}", Risk.HIGH)
    assert terms.asks_reason


def test_an_agents_edit_is_asked_of_its_own_rules():
    assert edited(asked(), {"amount": 16}).own == 0
    found = plan_edit(asked(agent="robot"), action({"amount": 16}), STANDING)
    assert isinstance(found, Flaw)
    assert found.code == "edit_denied"


def test_an_edit_is_the_only_decision_and_passes_its_stage():
    before = Decision(person(OMAR), Verdict.APPROVE, 0, NOW, "slack")
    gone = dataclasses.replace(before, reason="older")
    found = edited(asked(decisions=(before,), voided=(gone,)), {"amount": 7})
    new = found.request
    assert (found.own, found.passes) == (0, True)
    assert found.begun.chain.decisions == ()
    assert found.begun.chain.stages[0].passed_at is None
    assert found.begun.chain.stages[0].opened_at is None
    assert new.chain.voided == (gone, before)
    assert new.chain.stages[0].passed_at == NOW
    [word] = new.chain.decisions
    assert (word.person.user, word.verdict, word.stage) == (MINA, Verdict.EDIT, 0)
    assert (word.at, word.via, word.click) == (NOW, "slack", "click-1")


def test_an_edit_is_another_call_with_another_token():
    one = asked()
    new = edited(one, {"amount": 7}).request
    call = call_digest("pay", "s", {"amount": 7})
    assert new.call.digest == call
    assert new.call.grant_digest == grant_digest(
        call,
        conversation=one.conversation,
        interrupt=one.interrupt,
        tool_call=one.call.id,
        requester=("", "T1", RAVI),
        policy_version=POLICY.version,
    )
    assert new.policy_version == POLICY.version
    assert new.call.edited_by == MINA
    assert new.call.arguments == {"amount": 7}
    assert new.call.raised_arguments == {"amount": 5}
    assert len(new.place.token) >= 20
    assert new.place.token != edited(one, {"amount": 7}).request.place.token


def test_the_arguments_as_raised_are_kept_through_a_second_edit():
    one = asked(arguments={"amount": 6}, raised_arguments={"amount": 5})
    assert edited(one, {"amount": 7}).request.call.raised_arguments == {"amount": 5}
    empty = asked(arguments={"amount": 6}, raised_arguments={})
    assert edited(empty, {"amount": 7}).request.call.raised_arguments == {}


def test_values_over_a_limit_bring_more_stages_and_confirmation():
    found = edited(asked(), {"amount": 150})
    new = found.request
    assert [s.approvers for s in new.chain.stages] == ["managers", "directors"]
    assert new.terms.rules == ("pay", "big")
    assert new.terms.why == ("Money.", "Much.")
    assert new.terms.allow == (Verdict.APPROVE, Verdict.EDIT)
    assert (new.terms.confirm, new.terms.confirm_argument) == (Confirm.TYPED, "amount")
    # nobody has typed anything yet, so the editor's word counts for no stage
    assert (found.own, new.chain.decisions, found.passes) == (-1, (), False)
    assert found.begun == new


def test_new_values_have_the_terms_of_graph_and_policy():
    timed = policy(defaults="{hours: {days: [mon], from: 09:00, to: 17:00}}")
    one = asked(takes=(Verdict.APPROVE, Verdict.REJECT))
    context = dataclasses.replace(STANDING, policy=timed)
    found = plan_edit(one, action({"amount": 150}), context)
    assert isinstance(found, Edit)
    assert timed.hours is not None
    assert found.request.terms.hours == timed.hours
    assert found.request.terms.allow == (Verdict.APPROVE,)


def test_where_both_are_typed_the_word_counts():
    one = asked(confirm=Confirm.TYPED, confirm_argument="amount")
    found = edited(one, {"amount": 150}, typed="150")
    assert (found.own, found.passes) == (0, True)
    assert found.request.chain.stages[1].passed_at is None


def test_a_larger_quorum_is_not_filled_by_the_editor_alone():
    one = asked(confirm=Confirm.TYPED, confirm_argument="amount")
    found = edited(one, {"amount": 250}, typed="250")
    assert (found.own, found.passes) == (0, False)
    assert len(found.request.chain.decisions) == 1


def test_an_editor_outside_the_new_stages_approves_nothing():
    one = asked(tool="wipe", arguments={"path": "a"}, schema={}, stages=(MANAGERS,))
    found = edited(one, {"path": "b"})
    assert [s.approvers for s in found.request.chain.stages] == ["directors"]
    assert (found.own, found.passes, found.request.chain.decisions) == (-1, False, ())


def test_an_escalations_people_are_not_in_the_new_stage():
    to = Escalation(dt.timedelta(hours=1), (Target("directors", (DANA,)),))
    late = dataclasses.replace(
        MANAGERS, times=Times(escalation=to), escalated_at=NOW + to.after
    )
    found = edited(asked(stages=(late,)), {"amount": 7}, DANA)
    assert (found.own, found.passes, found.request.chain.decisions) == (-1, False, ())


def test_a_call_waived_by_an_edit_still_needs_one_approval():
    stages = (
        dataclasses.replace(MANAGERS, quorum=2, reminded_at=NOW, escalated_at=NOW),
    )
    one = asked(
        tool="wipe",
        arguments={"path": "a"},
        schema={},
        stages=stages,
        rules=("rest",),
    )
    found = edited(one, {"path": "tmp"})
    assert [(s.approvers, s.quorum) for s in found.request.chain.stages] == [
        ("managers", 1)
    ]
    assert found.request.terms.rules == ("rest",)
    assert (found.own, found.passes) == (0, True)
    [begun] = found.begun.chain.stages
    assert (begun.opened_at, begun.reminded_at, begun.escalated_at) == (None,) * 3


def test_the_editors_later_stage_is_found_by_name():
    one = asked(
        arguments={"amount": 150},
        stages=(
            dataclasses.replace(MANAGERS, passed_at=NOW),
            Stage("directors", (DANA,), 1, NOW),
        ),
        confirm=Confirm.TYPED,
        confirm_argument="amount",
    )
    found = edited(one, {"amount": 160}, DANA, typed="160")
    assert (found.own, found.request.chain.decisions[0].stage) == (1, 1)
    assert found.request.chain.stages[0].passed_at is None
    assert found.request.chain.stages[1].passed_at == NOW


@pytest.mark.parametrize(
    ("verdict", "arguments", "sources"),
    [
        (Verdict.EDIT, {"amount": 15}, {"usergroup:S01"}),
        (Verdict.EDIT, {"amount": 16}, set()),
        (Verdict.EDIT, {"amount": 13}, set()),
        (Verdict.EDIT, None, set()),
        (Verdict.APPROVE, {"amount": 15}, set()),
    ],
)
def test_only_groups_of_the_new_values_are_looked_up(verdict, arguments, sources):
    word = dataclasses.replace(action(arguments), verdict=verdict)
    assert new_sources(asked(), word, STANDING) == sources


def test_groups_of_a_questions_new_level_are_looked_up():
    one = asked(kind=Kind.INTERRUPT, arguments={"level": "boss"}, schema={})
    word = action({"level": "money"})
    assert new_sources(one, word, STANDING) == {"usergroup:S01"}


def test_a_question_of_the_graphs_own_is_planned_as_one():
    one = asked(kind=Kind.INTERRUPT, arguments={"level": "x"}, schema={})
    found = edited(one, {"level": "boss"})
    assert [s.approvers for s in found.request.chain.stages] == ["directors"]


def decided(one: Request, arguments: Any, **changed: Any) -> Any:
    word = action(arguments, **changed)
    profile = Profile(word.person, "Mina")
    return judge(one, word, profile=profile, own_app="A1", context=STANDING)


@pytest.mark.parametrize(
    ("arguments", "effect", "word", "detail"),
    [
        ({"amount": 7}, Effect.APPROVED, "", ""),
        ({"amount": 150}, Effect.EDITED, "", ""),
        ({"amount": 5}, Effect.REFUSED, "edit_same", ""),
        ({"amount": 13}, Effect.REFUSED, "edit_denied", "Unlucky."),
        ({"amount": 14}, Effect.REFUSED, "edit_unfillable", "nobody"),
    ],
)
def test_what_an_edit_does(arguments: Any, effect: Effect, word: str, detail: str):
    found = decided(asked(), arguments)
    assert (found.effect, found.code, found.detail) == (effect, word, detail)
    assert (found.edit is not None) is (effect is not Effect.REFUSED)


def test_any_click_rejects_a_call_that_is_now_denied():
    one = asked(arguments={"amount": 13})
    found = decided(one, {"amount": 7})
    assert (found.effect, found.code, found.detail) == (
        Effect.REJECTED,
        "denied",
        "Unlucky.",
    )


def test_an_edit_is_judged_by_the_tightened_policy():
    one = asked(arguments={"amount": 250})
    found = decided(one, {"amount": 250})
    assert found.tight is not None
    assert [s.quorum for s in found.tight.chain.stages] == [2, 1]


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
def test_an_answer_is_approved_by_whoever_gives_it(form, given, value, shown):
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


def test_a_changed_tool_is_asked_for_anew_with_nothing_decided():
    decided = asked(
        stages=(dataclasses.replace(MANAGERS, passed_at=NOW),),
        decisions=(Decision(person(MINA), Verdict.APPROVE, 0, NOW, "slack"),),
    )
    schema = {
        **SCHEMA,
        "description": "Pay, and tell them.",
        MARKS: {"destructive": True},
    }
    new = with_changed_tool(decided, schema)
    assert new is not None
    assert new.call.arguments == decided.call.arguments
    assert new.call.schema == schema
    assert new.call.schema_digest == schema_digest(schema) != decided.call.schema_digest
    assert new.call.grant_digest != decided.call.grant_digest
    assert new.terms.risk is Risk.HIGH is not decided.terms.risk
    assert not new.chain.decisions
    plain = with_changed_tool(asked(risk=Risk.HIGH), SCHEMA)
    assert plain is not None
    assert plain.terms.risk is Risk.HIGH


@pytest.mark.parametrize(
    "amount",
    [
        {"type": "string"},  # does not take them any more
        {"type": "integer", "writeOnly": True},  # would show others of them
    ],
)
def test_a_tool_that_changed_too_much_is_not_asked_for(amount: dict[str, Any]):
    assert with_changed_tool(asked(), {"properties": {"amount": amount}}) is None


def test_a_value_that_the_schema_hides_is_not_typed_in():
    word: dict[str, Any] = {"type": "string"}
    for schema, typed in ((word, "blue"), (word | {"writeOnly": True}, None)):
        one = asked(
            arguments={"colour": "blue"},
            schema={"properties": {"colour": schema}},
            confirm_argument="colour",
        )
        assert typed_argument(one) == typed
