"""Typed confirmations: the value to type in before an approval counts."""

from __future__ import annotations

from typing import Any

import pytest

from bot.approvals.edit import is_confirmed, typed_value
from bot.approvals.model import Action, Confirm, Verdict
from bot.slack.cards.arguments import effect_lines
from tests.support.people import person
from tests.support.request_builder import request

ARGUMENTS = {
    "amount": 1200,
    "rate": 1.5,
    "yes": True,
    "name": " prod ",
    "blank": "  ",
    "none": None,
    "list": [1],
    "in": {"side": "x", "deep": {"n": 7}},
    "token": "secret-word",
}


def one(path: str, **changed: Any):
    return request(
        arguments=ARGUMENTS, confirm=Confirm.TYPED, confirm_argument=path, **changed
    )


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("", "K7QP"),
        ("amount", "1200"),
        ("rate", "1.5"),
        ("yes", "true"),
        ("name", " prod "),
        ("blank", "K7QP"),
        ("none", "K7QP"),
        ("list", "K7QP"),
        ("in", "K7QP"),
        ("in.side", "x"),
        ("in.deep.n", "7"),
        ("in.gone", "K7QP"),
        ("in.side.x", "K7QP"),
        ("gone", "K7QP"),
        ("token", "K7QP"),
    ],
)
def test_what_is_to_be_typed(path: str, value: str):
    assert typed_value(one(path)) == value


def test_an_edit_is_confirmed_by_its_own_values():
    assert typed_value(one("amount"), {"amount": 3}) == "3"
    assert typed_value(one("amount"), {}) == "K7QP"


@pytest.mark.parametrize(
    ("path", "typed", "right"),
    [
        ("amount", "1200", True),
        ("amount", " 1,200.0 ", True),
        ("amount", "1201", False),
        ("amount", "", False),
        ("amount", "  ", False),
        ("amount", "x", False),
        ("name", "prod", True),
        ("name", "Prod", False),
        ("", "K7QP", True),
        ("", "k7qp", False),
    ],
)
def test_what_counts_as_typed(path: str, typed: str, right: bool):
    word = Action("r", person("U1"), Verdict.APPROVE, "slack", typed=typed)
    assert is_confirmed(one(path), word) is right


@pytest.mark.parametrize("confirm", [Confirm.NONE, Confirm.DIALOG])
def test_where_nothing_is_asked_nothing_is_typed(confirm: Confirm):
    word = Action("r", person("U1"), Verdict.APPROVE, "slack")
    assert is_confirmed(request(confirm=confirm), word)


def test_what_approve_confirms_has_its_order_too():
    schema = {"properties": {"to": {}, "amount": {}}}
    one = request(arguments={"amount": 5, "to": "x"}, schema=schema)
    assert effect_lines(one, 300)[1:] == ['"to": "x"', '"amount": 5']
