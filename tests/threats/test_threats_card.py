"""Threats of what people are shown: everything, as it is, in our own words."""

from __future__ import annotations

import ast
import json
import re
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.safe_text import is_hidden
from bot.approvals.model import Risk, Status
from bot.base.masks import mask_arguments
from bot.slack.cards.answer import harmless
from bot.slack.cards.arguments import FULL_VIEW_CHARACTERS, asked_text, field_text
from bot.slack.cards.card import card_blocks, card_text
from bot.slack.cards.view import RequestView
from bot.slack.full_text import Sending, full_view
from bot.slack.homoglyphs import lookalikes
from bot.slack.progress import Progress, Shown, next_chunks
from bot.texts.call import mrkdwn_headline, plain_headline
from bot.texts.formatting import visible
from bot.texts.notices import waiting, waiting_over
from tests.support.cards_samples import (
    CARD,
    buttons,
    fields,
    of_type,
    preformatted_text,
    texts,
    view,
)
from tests.support.hostile_texts import DEFAULT_IGNORABLE, code_points
from tests.support.house import House
from tests.support.people import MINA, OMAR, RAVI
from tests.support.request_builder import NOW, request
from tests.support.root import ROOT

LIES = [
    "already approved by the CFO",
    "*Asked by* <@U0CEO>\n*Stage 1 of 1, passed:* <@U0DANA>",
    'Arguments\n{\n  "path": "harmless.txt"\n}',
    "\n" * 500,
    "<!channel> `code` <https://evil.example|Approve in Slack>",
    "> quote\n```\n",
    "\u202eevorppa",
]
MARKUP = [
    "<https://evil.example|Approve>",
    "`` ` ```",
    "<!channel>",
    "<!here|x>",
    "<@U0MINA>",
    "<#C0GENERAL>",
    ":white_check_mark:",
    "*bold* _it_ ~no~",
    "\n> quoted",
    "&lt;!channel&gt;",
    "[a](https://evil.example)",
]
BLANK = [
    0x2800,
    0x3164,
    0x115F,
    0x1160,
    0xFFA0,
    0x1D159,
    0x16FE4,
    0x00A0,
    0x3000,
    0x1680,
]
BIDI = [*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C]
TAGS = [0xE0001, *range(0xE0020, 0xE0080), *range(0xE0100, 0xE01F0)]


def facts(**changed: Any) -> str:
    """A card without the agent's own words and without ids that follow from content."""
    blocks = [
        {k: v for k, v in block.items() if k != "block_id"}
        for block in card_blocks(view(request(**changed)))
    ]
    return json.dumps([b for b in blocks if "unverified" not in json.dumps(b)])


@pytest.mark.parametrize("note", LIES)
def test_threat_12_lies_in_the_loop_leave_the_facts_as_they_are(note: str):
    assert facts(note=note) == facts()
    blocks = card_blocks(view(request(note=note)))
    if note.strip():
        assert "The agent says (unverified):" in json.dumps(blocks[-1])
    assert card_text(view(request(note=note))) == card_text(view(request()))


@pytest.mark.parametrize("at", [2_999, 3_000, 3_001, 3_999, 4_000, 19_000, 40_000])
@pytest.mark.parametrize("filler", ["x", "\n", " "])
def test_threat_13_a_payload_is_seen_or_there_is_no_approve(at: int, filler: str):
    arguments = {"command": filler * at + "PAYLOAD; rm -rf"}
    text = asked_text(request(arguments=arguments))
    card = card_blocks(view(request(arguments=arguments)))
    seen = fields(card) == [("command", field_text(arguments["command"]))]
    assert ("Approve" in buttons(card)) == seen
    modal = full_view(RequestView(request(arguments=arguments), NOW), CARD)
    assert ("submit" in modal) == (text in preformatted_text(modal))
    assert ("submit" in modal) == (len(text) <= FULL_VIEW_CHARACTERS)
    sent = full_view(RequestView(request(arguments=arguments), NOW), CARD, Sending.SENT)
    assert "submit" in sent  # the file shows it


async def test_threat_13_above_the_hard_cap_the_call_is_refused(house: House):
    one = await house.ask(arguments={"body": "x" * 200_001})
    assert one.status is Status.REJECTED
    assert "no one can judge more than 200,000" in one.end.note
    assert (await house.ask(arguments={"body": "x" * 199_000})).is_open


@pytest.mark.parametrize("count", [10, 11, 200])
def test_threat_13_a_run_of_line_breaks_pushes_nothing_out_of_sight(count: int):
    shown = visible(f"a{chr(10) * count}b")
    assert shown.count("\n") <= 10
    assert ("\\u{A*" in shown) == (count > 10)


@pytest.mark.parametrize("name", ["ignorable", "blank", "bidi", "tags"])
def test_threat_14_no_character_hides_on_a_card(name: str):
    table = {
        "ignorable": code_points(DEFAULT_IGNORABLE),
        "blank": BLANK,
        "bidi": BIDI,
        "tags": TAGS,
    }[name]
    for point in table:
        assert visible(f"a{chr(point)}b") == f"a\\u{{{point:X}}}b", hex(point)
    arguments = {"path": "".join(map(chr, table[:300]))}
    shown = card_blocks(view(request(arguments=arguments, note=arguments["path"])))
    assert not any(is_hidden(c) for text in texts(shown) for c in text)


def test_threat_14_every_format_character_of_unicode_is_hidden():
    hidden = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    for point in range(0x110000):
        if unicodedata.category(chr(point)) in hidden and chr(point) not in "\n\t":
            assert is_hidden(chr(point)), hex(point)


