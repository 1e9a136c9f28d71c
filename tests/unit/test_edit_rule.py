"""An edit: another call, asked of the policy again, with the editor's word counted."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import pytest

from bot.approvals.assess import MARKS
from bot.approvals.digest import call_digest, grant_digest, schema_digest
from bot.approvals.edit import (
    Edit,
    Flaw,
    new_sources,
    plan_edit,
    typed_argument,
    with_changed_tool,
)
from bot.approvals.eligibility import PolicyContext
from bot.approvals.judge import judge
from bot.approvals.model import (
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
from tests.support.editing import POLICY, SCHEMA, STANDING, action, asked, policy
from tests.support.people import DANA, MINA, OMAR, RAVI, person
from tests.support.policies import make_policy
from tests.support.request_builder import MANAGERS, NOW


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
