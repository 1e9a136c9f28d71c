"""An agent's answer pings nobody, hides no address, and is given in full."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.simulator.block_check import errors
from bot.slack.cards.answer import answer, harmless
from bot.texts.conversation import AGENT_SAID_NOTHING
from bot.texts.formatting import escape

LIVE = re.compile(
    r"<\\?[!@#&]|<[^>]*\||(?<!\w)@(channel|here|everyone|&)"
    r"|&(lt|#0*6[04]|#x3c|commat);",
    re.I,
)
MARKDOWN = st.text(
    st.one_of(st.characters(), st.sampled_from("<>!@#|[]()`*_&;:/.\\\n chanelrvyo"))
)


def test_an_ordinary_answer_is_one_markdown_block_as_written():
    text = "# Done\n\nI deleted `q3.csv`; see [the list](https://x.example/l) 👩‍🚀."
    drawn = answer(text)
    assert drawn.blocks == [{"type": "markdown", "text": text}]
    assert (drawn.text, drawn.said, drawn.rest) == (text, text, "")
    assert errors(drawn.blocks) == []


@pytest.mark.parametrize("text", ["", "  \n\t "])
def test_an_empty_answer_says_that_there_was_nothing_to_say(text):
    drawn = answer(text)
    assert (drawn.text, drawn.blocks) == (AGENT_SAID_NOTHING, [])


@pytest.mark.parametrize(
    "ping",
    [
        "<!channel>",
        "<!here|here>",
        "<@U0MINA>",
        "<#C1|general>",
        "<!subteam^S1>",
        "<\\!channel>",
        "<&#33;channel>",
        "&lt;!channel&gt;",
        "&#60;!channel>",
        "&#x3C;@U0MINA>",
        "<https://evil.example|Approve here>",
        "`<!channel>`",
        "@channel",
        "@here",
        "(@Everyone)",
        "&commat;channel",
        "&#64;here",
        "@&#99;hannel",
    ],
)
def test_nothing_pings(ping):
    for text in (harmless(ping), answer(ping).text, escape(answer(ping).said)):
        assert not LIVE.search(text)
        assert "＜" in text or "＠" in text or "＆" in text


@given(MARKDOWN)
@example("<<!channel>>")
@example("@@channel")
def test_no_token_survives(text):
    shown = harmless(text)
    assert not re.search(
        r"<[!@#]|&lt;[!@#]|(?<![\w.])@(channel|here|everyone)\b", shown
    )
    assert "\u202e" not in shown
    shown.encode()


@pytest.mark.parametrize(
    "text",
    ["mail bob@here.com", "if (a<b||c) {}", "@hereford", "a & b", "List<String>"],
)
def test_ordinary_text_is_left_alone(text):
    assert harmless(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[bank.com](https://evil.example)", "bank.com (https://evil.example)"),
        (
            "[https://bank.com/in](https://evil.example/x)",
            "https://bank.com/in (https://evil.example/x)",
        ),
        (
            "[**bank.com**](<https://evil.example> 't')",
            "**bank.com** (https://evil.example)",
        ),
        ("[at bank\\.com now](//evil.example)", "at bank\\.com now (//evil.example)"),
        ("[bank。com](https://evil.example)", "bank。com (https://evil.example)"),
        ("![a cat](https://x.example/c.png)", "a cat (https://x.example/c.png)"),
        ("![](https://x.example/c.png)", "https://x.example/c.png"),
        (
            "[![bank.com](https://i.example/i.png)](https://evil.example)",
            "bank.com (https://i.example/i.png) (https://evil.example)",
        ),
        ("[1]: https://evil.example", "\\[1]: https://evil.example"),
    ],
)
def test_a_label_that_reads_like_another_address_is_unmasked(text, shown):
    assert harmless(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "[the docs](https://x.example/a_(b))",
        "[https://x.example/](https://x.example)",
        "[www.x.example](https://x.example)",
        "[Python 3.11](https://python.example)",
        "handlers[name](argument)",
    ],
)
def test_an_honest_link_stays(text):
    assert harmless(text) == text


def test_hidden_and_reordering_characters_are_shown():
    assert harmless("a\u202eb\x1b\ud800") == "a\\u{202E}b\\u{1B}\\u{D800}"
    assert harmless("a\r\nb") == "a\nb"


def test_the_fallback_of_a_long_block_is_short_and_escaped():
    drawn = answer("<b> " * 2_800)
    assert len(drawn.blocks[0]["text"]) == 11_199
    assert len(drawn.text) <= 3_500
    assert "<" not in drawn.text
    assert errors(drawn.blocks) == []


def parts(text: str) -> list[str]:
    """What the messages of an answer show, each fit for Slack as it is."""
    found = [answer(text)]
    while found[-1].rest:
        assert len(found) < 100
        found.append(answer(found[-1].rest))
    for each in found:
        assert errors(each.blocks) == []
        assert len(escape(each.said)) <= 40_000
    return [each.said for each in found]


def test_a_long_answer_is_parted_between_its_paragraphs():
    paragraphs = [f"{n}" + " a < b" * 300 for n in range(20)]
    shown = parts("\n\n".join(paragraphs))
    assert len(shown) == 4
    assert "\n\n".join(shown) == "\n\n".join(paragraphs)


def test_code_that_is_parted_is_closed_and_opened_anew():
    lines = [f"print({n})" for n in range(3_000)]
    code = "\n".join(lines)
    first, *rest = parts(f"See:\n\n```python\n{code}\n```\nDone.")
    assert first.startswith("See:\n\n```python\nprint(0)\n")
    assert all(each.startswith("```python\n") for each in rest)
    assert all(each.count("```") == 2 for each in (first, *rest))
    shown = [line for line in "\n".join([first, *rest]).split("\n") if "print" in line]
    assert shown == lines
    assert rest[-1].endswith("```\nDone.")


def test_a_table_that_is_parted_has_its_header_again():
    rows = [f"| {n} | {'x' * 40} |" for n in range(600)]
    shown = parts("\n".join(["| a | b |", "|---|---|", *rows]))
    assert len(shown) > 2
    assert all(each.startswith("| a | b |\n|---|---|\n| ") for each in shown)
    found = [row for each in shown for row in each.split("\n")[2:]]
    assert found == rows


@pytest.mark.parametrize("line", ["## A heading\ntext", "---\ntext", "# a\n\n***\nb"])
@pytest.mark.parametrize("count", [25, 140])
def test_many_headings_are_shown_as_headings_in_several_messages(line, count):
    text = "\n\n".join([line] * count)
    assert "\n\n".join(parts(text)) == text


def test_a_script_and_a_table_are_no_headings():
    script = "```sh\n" + "# comment\n" * 60 + "```"
    table = "| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * 60
    assert len(parts(script)) == len(parts(table)) == 1


@pytest.mark.parametrize(
    "text", ["<" * 100_000, "word " * 30_000, "```\n" + "x" * 40_000 + "\n```"]
)
def test_a_line_that_no_message_holds_is_given_whole(text):
    shown = "".join(parts(text))
    for mark in "<xwd":
        assert shown.count(mark) == text.count(mark)


def test_a_word_that_is_parted_pings_nobody():
    shown = parts("x" * 11_494 + "@hereford" + "y" * 20_000)
    assert not any(LIVE.search(each) for each in shown)


PIECES = st.lists(
    st.sampled_from(
        [
            *("```\n", "```py\n", "~~~\n", "# h\n", "\n", "---\n", "- item\n"),
            *("| a | b |\n", "|---|---|\n"),
            *("w " * 700 + "\n", "v" * 7_000, "& " * 6_000),
        ]
    ),
    max_size=60,
)


@given(PIECES)
def test_whatever_is_parted_keeps_its_words_in_order(pieces):
    text = "".join(pieces)
    shown = "".join(parts(text))
    kept = [re.sub(r"[^wv&i]", "", each) for each in (text, shown)]
    assert kept[0] == kept[1]


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "[a](b 'x" * 20_000,
        "<a|" * 30_000,
        "[" + "a." * 50_000 + "](http://x.y)",
        "[" + "h://" * 20_000 + "](http://a)",
        "&" * 100_000,
        "```\n" * 2_500,
        "- " * 5_000 + "x",
    ],
)
def test_an_answer_built_to_slow_parsing_is_still_shown(text):
    assert answer(text).text
