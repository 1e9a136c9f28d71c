"""The demands of a policy on a graph's own interrupts."""

from __future__ import annotations

from functools import partial

import pytest

from bot.approvals.model import Confirm, Verdict
from bot.approvals.policy.complaints import no_level
from bot.approvals.policy.load import parse_policy
from bot.approvals.policy.match import answers_of, plan_interrupt
from bot.approvals.policy.model import ALLOWED_RAW, Demanded, Denied, Policy
from tests.support.policies import make_policy

policy = partial(
    make_policy,
    defaults="{channel: C01, stages: [{approvers: managers}]}",
    approvers={"managers": ("U01", "U02", "U03"), "directors": ("U04", "U05")},
    interrupts="{answers: booleans, levels: {director: directors, own: requester}}",
)


def demanded(policy: Policy, name: str, payload: object) -> Demanded:
    answer = plan_interrupt(policy, name, payload)
    assert isinstance(answer, Demanded)
    return answer


def chain(policy: Policy, payload: object = "sure?", name: str = "pay") -> list[str]:
    return [stage.approvers for stage in demanded(policy, name, payload).stages]


def test_an_interrupt_that_no_rule_names_gets_the_default_stages():
    answer = demanded(policy(), "interrupt", "sure?")
    assert [stage.approvers for stage in answer.stages] == ["managers"]
    assert answer.rules == ("defaults.stages",)
    assert answer.allow == ALLOWED_RAW
    assert ALLOWED_RAW == (Verdict.APPROVE, Verdict.REJECT, Verdict.ANSWER)
    without = parse_policy("version: 1")
    assert plan_interrupt(without, "x", "sure?") == Denied(
        "", "No rule of the policy allows x."
    )


def test_rules_for_tools_neither_demand_deny_nor_waive_an_interrupt():
    rules = policy(
        "{tools: ['*'], deny: true}",
        "{tools: [pay], approval: none}",
        "{tools: [pay], stages: [{approvers: directors}]}",
    )
    assert chain(rules) == ["managers"]


def test_rules_for_interrupts_add_up_and_deny():
    rules = policy(
        "{interrupts: ['p*'], stages: [{approvers: directors}], confirm: dialog}",
        "{interrupts: [pay], stages: [{approvers: managers}], allow: [approve, edit]}",
        "{name: never, interrupts: [drop], deny: true, why: Not from here.}",
    )
    answer = demanded(rules, "pay", {})
    assert [stage.approvers for stage in answer.stages] == ["directors", "managers"]
    assert answer.allow == (Verdict.APPROVE,)
    assert answer.confirm is Confirm.DIALOG
    assert plan_interrupt(rules, "drop", {}) == Denied("never", "Not from here.")


@pytest.mark.parametrize(
    ("payload", "groups"),
    [
        ({"amount": 5}, ["managers"]),
        ({"amount": 5000}, ["directors"]),
        ({"amount": "5000"}, ["directors"]),
        ({}, ["directors"]),
        ("sure?", ["directors"]),
        (["amount"], ["directors"]),
        (None, ["directors"]),
    ],
)
def test_conditions_look_into_a_payload_that_is_a_mapping(payload, groups):
    rules = policy(
        "{interrupts: [pay], when: {amount: {gt: 1000}},"
        " stages: [{approvers: directors}]}"
    )
    assert chain(rules, payload) == groups


def test_a_level_adds_its_group_after_the_rules():
    payload = {"level": "director"}
    assert chain(policy(), payload) == ["directors"]
    assert chain(policy(), {"level": "own"}) == ["requester"]
    answer = demanded(policy(), "pay", payload)
    assert answer.rules == ("interrupts.levels.director",)
    assert answer.stages[0].people == ("U04", "U05")
    assert answer.stages[0].channel == "C01"
    assert answer.allow == ALLOWED_RAW
    rules = policy(
        "{interrupts: [pay], stages: [{approvers: managers}], allow: [approve]}"
    )
    assert chain(rules, payload) == ["managers", "directors"]
    assert demanded(rules, "pay", payload).allow == (Verdict.APPROVE,)


@pytest.mark.parametrize("level", ["ceo", "", None, 5, ["director"]])
def test_a_level_that_the_policy_does_not_have_is_denied(level):
    rules = policy("{interrupts: [pay], stages: [{approvers: managers}]}")
    answer = plan_interrupt(rules, "pay", {"level": level})
    assert answer == Denied("", no_level(level, ["director", "own"]))


def test_what_is_typed_in_is_found_in_the_payload():
    rules = policy(
        "{interrupts: [pay], stages: [{approvers: managers}], confirm: typed}"
    )
    assert demanded(rules, "pay", {"amount": 9}).confirm_argument == "amount"


def test_a_rule_says_what_its_interrupts_are_answered_with():
    rules = policy(
        "{interrupts: [other], deny: true, answers: words}",
        "{interrupts: ['p*'], when: {amount: {gt: 5}}, deny: true,"
        " answers: {approve: yes, reject: no, timed_out: later}}",
        "{interrupts: [pay], deny: true}",
    )
    assert answers_of(rules, "other") == "words"
    assert answers_of(rules, "pay") == {
        "approve": True,
        "reject": False,
        "timed_out": "later",
    }
    assert answers_of(rules, "ship") == "booleans"
    assert answers_of(parse_policy("version: 1"), "pay") is None


def test_answers_for_all_questions_can_be_written_out():
    text = "version: 1\ninterrupts: {answers: {answer: {data: 'Re: {text}'}}}"
    assert parse_policy(text).interrupts.answers == {"answer": {"data": "Re: {text}"}}
