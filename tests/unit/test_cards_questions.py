"""Cards of a graph's own questions, of several calls, and of an unknown end."""

from __future__ import annotations

import pytest

from bot.approvals.model import (
    NAMELESS,
    Execution,
    Kind,
    Mark,
    Status,
    Verdict,
    is_control,
)
from bot.simulator.block_check import errors
from bot.slack.cards.arguments import asked_text
from bot.slack.cards.blocks import VALUE
from bot.slack.cards.card import card_blocks
from bot.slack.cards.forms import answer_entered, answer_form
from bot.slack.cards.view import CardView, RequestView
from bot.texts.call import BY_THE_GRAPH
from tests.support.cards_samples import CARD, closed, decision, fields, headlines, view
from tests.support.people import DANA, MINA
from tests.support.request_builder import NOW, changed, request

RAW = {
    "kind": Kind.INTERRUPT,
    "tool": "deploy",
    "allow": (Verdict.APPROVE, Verdict.REJECT, Verdict.ANSWER),
    "arguments": {"question": "Ship <it>?", "size": [1, 2.5], "note": "a\nb"},
    "headline": "question",
    "note": "Ship <it>?",
    "guarded": False,
}


def texts(blocks) -> list[str]:
    return [
        inner["text"]
        for block in blocks
        if block["type"] == "rich_text"
        for part in block["elements"]
        for inner in part["elements"]
        if "text" in inner
    ]


def buttons(blocks) -> dict[str, dict]:
    return {
        element["action_id"]: element
        for block in blocks
        if block["type"] == "actions"
        for element in block["elements"]
    }


def test_a_question_is_its_own_headline_above_the_rest():
    control = {"answers": {"approve": 1}, "level": "manager"}
    asked = {**RAW, "arguments": RAW["arguments"] | control}
    blocks = card_blocks(view(request(**asked)))
    assert errors(blocks) == []
    assert headlines(blocks) == ["⏳ Ship <it>? · Waiting"]
    assert fields(blocks) == [("note", "a\nb"), ("size", "[1, 2.5]")]
    assert BY_THE_GRAPH not in texts(blocks)
    assert {"approve", "reject", "answer_open"} <= buttons(blocks).keys()


def test_a_card_leads_with_the_question_without_its_controls():
    asked = {"question": "Go on?", "size": 2, "level": "manager", "answers": "words"}
    raw = {**RAW, "tool": NAMELESS, "note": "Go on?", "arguments": asked}
    blocks = card_blocks(view(request(**raw)))
    assert headlines(blocks) == ["⏳ Go on? · Waiting"]
    assert fields(blocks) == [("size", "2")]


@pytest.mark.parametrize(
    ("key", "value", "is_one"),
    [
        ("answers", "booleans", True),
        *(("answers", {key: 1}, True) for key in ("approve", "reject", "timed_out")),
        ("answers", {"answer": {"data": "{text}"}}, True),
        ("answers", ["blue", "red"], False),
        ("answers", {"answer": "blue"}, False),
        ("level", "manager", True),
        ("levels", "manager", False),
    ],
)
def test_what_tells_the_bot_how_to_ask_is_a_control(key, value, is_one):
    assert is_control(key, value) is is_one


def test_a_long_question_stands_whole_below_its_headline():
    long = "Ship it to " + "everybody " * 20 + "now?"
    blocks = card_blocks(view(request(**{**RAW, "arguments": {"question": long}})))
    assert "…" in headlines(blocks)[0]
    shown = texts(blocks)
    assert shown[shown.index(BY_THE_GRAPH) + 1] == long


def test_a_question_without_a_text_is_named_by_its_kind():
    given = {"action": "deploy", "n": 3, "size": [1]}
    silent = request(**{**RAW, "headline": "", "arguments": given})
    assert headlines(card_blocks(view(silent))) == ["⏳ Question deploy 3 · Waiting"]


