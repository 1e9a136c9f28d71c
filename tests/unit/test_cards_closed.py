"""The card of a request that is over: the word, who, when, why, and no button."""

from __future__ import annotations

import datetime as dt

import pytest

from bot.approvals.model import Execution, Outcome, Stage, Status, Verdict
from bot.simulator.block_check import errors
from bot.slack.cards.card import card_blocks, card_text
from bot.texts.cards import ASKED_BEFORE, unfillable
from bot.texts.formatting import date, time_of_day
from tests.support.cards_samples import (
    LATER,
    closed,
    decision,
    fields,
    headlines,
    of_type,
    preformatted_text,
    section_text,
    texts,
    view,
)
from tests.support.people import MINA, OMAR, RAVI

RAN = LATER + dt.timedelta(minutes=1)


@pytest.mark.parametrize(
    ("over", "first_line"),
    [
        (
            closed(Status.APPROVED, decisions=(decision(MINA), decision(OMAR))),
            f"*Approved* by <@{MINA}> and <@{OMAR}>, {date(LATER)}",
        ),
        (
            closed(Status.REJECTED, decisions=(decision(MINA, Verdict.REJECT),)),
            f"*Rejected* by <@{MINA}>, {date(LATER)}",
        ),
        (
            closed(
                Status.REJECTED, decisions=(decision("x", Verdict.REJECT, via="cli"),)
            ),
            f"*Rejected* by an operator, {date(LATER)}",
        ),
        (
            closed(
                Status.REJECTED,
                outcome=Outcome.OPERATOR,
                end_note="Freeze until Monday.",
            ),
            f"*Rejected* by an operator, {date(LATER)}",
        ),
        (
            closed(
                Status.REJECTED,
                outcome=Outcome.DENIED,
                end_note="Not from here.",
            ),
            f"*Rejected*, {date(LATER)}",
        ),
        (
            closed(Status.REJECTED, outcome=Outcome.UNFILLABLE, end_note="ceo"),
            f"*Rejected*, {date(LATER)}",
        ),
        (
            closed(Status.TIMED_OUT),
            f"*Timed out*, {date(LATER)}: no one decided in time.",
        ),
        (
            closed(Status.TIMED_OUT, outcome=Outcome.OVERDUE, end_note="<ceo>"),
            f"*Timed out*, {date(LATER)}: no one in &lt;ceo&gt; decided in time.",
        ),
        (closed(Status.WITHDRAWN), f"*Withdrawn* by <@{RAVI}>, {date(LATER)}"),
        (
            closed(Status.ORPHANED),
            f"*Orphaned*, {date(LATER)}: it no longer belongs to a running "
            "conversation.",
        ),
    ],
)
def test_a_closed_card_names_outcome_person_and_time(over, first_line):
    blocks = card_blocks(view(over, now=RAN))

    word = first_line.split("*")[1]
    assert errors(blocks) == []
    assert section_text(blocks).splitlines()[0] == first_line
    [line] = headlines(blocks)
    assert line.endswith(f" Delete file reports/q3.csv · {word}")
    assert card_text(view(over)).startswith(word)
    assert card_text(view(over)).endswith("*Delete file* `reports/q3.csv` (K7QP)")
    assert of_type(blocks, "actions") == []
    assert fields(blocks)[0] == ("path", "reports/q3.csv")


@pytest.mark.parametrize(
    ("execution", "ending"),
    [
        (Execution.APPROVED, ""),
        (Execution.EXECUTING, ""),
        (Execution.DONE, f" · Done {time_of_day(RAN)}"),
        (Execution.FAILED, f" · Failed {time_of_day(RAN)}"),
    ],
)
def test_an_approved_card_says_what_became_of_the_call(execution, ending):
    end = RAN if ending else None
    over = closed(
        Status.APPROVED,
        decisions=(decision(),),
        execution=execution,
        finished_at=end,
    )
    line = section_text(card_blocks(view(over))).splitlines()[0]
    assert line == f"*Approved* by <@{MINA}>, {date(LATER)}{ending}"


def test_a_failed_call_says_why_where_nothing_is_parsed():
    over = closed(
        Status.APPROVED,
        decisions=(decision(),),
        execution=Execution.FAILED,
        finished_at=RAN,
        failure="disk <!channel> *full*" + "!" * 9_000,
    )
    blocks = card_blocks(view(over))
    assert errors(blocks) == []
    assert "Failed:" in [text.strip() for text in texts(blocks)]
    assert any(each.endswith("Approved, but failed") for each in texts(blocks))
    assert "disk <!channel> *full*" in preformatted_text(blocks)
    assert "disk" not in section_text(blocks)