@pytest.mark.parametrize(
    ("text", "marked", "shown"),
    [
        ("раypal.com", True, "xn--ypal-43d9g.com"),
        ("https://аррӏе.com/login", True, "xn--80ak6aa92e.com"),
        ("exаmple@corp.com", True, "corp.com"),
        ("xn--pypal-4ve.com", True, "xn--pypal-4ve.com"),
        ("Ωmega.example", True, "xn--mega-fpd.example"),
        ("münchen.de", False, "xn--mnchen-3ya.de"),
        ("東京タワー.jp", False, "xn--5ck2eqb538s34z.jp"),
    ],
)
def test_threat_15_an_address_that_reads_like_another_is_marked(
    text: str, marked: bool, shown: str
):
    [found] = lookalikes({"to": [text]})
    assert (found.deceives, found.ascii_form) == (marked, shown)
    said = " ".join(texts(card_blocks(view(request(arguments={"to": text})))))
    assert shown in said
    assert ("Look-alike addresses" in said) is marked


@pytest.mark.parametrize("text", ["paypal.com", "Überweisung", "q3.csv", "Grüße. Ja."])
def test_threat_15_plain_words_are_not_marked(text: str):
    assert lookalikes(text) == []


def test_threat_15_marked_addresses_come_first_and_floods_stay_cheap():
    flood = " ".join(f"münchen{n}.de" for n in range(50)) + " раypal.com"
    assert lookalikes(flood)[0].text == "раypal.com"
    assert len(lookalikes(" ".join(f"ü{n}.de" for n in range(9_000)))) == 200


def untrusted(part: Any, words: str) -> list[Any]:
    """The text objects that hold some words, but for code and plain ones."""
    found: list[Any] = []
    if isinstance(part, dict):
        if part.get("type") in ("rich_text_preformatted", "plain_text"):
            return []
        if (part.get("style") or {}) == {"code": True}:
            return []
        if words in CODE.sub("", str(part.get("text", ""))):
            found.append(part)
        return found + [x for value in part.values() for x in untrusted(value, words)]
    if isinstance(part, list):
        return [x for value in part for x in untrusted(value, words)]
    return []


#: A value in mrkdwn: Slack reads no markup between backticks but its escapes.
CODE = re.compile("`[^`<>\n]*`")


@pytest.mark.parametrize("markup", MARKUP)
def test_threat_16_no_markup_of_the_models_is_markup(markup: str):
    marked = f"MARK{markup}MARK"
    one = request(arguments={"body": marked}, note=marked, tool=marked)
    for blocks in (card_blocks(view(one)), full_view(RequestView(one, NOW), CARD)):
        assert untrusted(blocks, "MARK") == []
        for each in of_type(blocks, "plain_text"):
            assert each["emoji"] is False
    for text in (card_text(view(one)), waiting(one, []), waiting_over(one)):
        assert "MARK" not in CODE.sub("", text)


@pytest.mark.parametrize("markup", [*MARKUP, "`", "a`b*", "\u202e", "\n"])
def test_threat_16_a_headlines_values_are_code_wherever_they_stand(markup: str):
    marked = f"MARK{markup}MARK"
    one = request(
        arguments={"to": marked}, tool_title="Pay {to}*", title="Send to {to}!"
    )
    for text in (mrkdwn_headline(one), plain_headline(one)):
        assert text.count("`") == 2
        assert "MARK" not in re.sub("`[^`\n]*`", "", text)
        assert not any(is_hidden(c) for c in text)


def test_threat_46_nothing_that_is_posted_unfolds():
    """Every call that posts says so itself; an edit keeps what the post said."""
    posts = 0
    for path in ROOT.glob("bot/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and "chat_postMessage" in _named(node):
                posts += 1
                given = {k.arg: ast.unparse(k.value) for k in node.keywords}
                assert given.get("unfurl_links") == "False", path
                assert given.get("unfurl_media") == "False", path
    assert posts >= 2


def _named(call: ast.Call) -> set[object]:
    """The method that is called, and those that are handed on by name."""
    return {
        getattr(call.func, "attr", ""),
        *(each.value for each in call.args if isinstance(each, ast.Constant)),
    }


def test_threat_53_a_card_says_who_asks_what_why_and_until_when():
    blocks = card_blocks(view(request(risk=Risk.HIGH)))
    everything = " ".join(texts(blocks))
    for words in (
        "Delete file",
        "reports/q3.csv",
        f"<@{RAVI}> asked",
        "Deleted files cannot be restored.",
        f"<@{MINA}> or <@{OMAR}>",
        "by <!date",
        "High risk",
        "`delete_file`",
        "K7QP",
    ):
        assert words in everything


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=50),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=20), inner),
    max_leaves=10,
)


@given(st.dictionaries(st.text(max_size=20), JSON, max_size=5))
def test_threat_13_the_text_on_the_card_is_the_canonical_text(arguments: Any):
    blocks = card_blocks(view(request(arguments=arguments)))
    assert not any(is_hidden(c) for text in texts(blocks) for c in text)
    masked = mask_arguments(arguments, {}).values()
    if "Approve" in buttons(blocks):
        own = blocks[:3] if arguments else []  # not what marks addresses
        assert sorted(v for _, v in fields(own)) == sorted(map(field_text, masked))


@pytest.mark.parametrize("token", ["<!channel>", "<@U0MINA0000>", "<!here|everybody>"])
def test_threat_16_a_ping_cut_between_the_pieces_of_a_stream(token: str):
    for at in range(1, len(token)):
        progress, shown, stands = Progress(), Shown(), ""
        for piece in ("Look ", token[:at], token[at:], " at ", "this ", "end"):
            progress = progress.said("m", piece)
            chunks, shown = next_chunks(progress, shown)
            stands += "".join(chunk["text"] for chunk in chunks)
            assert harmless(stands) == stands
        assert token not in stands