def test_a_question_too_long_to_show_has_no_approve_button():
    long = request(**{**RAW, "arguments": {"question": "x" * 5_000}})
    blocks = card_blocks(view(long))
    assert errors(blocks) == []
    assert "approve" not in buttons(blocks)
    assert "view_full" in buttons(blocks)


def test_an_answer_awaiting_approval_is_shown_on_the_card():
    waits = request(**RAW, answer_json='{"item": "tea", "n": 2}')
    assert asked_text(waits).endswith('{\n  "item": "tea",\n  "n": 2\n}')
    shown = texts(card_blocks(view(waits)))
    assert "Answer to be approved:" in shown
    long = changed(waits, answer_json='"' + "y" * 5_000 + '"')
    assert "approve" not in buttons(card_blocks(view(long)))


def test_an_answered_card_names_the_answerer_and_the_approver():
    words = (
        decision(MINA, Verdict.ANSWER),
        decision(DANA, Verdict.APPROVE, stage=1),
    )
    over = closed(Status.ANSWERED, **RAW, answer_json='"ACME"', decisions=words)
    blocks = card_blocks(view(over))
    line = blocks[1]["text"]["text"].splitlines()[0]
    assert f"*Answered* by <@{MINA}> (with an answer) and <@{DANA}>" in line
    assert "does not run" not in line
    assert "ACME" in texts(blocks)


def test_an_unknown_end_can_be_marked_once():
    over = closed(Status.APPROVED, execution=Execution.UNKNOWN)
    blocks = card_blocks(view(over))
    assert errors(blocks) == []
    assert [*buttons(blocks)] == ["mark_done", "mark_not_done", "ask_again"]
    marked = changed(over, mark=Mark.DONE, marked_by=MINA, marked_at=NOW)
    blocks = card_blocks(view(marked))
    assert buttons(blocks) == {}
    assert f"*Marked as done* by <@{MINA}>" in blocks[1]["text"]["text"]
    moved = CardView((RequestView(over, NOW, elsewhere=True),))
    assert buttons(card_blocks(moved)) == {}
    outside = changed(over, agent="deployer")
    assert [*buttons(card_blocks(view(outside)))] == ["mark_done", "mark_not_done"]


FORM = {
    "type": "object",
    "required": ["count"],
    "properties": {"count": {"type": "integer"}, "ready": {"type": "boolean"}},
}


def entered(form, **values):
    """The values that Slack sends for a form, given by the label of each input."""
    return {
        block["block_id"]: {VALUE: {"value": values[block["label"]["text"]]}}
        for block in form["blocks"]
        if block["type"] == "input" and block["label"]["text"] in values
    }


def test_a_form_is_read_into_the_types_of_its_schema():
    asked = request(**RAW, form=FORM)
    form = answer_form(asked, CARD)
    value, found = answer_entered(asked, entered(form, count="7"))
    assert (value["count"], found.errors) == (7, {})
    _, found = answer_entered(asked, entered(form, count="seven"))
    [complaint] = found.errors.values()
    assert "Enter a number" in complaint


def test_a_form_of_one_value_gives_that_value():
    asked = request(**RAW, form={"type": "string"})
    value, _ = answer_entered(asked, entered(answer_form(asked, CARD), answer="tea"))
    assert value == "tea"


def test_a_refused_answer_stands_in_its_form_again():
    asked = request(**RAW, form=FORM, refused_answer='{"count": 3}')
    form = answer_form(asked, CARD)
    inputs = [b["element"] for b in form["blocks"] if b["type"] == "input"]
    assert inputs[0]["initial_value"] == "3"


def test_a_form_too_large_for_slack_cannot_be_sent():
    names = {f"field{n}": {"type": "string"} for n in range(80)}
    large = request(**RAW, form={"type": "object", "properties": names})
    form = answer_form(large, CARD)
    assert "submit" not in form
    assert "more than one form holds" in str(form)
