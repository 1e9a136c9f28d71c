"""A reason that is added to a reject that was one click: by whom, for how long."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from bot.approvals.comments import OFFERED, offered_until, reason_refusal
from bot.approvals.model import (
    Action,
    Decision,
    Outcome,
    Place,
    Request,
    Status,
    Verdict,
)
from bot.slack.cards.card import card_blocks
from tests.support.cards_samples import LATER, buttons, closed, decision, view
from tests.support.people import MINA, OMAR, person

PLACE = {"channel": "C1", "ts": "1.1", "card": "card-1"}


def rejected(*decisions: Decision) -> Request:
    return closed(Status.REJECTED, decisions=decisions, **PLACE)


REJECTED = rejected(decision(MINA, Verdict.REJECT))
OVER = LATER + OFFERED


def by(user: str, message: str = "1.1") -> Action:
    place = Place("A1", "C1", message)
    return Action("req-1", person(user), Verdict.REJECT, "slack", place, reason="why")


def test_a_minute_long_the_card_offers_to_add_a_reason():
    for now, offered in ((LATER, True), (OVER, False)):
        shown = buttons(card_blocks(view(REJECTED, now=now)))
        assert ("Add a reason…" in shown) is offered
    assert offered_until(REJECTED) == OVER


@pytest.mark.parametrize(
    "other",
    [
        rejected(decision(MINA, Verdict.REJECT, reason="too soon")),
        rejected(decision("x", Verdict.REJECT, via="cli")),
        closed(Status.REJECTED, outcome=Outcome.DENIED, end_note="no"),
        closed(Status.WITHDRAWN, decisions=(decision(MINA, Verdict.REJECT),)),
        closed(Status.APPROVED, decisions=(decision(),)),
        replace(REJECTED, terms=replace(REJECTED.terms, asks_reason=True)),
    ],
)
def test_what_has_a_reason_or_no_rejecter_offers_nothing(other):
    assert offered_until(other) is None
    assert buttons(card_blocks(view(other, now=LATER))) == {}


@pytest.mark.parametrize(
    ("action", "now", "code"),
    [
        (by(MINA), LATER, ""),
        (by(MINA), OVER - dt.timedelta(seconds=1), ""),
        (by(MINA), OVER, "reason_late"),
        (by(MINA), None, ""),  # a form that was opened in time
        (by(OMAR), LATER, "reason_not_yours"),
        (by(MINA, "2.2"), LATER, "misplaced"),
    ],
)
def test_only_the_rejecter_adds_a_reason_in_time(action, now, code):
    assert reason_refusal(REJECTED, action, "A1", now) == code


def test_a_reason_that_stands_stays():
    request = rejected(decision(MINA, Verdict.REJECT, reason="first"))
    assert reason_refusal(request, by(MINA), "A1") == "reason_given"
