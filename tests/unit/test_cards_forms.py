"""The small modals: why, what to type, what to answer."""

from __future__ import annotations

import pytest
from hypothesis import given

from agent.safe_text import is_hidden
from bot.approvals.model import Confirm, Status, Verdict
from bot.simulator.block_check import view_errors
from bot.slack.cards.arguments import effect_lines
from bot.slack.cards.blocks import CardRef
from bot.slack.cards.forms import answer_form, reason_form, typed_form
from bot.slack.cards.view import RequestView
from bot.slack.full_text import full_view
from tests.support.cards_samples import closed, of_type, texts
from tests.support.hostile_texts import ARGUMENTS, HUGE, NASTY
from tests.support.request_builder import NOW, request

CARD = CardRef("t-1", "C1", "1.1", "1.0")
FORMS = [reason_form, typed_form, answer_form]


@pytest.mark.parametrize(
    ("build", "callback_id", "submit", "label", "block_id"),
    [
        (reason_form, "reject_reason", "Reject", "Reason", "reason"),
        (answer_form, "answer", "Send the answer", "Your answer", "reason"),
        (
            typed_form,
            "approve_typed",
            "Approve",
            "To approve, type the value of path",
            "typed",
        ),
    ],
)
def test_a_form_asks_one_thing_and_says_what_it_does(
    build, callback_id, submit, label, block_id
):
    form = build(request(confirm=Confirm.TYPED, confirm_argument="path"), CARD)
    (field,) = of_type(form, "input")
    assert view_errors(form) == []
    assert form["callback_id"] == callback_id
    assert form["submit"]["text"] == submit
    assert field["label"]["text"] == label
    assert (field["block_id"], field["optional"]) == (block_id, False)
    assert CardRef.from_json(form["private_metadata"]) == CARD
    assert '"path": "reports/q3.csv"' in " ".join(texts(form))


@pytest.mark.parametrize("build", FORMS)
@pytest.mark.parametrize("arguments", HUGE.values(), ids=HUGE)
def test_a_form_for_any_call_is_taken_by_slack(build, arguments):
    form = build(request(arguments=arguments, tool="t" * 9_000), CARD)
    assert view_errors(form) == []


@given(ARGUMENTS, NASTY)
def test_no_hidden_character_is_in_a_form(arguments, tool):
    for build in FORMS:
        form = build(request(arguments=arguments, tool=tool), CARD)
        assert view_errors(form) == []
        assert not any(is_hidden(c) for text in texts(form) for c in text)


@given(ARGUMENTS, NASTY)
def test_a_dialog_has_room_for_what_it_names(arguments, tool):
    lines = effect_lines(request(arguments=arguments, tool=tool), 250)
    assert not any(is_hidden(c) for line in lines for c in line)
    assert len(lines) <= 10


def test_a_long_value_leaves_room_for_the_others():
    lines = effect_lines(request(arguments={"body": "x" * 900, "to": "ACME"}), 200)
    assert '"to": "ACME"' in lines
    assert len("\n".join(lines)) <= 200


def test_a_value_that_nobody_can_type_is_the_code():
    for value in ([1], {"a": 1}, None, "  "):
        asked = request(
            arguments={"x": value}, confirm=Confirm.TYPED, confirm_argument="x"
        )
        assert "code, K7QP" in str(typed_form(asked, CARD))


@pytest.mark.parametrize("value", [0, False, 1.5, "name"])
def test_a_value_inside_an_argument_can_be_asked_for(value):
    asked = request(
        arguments={"x": {"y": value}}, confirm=Confirm.TYPED, confirm_argument="x.y"
    )
    assert "the value of x.y" in str(typed_form(asked, CARD))


def test_the_full_view_asks_for_the_typed_value_too():
    asked = request(confirm=Confirm.TYPED, confirm_argument="path")
    shown = full_view(RequestView(asked, NOW), CARD)
    assert view_errors(shown) == []
    assert [b["block_id"] for b in of_type(shown, "input")] == ["typed"]
    assert shown["submit"]["text"] == "Approve"


@pytest.mark.parametrize(
    "shown",
    [
        RequestView(closed(Status.APPROVED, confirm=Confirm.TYPED), NOW),
        RequestView(request(allow=(Verdict.REJECT,)), NOW),
        RequestView(request(), NOW, elsewhere=True),
    ],
)
def test_the_full_view_offers_no_approve_that_does_not_count(shown):
    modal = full_view(shown, CARD)
    assert view_errors(modal) == []
    assert "submit" not in modal
    assert of_type(modal, "input") == []
