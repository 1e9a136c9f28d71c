"""The content of each message about a request, drawn from what is stored now."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from bot.approvals.deadlines import Event
from bot.approvals.eligibility import PolicyContext
from bot.approvals.model import Escalation, Stage, Status, Target, Times, Verdict
from bot.approvals.policy.load import parse_policy
from bot.simulator.block_check import errors
from bot.slack.cards.card import card_blocks
from bot.slack.cards.view import CardView
from bot.slack.render import (
    draw_call,
    draw_held,
    draw_notice,
    draw_nudge,
    request_views,
)
from bot.texts.formatting import date
from bot.texts.notices import HELD, HELD_OVER
from tests.support.cards_samples import (
    buttons,
    closed,
    decision,
    of_type,
    preformatted_text,
    section_text,
)
from tests.support.people import DANA, MINA, OMAR, RAVI, US
from tests.support.policies import HEART, make_policy, policy_text
from tests.support.request_builder import NOW, request

LINK = "https://t.slack.example/archives/C1/p100000001"
HOUR = dt.timedelta(hours=1)
TITLE = "*Delete file* `reports/q3.csv`"
STANDING = {"card": "d-1", "channel": "C1", "ts": "10.0000001"}


def test_only_the_current_card_of_a_request_has_its_buttons():
    here, gone = request(**STANDING), request(id="req-2", **{**STANDING, "card": "d-2"})
    context = PolicyContext(parse_policy(policy_text()), NOW, {})
    blocks = card_blocks(CardView(request_views([here, gone], context, "d-1")))
    assert errors(blocks) == []
    assert {b["value"] for b in of_type(blocks, "button")} == {"req-1"}
    assert "*Decided now* in <#C1>" in section_text(blocks)


def test_a_notice_is_one_line_beside_withdraw():
    drawn = draw_notice([request(**STANDING)], US)
    assert errors(drawn.blocks) == []
    assert buttons(drawn.blocks)["Withdraw"]["action_id"] == "withdraw"
    assert buttons(drawn.blocks)["Withdraw"]["value"] == "req-1"
    assert section_text(drawn.blocks) == drawn.text
    assert drawn.text == (
        f"Waiting for <@{MINA}> or <@{OMAR}> to approve {TITLE} · "
        f"by {date(NOW + 24 * HOUR)} · <{LINK}|Open>"
    )


def test_a_closed_requests_notice_has_no_button():
    drawn = draw_notice([closed(Status.WITHDRAWN)], US)
    assert errors(drawn.blocks) == []
    assert buttons(drawn.blocks) == {}
    assert drawn.text.startswith(f"↩ Withdrawn by <@{RAVI}>: {TITLE} · ")


@pytest.mark.parametrize("draw", [draw_notice, draw_held])
def test_each_line_of_a_notice_names_its_target_as_code(draw):
    first = request(arguments={"path": "a <!channel> `*b*`\n.txt"})
    second = request(id="req-2", code="M3XA", arguments={"path": "x" * 9_000})
    drawn = draw([first, second], US)
    assert errors(drawn.blocks) == []
    assert "`a &lt;!channel&gt; '*b*' .txt`" in drawn.text
    assert "`xxx" in drawn.text
    assert "<!channel>" not in drawn.text + section_text(drawn.blocks)


def test_a_notice_without_arguments_names_the_tool_alone():
    drawn = draw_notice([request(arguments={})], US)
    assert "to approve *Delete file* · by" in drawn.text


def test_a_rejects_reason_stands_in_the_notice_unparsed():
    no = decision(MINA, Verdict.REJECT, reason="Wrong <!channel> *file*" + "!" * 9_000)
    over = closed(Status.REJECTED, decisions=(no,))
    drawn = draw_notice([over, request(id="req-2", code="M3XA")], US)
    assert errors(drawn.blocks) == []
    assert "Wrong <!channel> *file*" in preformatted_text(drawn.blocks)
    assert "Wrong" not in drawn.text + section_text(drawn.blocks)
    assert section_text(drawn.blocks) == drawn.text


def test_a_held_message_names_its_requests_and_their_approvers():
    first = request(**STANDING, token="t-1")
    second = request(id="req-2", code="M3XA", tool="write_file", token="t-2")
    over = closed(Status.REJECTED, id="req-3")
    drawn = draw_held([first, over, second], US)
    assert errors(drawn.blocks) == []
    assert drawn.text.startswith(HELD)
    assert drawn.text.count("Waiting for") == 2
    assert drawn.text.count("|Open>") == 1
    values = [each["value"] for each in of_type(drawn.blocks, "button")]
    assert values == ["t-1", "t-2"]
    assert section_text(drawn.blocks) == drawn.text


def test_a_held_message_shows_five_requests_and_counts_the_others():
    many = [request(id=f"req-{n}", code=f"K{n}") for n in range(8)]
    drawn = draw_held(many, US)
    assert errors(drawn.blocks) == []
    assert len(of_type(drawn.blocks, "button")) == 5
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
    assert text.startswith(f"Stage 1, managers: approved by <@{MINA}>.")
    assert f"<@{OMAR}> and <@{DANA}>: your turn · {TITLE} · by <!date^" in text
    assert f"<{LINK}|Open>" in text


def test_who_is_called_after_an_edit_is_told_of_it():
    edited = request(raised_arguments={}, edited_by=DANA, **STANDING)
    text = draw_call(edited, US).text
    assert text.startswith(f"<@{DANA}> changed the arguments")
    assert f"<@{MINA}> and <@{OMAR}>: your turn" in text


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
    assert f"{word} by <@{OMAR}>: {TITLE} · " in drawn.text
    assert drawn.blocks == []


def silent(event: Event, *, stage: int = 0, **changes):
    approvers = {**HEART, "directors": (DANA,)}
    context = PolicyContext(make_policy(approvers=approvers), NOW, {})
    return draw_nudge(event, request(**{**STANDING, **changes}), stage, context, US)


def test_a_reminder_calls_whoever_can_decide_still():
    drawn = silent(Event.REMINDER)
    assert not drawn.moot
    assert drawn.text.startswith(
        f"<@{MINA}> and <@{OMAR}>: this still needs you · {TITLE} · by "
    )
    assert f"<{LINK}|Open>" in drawn.text


ESCALATED = Stage(
    "managers",
    (MINA, OMAR, DANA),
    1,
    NOW,
    times=Times(escalation=Escalation(HOUR, (Target("directors", (DANA,)),))),
    reminded_at=NOW + HOUR,
    escalated_at=NOW + HOUR,
)


def test_whoever_joins_is_called_alone_and_in_a_reminder_first():
    escalation = silent(Event.ESCALATION, stages=(ESCALATED,))
    assert f"<@{DANA}>: you can decide this too now · {TITLE}" in escalation.text
    assert "directors can decide it too, along with managers" in escalation.text
    assert MINA not in escalation.text
    reminder = silent(Event.REMINDER, stages=(ESCALATED,))
    assert f"<@{DANA}>, <@{MINA}> and <@{OMAR}>: this still" in reminder.text


def test_the_notice_says_quietly_who_was_told():
    text = draw_notice([request(stages=(ESCALATED,), **STANDING)], US).text
    assert f" · Reminded {date(NOW + HOUR)}." in text
    assert (
        f"directors can decide it too, along with managers, since {date(NOW + HOUR)}."
        in text
    )


OVER = {"status": Status.APPROVED, "decided_at": NOW}


def passed(stage: Stage) -> Stage:
    return replace(stage, passed_at=NOW + HOUR)


@pytest.mark.parametrize(
    ("event", "changes", "words"),
    [
        (
            Event.REMINDER,
            {"status": Status.APPROVED, "decided_at": NOW},
            "✅ Approved: ",
        ),
        (
            Event.ESCALATION,
            {
                "stages": (passed(ESCALATED), Stage("board", (OMAR,), 1, NOW)),
                "decisions": (decision(MINA),),
            },
            f"Stage 1, managers: approved by <@{MINA}>.",
        ),
        (Event.ESCALATION, {}, "K7QP has changed since"),
    ],
)
def test_what_nobody_needs_to_be_told_any_more_is_moot(event, changes, words):
    drawn = silent(event, **changes)
    assert drawn.moot
    assert drawn.text.startswith(words)


def test_a_nudge_for_a_removed_stage_is_moot():
    assert silent(Event.REMINDER, stage=3).moot
