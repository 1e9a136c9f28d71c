"""The message that a click comes from: where it counts, and where not."""

from __future__ import annotations

import dataclasses

import pytest

from bot.approvals.digest import copy_of
from bot.approvals.judge import Result, is_in_place, is_on_message
from bot.approvals.model import Action, Effect, Place, Status, Verdict
from tests.support.judging import APPROVE, judged, request
from tests.support.people import MINA, OMAR, RAVI, person
from tests.support.request_builder import MANAGERS


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


def test_a_list_counts_for_what_it_offered():
    for offered, right in ((("r0", "r1"), True), (("r0",), False), ((), False)):
        place = Place("A1", "", "", offered=offered)
        assert is_in_place(request(), at(place), "A1") is right


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