def test_a_call_cut_off_in_the_middle_reads_unknown():
    over = closed(Status.APPROVED, decisions=(decision(),), execution=Execution.UNKNOWN)
    text = section_text(card_blocks(view(over)))
    assert text.startswith(f"*Unknown* · approved by <@{MINA}>")
    assert "unknown whether it happened" in text
    assert card_text(view(over)).startswith("Unknown by")
    assert headlines(card_blocks(view(over)))[0].startswith("❓ ")


def test_a_rejects_reason_is_shown_as_preformatted_text():
    no = decision(MINA, Verdict.REJECT, reason="Wrong <!channel> *file*")
    over = closed(Status.REJECTED, decisions=(no,), end_note="Said twice.")
    blocks = card_blocks(view(over))
    assert "Wrong <!channel> *file*" in preformatted_text(blocks)
    assert "Said twice." in preformatted_text(blocks)
    assert "Wrong" not in section_text(blocks)


@pytest.mark.parametrize(
    ("outcome", "note", "shown"),
    [
        (Outcome.UNFILLABLE, "ceo", unfillable("ceo")),
        (Outcome.DENIED, "Not from here.", "Not from here."),
        (Outcome.OPERATOR, "Freeze.", "Freeze."),
        (Outcome.REPEATED, "U0MINA 2026-11-23", ASKED_BEFORE),
        (Outcome.WAIVED, "", ""),
        (Outcome.REOPENED, "<@U0MINA> may no longer decide", ""),
    ],
)
def test_why_it_ended_so_is_shown_in_words(outcome, note, shown):
    over = closed(Status.REJECTED, outcome=outcome, end_note=note)
    blocks = card_blocks(view(over))
    assert preformatted_text(blocks) == shown


def test_an_answer_is_shown_where_nothing_is_parsed_and_once():
    said = "Use <!channel> the *old* file"
    word = decision(MINA, Verdict.ANSWER, reason=said)
    over = closed(Status.ANSWERED, decisions=(word,), end_note=said)
    blocks = card_blocks(view(over))
    first = section_text(blocks).splitlines()[0]
    assert errors(blocks) == []
    assert first.startswith(f"*Answered* by <@{MINA}>, {date(LATER)}")
    assert "does not run" in first
    assert preformatted_text(blocks).count(said) == 1
    assert "old" not in section_text(blocks)
    told = card_text(view(over))
    assert told == f"Answered by <@{MINA}>: *Delete file* `reports/q3.csv` (K7QP)"


def test_an_approval_with_edits_says_so():
    over = closed(Status.APPROVED, decisions=(decision(MINA, Verdict.EDIT),))
    line = section_text(card_blocks(view(over))).splitlines()[0]
    assert line == f"*Approved* by <@{MINA}> (with edits), {date(LATER)}"


def test_only_a_rejected_headline_is_struck_through():
    for status in (Status.REJECTED, Status.TIMED_OUT, Status.APPROVED):
        title = card_blocks(view(closed(status)))[0]
        struck = [e for e in of_type(title, "text") if e.get("style", {}).get("strike")]
        assert len(struck) == (3 if status is Status.REJECTED else 0)


def test_a_closed_card_says_who_decided_each_earlier_stage():
    stages = (
        Stage("finance", (MINA,), 1, LATER, LATER),
        Stage("directors", (OMAR,), 1, LATER),
    )
    words = (decision(MINA), decision(OMAR, Verdict.REJECT, stage=1))
    over = closed(Status.REJECTED, stages=stages, decisions=words)
    lines = section_text(card_blocks(view(over))).splitlines()
    assert lines[0].startswith(f"*Rejected* by <@{OMAR}>")
    assert lines[1] == f"finance: approved by <@{MINA}>, {date(LATER)}"


@pytest.mark.parametrize("status", [s for s in Status if s is not Status.PENDING])
def test_a_call_that_did_not_run_warns_of_nothing(status: Status):
    shown = "\n".join(texts(card_blocks(view(closed(status)))))
    assert ("cannot be restored" in shown) == (status is Status.APPROVED)
