"""The card of a request with stages: what passed, what is open, what comes."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest

from bot.approvals.model import Escalation, Stage, Target, Times
from bot.slack.cards.card import card_blocks, card_text
from bot.texts.formatting import date
from tests.support.cards_samples import (
    LATER,
    buttons,
    decision,
    grey_text,
    section_text,
    view,
)
from tests.support.people import DANA, MINA, OMAR
from tests.support.request_builder import NOW, request


def test_stages_say_what_passed_what_is_open_and_what_comes():
    stages = (
        Stage("finance", (MINA,), 1, NOW, LATER),
        Stage("directors", (OMAR, DANA), 2, LATER),
        Stage("ceo", ("U0CEO",)),
    )
    decisions = (decision(MINA, stage=0), decision(OMAR, stage=1))
    card = view(request(stages=stages, decisions=decisions), can_decide=[DANA])

    blocks = card_blocks(card)

    assert section_text(blocks).splitlines()[1:] == [
        f"finance: approved by <@{MINA}>, {date(LATER)}",
        f"1 of 2 approved: <@{OMAR}>",
        "*Approve* passes it on to ceo.",
    ]
    assert grey_text(blocks).startswith(
        f"<@{DANA}> for directors (1 of 2 so far), then ceo · by "
    )


def test_a_long_chain_shows_its_latest_and_its_next_stages():
    stages = [Stage(f"g{n}", (MINA,), 1, NOW, LATER) for n in range(20)]
    stages[12:] = [Stage(f"g{n}", (MINA,)) for n in range(12, 20)]
    blocks = card_blocks(view(request(stages=tuple(stages))))
    passed = section_text(blocks).splitlines()[1:-1]
    assert [line.partition(":")[0] for line in passed] == [
        f"g{n}" for n in range(6, 12)
    ]
    assert ", then g13, then g14, then g15, then 4 more · " in grey_text(blocks)


@pytest.mark.parametrize(
    ("quorum", "later", "said"),
    [
        (1, [], None),
        (1, ["finance", "ceo"], "*Approve* passes it on to finance, then ceo."),
        (2, [], "*Approve* counts as 1 of 2."),
        (2, ["finance"], "*Approve* counts as 1 of 2, then finance."),
    ],
)
def test_a_card_says_what_approve_does_where_several_are_needed(quorum, later, said):
    names = ["managers", *later]
    stages = tuple(Stage(name, (MINA, OMAR), quorum) for name in names)
    asked = request(stages=stages)
    lines = section_text(card_blocks(view(asked))).splitlines()
    assert lines[1:] == ([said] if said else [])
    elsewhere = section_text(card_blocks(view(asked, elsewhere=True)))
    assert "*Approve*" not in elsewhere


def test_a_card_says_that_approve_is_the_last_one_needed():
    stages = (
        Stage("managers", (MINA,), 1, NOW, LATER),
        Stage("finance", (OMAR,), 1, LATER),
    )
    passed = request(stages=stages, decisions=(decision(MINA, stage=0),))
    assert "*Approve* is the last one needed." in section_text(
        card_blocks(view(passed))
    )


def timed(**changes) -> Stage:
    targets = (Target("directors", (DANA,)), Target("the <board>", ()))
    escalation = Escalation(dt.timedelta(hours=6), targets)
    times = Times(None, tuple(map(hours_of, (4, 20))), escalation)
    return Stage("managers", (MINA, OMAR), opened_at=NOW, times=times, **changes)


def hours_of(number: float) -> dt.timedelta:
    return dt.timedelta(hours=number)


def test_a_card_says_who_joins_later_and_when():
    stages = (timed(), Stage("ceo", ()))
    grey = grey_text(card_blocks(view(request(stages=stages))))
    joins = f"directors and the &lt;board&gt; too from {date(NOW + hours_of(6))}"
    assert f", then ceo · {joins} · by " in grey


def test_who_has_joined_stands_no_longer_under_what_comes():
    since = NOW + hours_of(6)
    stage = timed(reminded_at=NOW + hours_of(4), escalated_at=since)
    grey = grey_text(card_blocks(view(request(stages=(stage,)), now=since)))
    assert " too from " not in grey
    joined = f"directors and the &lt;board&gt; joined {date(since)}"
    assert joined in section_text(
        card_blocks(view(request(stages=(stage,)), now=since))
    )


def test_the_open_stages_timeout_is_the_time_to_decide():
    stage = dataclasses.replace(timed(), times=Times(timeout=hours_of(2)))
    shown = view(request(stages=(stage,)))
    due = f"by {date(NOW + hours_of(2))}"
    assert due in grey_text(card_blocks(shown))
    assert due in card_text(shown)
    late = view(request(stages=(stage,)), now=NOW + hours_of(2))
    assert buttons(card_blocks(late)).keys() & {"Approve", "Reject"} == set()
