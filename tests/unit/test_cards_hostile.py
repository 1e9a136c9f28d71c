"""A card shows all that its call contains, or offers no Approve."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent.safe_text import is_hidden
from bot.approvals.model import (
    Confirm,
    Escalation,
    Outcome,
    Stage,
    Status,
    Target,
    Times,
    Verdict,
)
from bot.approvals.raise_request import REQUESTS_PER_CARD
from bot.base.masks import mask_arguments
from bot.simulator.block_check import errors
from bot.slack.cards.arguments import (
    MOST_FIELDS,
    asked_text,
    field_text,
    label_of,
    shares,
)
from bot.slack.cards.card import card_blocks, card_text
from bot.slack.cards.view import bundle
from bot.texts import call as say
from bot.texts.formatting import visible_json
from tests.support.cards_samples import (
    buttons,
    closed,
    comment,
    decision,
    fields,
    of_type,
    preformatted_text,
    texts,
    view,
)
from tests.support.hostile_texts import ARGUMENTS, HUGE, NASTY
from tests.support.request_builder import NOW, request


def arguments_shown(blocks) -> list[tuple[str, str]]:
    """The fields, without the lines on addresses, which stand in their own block."""
    return fields([each for each in blocks if not is_about_addresses(each)])


def is_about_addresses(block) -> bool:
    first = next(iter(of_type(block, "text")), {})
    is_field = "code" in first.get("style", {})  # of a name that no schema declares
    return first.get("text") in (say.DECEIVES, say.FOREIGN) and not is_field


def expected(arguments) -> list[tuple[str, str]]:
    """The fields of some arguments that no schema declares."""
    masked = mask_arguments(arguments, {})
    return [(label_of(n), field_text(masked[n])) for n in masked]


def assert_whole_or_no_approve(blocks, arguments):
    text = asked_text(request(arguments=arguments))
    if "Approve" not in buttons(blocks):
        assert list(buttons(blocks)) == ["View in full", "Reject"]
        assert f"{len(text):,} characters" in " ".join(texts(blocks))
    elif len(arguments) > MOST_FIELDS:
        assert preformatted_text(blocks) == text
    else:
        assert sorted(arguments_shown(blocks)) == sorted(expected(arguments))


@given(ARGUMENTS)
@example({"": "⚠", say.DECEIVES: say.FOREIGN, say.FOREIGN: "exаmple@corp.com"})
def test_the_text_on_the_card_is_the_canonical_text(arguments):
    blocks = card_blocks(view(request(arguments=arguments)))

    assert errors(blocks) == []
    assert_whole_or_no_approve(blocks, arguments)
    short = len(asked_text(request(arguments=arguments))) <= 4_000
    assert ("Approve" in buttons(blocks)) is short


@pytest.mark.parametrize("count", [MOST_FIELDS, MOST_FIELDS + 1])
def test_many_arguments_are_shown_whole_in_fields_or_as_json(count):
    arguments = {f"key{n}": n for n in range(count)}
    blocks = card_blocks(view(request(arguments=arguments)))
    assert "Approve" in buttons(blocks)
    assert_whole_or_no_approve(blocks, arguments)


@given(ARGUMENTS, NASTY, NASTY, NASTY)
def test_no_hidden_character_reaches_any_text(arguments, tool, note, reason):
    no = decision(verdict=Verdict.REJECT, reason=reason)
    hostile = {
        "arguments": arguments,
        "raised_arguments": {reason: note},
        "edited_by": note,
        "comments": (comment(reason, user=note), comment(note)),
        "tool": tool,
        "note": note,
        "confirm": Confirm.DIALOG,
    }
    over = closed(Status.REJECTED, decisions=(no,), end_note=note, **hostile)
    card = view(request(**hostile), over)

    blocks = card_blocks(card)

    assert errors(blocks) == []
    for text in [*texts(blocks), card_text(card)]:
        assert not any(is_hidden(character) for character in text)


def test_untrusted_text_stands_only_where_nothing_is_parsed():
    hostile = {
        "arguments": {"MARKER<!channel>": ["MARKER", "`MARKER`", "U0MARKER"]},
        "tool": "MARKER tool <@U1>",
        "note": "MARKER note",
        "raised_arguments": {"MARKER": "MARKER"},
        "edited_by": "MARKER",
        "comments": (comment("<!channel> MARKER", user="MARKER"),),
        "confirm": Confirm.DIALOG,
        "digest": "MARKER",
        "conversation": "MARKER",
        "interrupt": "MARKER",
        "call_id": "MARKER",
    }
    no = decision(verdict=Verdict.REJECT, reason="MARKER reason")
    over = closed(Status.REJECTED, decisions=(no,), end_note="MARKER", **hostile)
    names = {"U0MARKER": "<!channel> *MARKER*"}
    card = view(request(**hostile), over, names=names)

    blocks = card_blocks(card)
    plain = [*of_type(blocks, "plain_text"), *of_type(blocks, "text")]
    shown = sum(each["text"].count("MARKER") for each in plain)

    assert shown > 15
    assert json.dumps(blocks).count("MARKER") == shown


VALUES = st.one_of(st.text(max_size=8), *[st.from_type(k) for k in (bool, int)])


@given(VALUES | st.sampled_from(["12", "true", " a", '"a"', "[1]"]), VALUES)
def test_no_two_values_of_a_field_look_alike(one, other):
    is_same = type(one) is type(other) and one == other
    assert (field_text(one) == field_text(other)) is is_same


JSON = ["0", "12", "-1", "9e5", "true", "false", "null", "NaN", "Infinity", "-Infinity"]


@pytest.mark.parametrize("text", [*JSON, "{}", "[1]", '"a"', "\n1", "\n[1]\n"])
def test_a_text_that_reads_like_another_value_is_quoted(text: str):
    assert field_text(text) == visible_json(text)


def test_of_many_ids_the_first_are_named():
    ids = [f"U0MEMBER{n}" for n in range(40)]
    names = dict.fromkeys(ids, "x" * 9_000)
    many = [request(arguments={"users": ids}, id=f"r-{n}") for n in range(3)]
    for asked, rest in ((many[:1], 34), (many, 38)):
        blocks = card_blocks(view(*asked, names=names))
        assert errors(blocks) == []
        assert texts(blocks).count(f"… and {rest} more.") == len(asked)
    assert "U0OTHER" not in json.dumps(card_blocks(view(names={"U0OTHER": "y"})))


@pytest.mark.parametrize("arguments", HUGE.values(), ids=HUGE)
def test_huge_arguments_stay_within_slacks_limits(arguments):
    blocks = card_blocks(view(request(arguments=arguments)))
    assert errors(blocks) == []
    assert_whole_or_no_approve(blocks, arguments)
    assert "Approve" not in buttons(blocks)


@pytest.mark.parametrize("at", [2_990, 3_000, 3_010, 3_970, 3_980, 3_990, 40_000])
def test_a_payload_anywhere_is_visible_or_cannot_be_approved(at):
    arguments = {"body": "x" + " " * at + "rm -rf /"}
    blocks = card_blocks(view(request(arguments=arguments)))
    shown = dict(arguments_shown(blocks)).get("body", "")
    assert "Approve" not in buttons(blocks) or "rm -rf /" in shown
    assert_whole_or_no_approve(blocks, arguments)


def test_a_card_can_approve_at_most_four_thousand_characters():
    room = 4_000 - len(asked_text(request(arguments={"body": ""})))
    fits, over = ({"body": "x" * n} for n in (room, room + 1))
    assert "Approve" in buttons(card_blocks(view(request(arguments=fits))))
    assert "Approve" not in buttons(card_blocks(view(request(arguments=over))))


def test_a_long_text_shows_both_ends_and_where_to_approve():
    arguments = {"body": "begin" + "x" * 9_000 + "end"}
    blocks = card_blocks(view(request(arguments=arguments)))
    assert "begin" in preformatted_text(blocks)
    assert "end" in preformatted_text(blocks)
    assert "Approve is there." in " ".join(texts(blocks))


def test_the_card_announces_a_file_for_text_beyond_any_view():
    blocks = card_blocks(view(request(arguments={"body": "x" * 30_000})))
    assert "sends the whole text as a file" in " ".join(texts(blocks))


FOREIGN = " ".join(f"{'р' * 60}{n}.com" for n in range(9))


def worst_stages(number: int) -> tuple[Stage, ...]:
    """Many, and the open one with all that time can bring, come or to come."""
    targets = tuple(Target("&" * 200, ()) for _ in range(9))
    reminders = tuple(dt.timedelta(minutes=n) for n in range(1, 60))
    times = Times(None, reminders, Escalation(dt.timedelta(seconds=1), targets))
    came = NOW if number % 2 else None
    first = Stage("&" * 200, (), 1, NOW, times=times, escalated_at=came)
    return (first, *(Stage("&" * 200, (), channel=f"C{n}") for n in range(29)))


def worst_request(number: int, length: int):
    return request(
        id=f"{number}" + "r" * 40,
        arguments={"body": "x" * length, "hosts": FOREIGN},
        note="&" * 9_000,
        rules=tuple(f"<rule{n}{'&' * 20}>" for n in range(60)),
        why=("&" * 5_000, "<" * 5_000),
        stages=worst_stages(number),
        raised_arguments={f"{n}" + "\u202e" * 90: "y" * 300 for n in range(15)},
        edited_by="U" + "E" * 30,
        comments=tuple(comment("&" * 1_500, "U" + "C" * 30) for _ in range(9)),
        confirm=Confirm.DIALOG,
        allow=tuple(Verdict)[:4],
        outcome=Outcome.REOPENED,
        end_note="&" * 4_000,
    )


ALONE = [(1, length) for length in (0, 3_900, 5_000, 100_000)]
PARTLY = [(count, 3_900) for count in range(2, REQUESTS_PER_CARD)]
FULL = [(REQUESTS_PER_CARD, length) for length in (100, 5_000)]


@pytest.mark.parametrize(("count", "length"), ALONE + PARTLY + FULL)
def test_a_card_full_of_worst_requests_stays_within_limits(count, length):
    people = [f"U{'A' * 25}{n}" for n in range(30)]
    worst = [worst_request(number, length) for number in range(count)]
    card = view(*worst, can_decide=people)

    blocks = card_blocks(card)

    assert errors(blocks) == []
    assert len(blocks) <= 50
    assert len(card_text(card)) <= 4_000
    whole = [
        each.call.arguments["body"] * 1 in preformatted_text(blocks)
        and each.call.arguments["hosts"] in preformatted_text(blocks)
        for each in worst
    ]
    assert ("Approve" in buttons(blocks)) is any(whole)
    for each in of_type(blocks, "rich_text_preformatted"):
        assert all(texts(each))


@pytest.mark.parametrize("count", [1, 2, REQUESTS_PER_CARD])
def test_the_worst_closed_requests_stay_within_the_limits(count):
    no = decision(verdict=Verdict.REJECT, reason="\u202e" * 3_000)
    worst = [
        closed(
            Status.REJECTED,
            id=str(number),
            decisions=(no,),
            end_note="y" * 3_000,
            arguments={"body": "x" * 4_500},
            raised_arguments={f"{n}": "y" * 900 for n in range(15)},
            comments=tuple(comment("&" * 4_000) for _ in range(9)),
            why=("<" * 9_000,),
        )
        for number in range(count)
    ]
    assert errors(card_blocks(view(*worst, now=NOW))) == []


def test_a_short_neighbour_keeps_approve_beside_a_huge_one():
    huge = request(id="req-2", arguments={"body": "x" * 100_000})
    blocks = card_blocks(view(request(), huge))
    texts_and_ids = [
        (each["text"]["text"], each["value"]) for each in of_type(blocks, "button")
    ]
    assert texts_and_ids == [
        ("Approve", "req-1"),
        ("Reject", "req-1"),
        ("View in full", "req-2"),
        ("Reject", "req-2"),
        # not Approve all: one of them cannot be seen
        ("Reject all", bundle("reject_all", [request(), huge])),
    ]


@given(st.lists(st.integers(0, 9_000), min_size=1, max_size=6), st.integers(0, 13_000))
def test_room_is_divided_without_waste_or_overdraft(lengths, room):
    given_out = shares(lengths, room)
    assert sum(given_out) <= room
    assert all(got <= length for got, length in zip(given_out, lengths, strict=True))
    if sum(lengths) <= room:
        assert given_out == lengths
