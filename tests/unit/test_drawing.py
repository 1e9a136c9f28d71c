"""What each message about a request shows, from what is stored now."""

from __future__ import annotations

import datetime as dt

import pytest

from bot.approvals.model import Stage, Status, Verdict
from bot.simulator.blocks import errors
from bot.slack.drawing import draw_call, draw_card, draw_held, draw_notice
from bot.slack.identity import Identity
from bot.slack.sentences import HELD, HELD_OVER
from tests.unit.cards_samples import (
    DANA,
    MINA,
    NOW,
    OMAR,
    RAVI,
    buttons,
    closed,
    decision,
    of_type,
    request,
    section_text,
)

US = Identity("", "T1", "Team", "A1", "B1", "U0BOT", "https://t.slack.example/")
LINK = "https://t.slack.example/archives/C1/p100000001"
STANDING = {"card": "d-1", "card_channel": "C1", "card_ts": "10.0000001"}


def card(*requests, delivery):
    return draw_card(
        requests, NOW, first_post=True, revision=1, delivery=delivery
    ).blocks


def test_only_the_current_card_of_a_request_has_its_buttons():
    here, gone = request(**STANDING), request(id="req-2", **{**STANDING, "card": "d-2"})
    blocks = card(here, gone, delivery="d-1")
    assert errors(blocks) == []
    assert {b["value"] for b in of_type(blocks, "button")} == {"req-1"}
    assert "*Decided now* in <#C1>" in section_text(blocks)


def test_a_notice_can_be_withdrawn_while_it_waits():
    drawn = draw_notice([request(**STANDING)], US)
    assert errors(drawn.blocks) == []
    assert buttons(drawn.blocks)["Withdraw"]["action_id"] == "withdraw"
    assert buttons(drawn.blocks)["Withdraw"]["value"] == "req-1"
    assert section_text(drawn.blocks) == drawn.text
    assert f"<{LINK}|Open the card>" in drawn.text
    assert f"<@{MINA}> and <@{OMAR}> can decide it." in drawn.text


def test_a_notice_of_a_request_that_is_over_has_no_button():
    drawn = draw_notice([closed(Status.WITHDRAWN)], US)
    assert drawn.blocks == []
    assert drawn.text.startswith(f"Withdrawn: delete_file (K7QP) by <@{RAVI}>")


def test_a_held_message_is_told_what_it_waits_for_and_who_can_decide():
    first = request(**STANDING, token="t-1")
    second = request(id="req-2", code="M3XA", tool="write_file", token="t-2")
    over = closed(Status.REJECTED, id="req-3")
    drawn = draw_held([first, over, second], US)
    assert errors(drawn.blocks) == []
    assert drawn.text.startswith(HELD)
    assert drawn.text.count("can decide it") == 2
    assert drawn.text.count("|Open the card>") == 1
    assert {name: each["value"] for name, each in buttons(drawn.blocks).items()} == {
        "Withdraw K7QP": "t-1",
        "Withdraw M3XA": "t-2",
    }
    assert section_text(drawn.blocks) == drawn.text


def test_a_held_message_shows_five_requests_and_counts_the_others():
    many = [request(id=f"req-{n}", code=f"K{n}") for n in range(8)]
    drawn = draw_held(many, US)
    assert errors(drawn.blocks) == []
    assert len(buttons(drawn.blocks)) == 5
    assert "3 more" in drawn.text
    assert len(drawn.text) < 4_000


def test_a_held_message_says_so_when_all_is_over():
    drawn = draw_held([closed(Status.REJECTED), closed(Status.ANSWERED)], US)
    assert (drawn.text, drawn.blocks) == (HELD_OVER, [])


def chain(**changes):
    later = NOW + dt.timedelta(minutes=5)
    stages = (
        Stage("managers", (MINA,), 1, NOW, later),
        Stage("directors", (OMAR, DANA), 1, later),
    )
    return request(stages=stages, decisions=(decision(MINA),), **STANDING, **changes)


def test_the_people_of_the_next_stage_are_called():
    text = draw_call(chain(), US).text
    assert text.startswith(f"Stage 1, managers, has passed: <@{MINA}>.")
    assert f"<@{OMAR}> and <@{DANA}>: your decision is needed" in text
    assert "on delete_file (K7QP), until <!date^" in text
    assert f"<{LINK}|Open the card>" in text


def test_who_is_called_after_an_edit_is_told_of_it():
    edited = request(raised_arguments={}, edited_by=DANA, **STANDING)
    text = draw_call(edited, US).text
    assert text.startswith(f"<@{DANA}> changed the arguments")
    assert f"<@{MINA}> and <@{OMAR}>: your decision is needed" in text


@pytest.mark.parametrize(
    ("status", "verdict", "word"),
    [
        (Status.APPROVED, Verdict.APPROVE, "Approved"),
        (Status.REJECTED, Verdict.REJECT, "Rejected"),
        (Status.ANSWERED, Verdict.ANSWER, "Answered"),
    ],
)
def test_a_call_is_a_short_line_once_it_is_over(status, verdict, word):
    drawn = draw_call(closed(status, decisions=(decision(OMAR, verdict),)), US)
    assert drawn.text.startswith(f"{word}: delete_file (K7QP) by <@{OMAR}>")
    assert drawn.blocks == []
