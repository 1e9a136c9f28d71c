"""The modal shows everything and offers Approve, or says why it cannot."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.safe_text import is_hidden
from bot.approvals.model import Status
from bot.simulator.block_check import view_errors
from bot.slack.cards.arguments import asked_text
from bot.slack.cards.blocks import CardRef
from bot.slack.cards.view import RequestView
from bot.slack.full_text import APPROVE_FULL, Sending, full_view, needs_file
from tests.support.cards_samples import (
    CARD,
    closed,
    of_type,
    preformatted_text,
    section_text,
    texts,
)
from tests.support.request_builder import NOW, request


def modal(**changes):
    return full_view(RequestView(request(**changes), NOW), CARD)


def test_the_whole_text_is_shown_with_approve():
    arguments = {"body": "line\n" * 2_000 + "\u202e"}
    shown = modal(arguments=arguments)

    text = preformatted_text(shown).removeprefix("delete_file")
    assert text == asked_text(request(arguments=arguments))
    assert shown["submit"]["text"] == "Approve"
    assert shown["callback_id"] == APPROVE_FULL == "approve_full"
    assert view_errors(shown) == []


def test_the_full_view_fits_twenty_thousand_characters_and_no_more():
    room = 20_000 - len(asked_text(request(arguments={"body": ""})))
    assert "submit" in modal(arguments={"body": "x" * room})
    over = modal(arguments={"body": "x" * (room + 1)})
    assert "submit" not in over
    assert "as a file" in " ".join(texts(over))
    assert view_errors(over) == []


def test_beyond_a_view_approve_needs_the_file_to_be_there():
    view = RequestView(request(arguments={"body": "x" * 30_000}), NOW)
    assert "submit" not in full_view(view, CARD, Sending.FAILED)
    sent = full_view(view, CARD, Sending.SENT)
    assert sent["submit"]["text"] == "Approve"
    assert view_errors(sent) == []


def test_what_no_file_holds_is_never_approved():
    deep: object = ["x"] * 10_000  # the indentation makes it 4 MB
    for _ in range(200):
        deep = [deep]
    view = RequestView(request(arguments={"body": deep}), NOW)
    shown = full_view(view, CARD, Sending.SENT)
    assert not needs_file(view.request)
    assert "submit" not in shown
    assert "can't be approved here" in " ".join(texts(shown))


LETTERS = ["x", "👍", "\u202e", '"', "\\u{", "`"]
LENGTHS = [*itertools.product(LETTERS, [1_500, 4_900, 19_900]), ("x", 100_000)]


@pytest.mark.parametrize(("letter", "count"), LENGTHS)
def test_a_view_stays_within_slacks_limits(letter, count):
    shown = modal(arguments={"body": letter * count}, tool="t" * 5_000)
    assert view_errors(shown) == []
    assert len(shown["blocks"]) <= 100
    assert len(json.dumps(shown)) <= 250_000


@given(st.dictionaries(st.text(), st.text()), st.text())
def test_no_hidden_character_is_left_in_a_view(arguments, tool):
    shown = modal(arguments=arguments, tool=tool)
    assert not any(is_hidden(c) for text in texts(shown) for c in text)
    assert view_errors(shown) == []


def test_untrusted_text_is_only_preformatted_or_code():
    shown = modal(arguments={"MARKER": "<!channel>MARKER"}, tool="MARKER x")
    assert preformatted_text(shown).count("MARKER") == 3
    code = section_text(shown["blocks"]).splitlines()[0]
    assert code == "*Run* `MARKER x` `&lt;!channel&gt;MARKER`"
    assert json.dumps(shown).count("MARKER") == 5


def test_a_request_that_is_over_has_no_approve():
    shown = full_view(RequestView(closed(Status.REJECTED), NOW), CARD)
    assert "submit" not in shown


def test_a_request_past_its_deadline_has_no_approve():
    late = full_view(RequestView(request(expires_at=NOW), NOW), CARD)
    assert "submit" not in late


def test_the_view_remembers_request_and_card():
    ref = CardRef.from_json(modal()["private_metadata"])
    assert ref == CARD


@pytest.mark.parametrize(
    "metadata", ["", "x", "[]", "{}", '{"request":1,"channel":"C","ts":"1"}', "null"]
)
def test_foreign_metadata_is_refused(metadata):
    with pytest.raises(ValueError, match=r"private_metadata|Expecting"):
        CardRef.from_json(metadata)


def test_the_facts_name_requester_and_code():
    facts = of_type(modal(), "section")[0]["text"]["text"]
    assert "<@U0RAVI>" in facts
    assert "K7QP" in facts
