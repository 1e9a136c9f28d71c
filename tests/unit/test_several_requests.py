"""Several requests on one card: what one click on a button for all stands for."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.approvals.eligibility import PolicyContext, needs_own_click
from bot.approvals.model import Confirm, Risk, Status, Verdict
from bot.approvals.policy.load import parse_policy
from bot.approvals.policy.model import Policy
from bot.slack.cards.card import card_blocks, value_for_all
from bot.slack.cards.view import CardView, bundle
from bot.slack.render import request_views
from tests.support.cards_samples import objects, view
from tests.support.policies import policy_text
from tests.support.request_builder import NOW, changed, request

BY_MANAGERS = "stages: [{approvers: managers}]"


def in_force(*rules: str) -> Policy:
    first = f"{{tools: [delete_file], {BY_MANAGERS}}}"
    return parse_policy(policy_text(first, *rules))


def buttons(blocks) -> dict[str, dict]:
    return {each["action_id"]: each for each in objects(blocks) if "action_id" in each}


@pytest.mark.parametrize(
    ("changes", "offered"),
    [
        ({}, {"approve_all", "reject_all"}),
        ({"confirm": Confirm.TYPED}, {"reject_all"}),
        ({"confirm": Confirm.DIALOG}, {"reject_all"}),
        ({"risk": Risk.HIGH}, {"reject_all"}),
        ({"critical": True}, {"reject_all"}),
        ({"asks_reason": True}, {"approve_all"}),
        ({"allow": (Verdict.APPROVE, Verdict.EDIT)}, {"approve_all"}),
        ({"allow": (Verdict.REJECT,)}, {"reject_all"}),
        ({"arguments": {"x": "y" * 9_000}}, {"reject_all"}),
        ({"expires_at": NOW}, set()),
        ({"status": Status.REJECTED, "decided_at": NOW}, set()),
    ],
)
def test_decide_all_is_offered_only_where_each_takes_one_click(changes, offered):
    two = [request(), request(id="req-2", **changes)]
    card = view(*two)
    found = buttons(card_blocks(card))
    assert {name for name in found if name.endswith("_all")} == offered
    for name in offered:
        assert found[name]["value"] == bundle(name, two) == value_for_all(card, name)


@pytest.mark.parametrize(
    ("strict", "offered"),
    [
        ("", True),
        ("risk: high", False),
        ("confirm: dialog", False),
        ("critical: true", False),
    ],
)
def test_the_policy_in_force_can_take_approve_all_away(strict, offered):
    policy = in_force(f"{{tools: [write_file], {BY_MANAGERS}, {strict}}}")
    first = request(place_card="d-1")
    second = changed(first, id="req-2", tool="write_file")
    context = PolicyContext(policy, NOW, {})
    card = CardView(request_views([first, second], context, "d-1"))
    assert (value_for_all(card, "approve_all") is not None) is offered


def test_what_the_policy_in_force_denies_is_not_among_all():
    assert not needs_own_click(request(), in_force())
    assert needs_own_click(request(), in_force("{tools: [delete_file], deny: true}"))


@pytest.mark.parametrize("rule", [BY_MANAGERS, "approval: none"])
def test_what_was_risky_when_it_was_raised_stays_so(rule):
    policy = parse_policy(policy_text(f"{{tools: [delete_file], {rule}}}"))
    assert needs_own_click(request(risk=Risk.HIGH), policy)
    assert not needs_own_click(request(), policy)


def test_rows_decided_on_another_card_have_no_part_in_it():
    here = [request(id=f"req-{n}", place_card="d-1") for n in range(2)]
    gone = request(id="req-2", place_card="d-2", risk=Risk.HIGH)
    context = PolicyContext(in_force(), NOW, {})
    card = CardView(request_views([*here, gone], context, "d-1"))
    assert value_for_all(card, "approve_all") == bundle("approve_all", here)


@given(st.lists(st.sampled_from("abcdef"), unique=True))
def test_a_button_for_all_stands_for_its_digests_alone(shown):
    action = "approve_all"
    requests = [request(token=name, grant_digest=name * 64) for name in shown]
    value = bundle(action, requests)
    assert re.fullmatch("[0-9a-f]{32}", value)
    for index, each in enumerate(requests):
        rest = [*requests[:index], *requests[index + 1 :]]
        edited = changed(each, token="new", grant_digest="0" * 64)
        others = [
            bundle(action, rest),
            bundle(action, [*rest, edited]),
            bundle(action, [*requests, edited]),
        ]
        assert value not in others
    assert value != bundle("reject_all", requests)
