"""An agent's answer pings nobody, hides no address, and fits one message."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.simulator.block_check import errors
from bot.slack.cards.answer import answer_blocks, harmless, plain_answer
from bot.texts.agent import AGENT_SAID_NOTHING

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
    fallback, blocks = answer_blocks(text)
    assert blocks == [{"type": "markdown", "text": text}]
    assert fallback == text
    assert errors(blocks) == []


@pytest.mark.parametrize("text", ["", "  \n\t "])
def test_an_empty_answer_says_that_there_was_nothing_to_say(text):
    assert answer_blocks(text) == (AGENT_SAID_NOTHING, None)
    assert plain_answer(text) == AGENT_SAID_NOTHING


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
    for text in (harmless(ping), answer_blocks(ping)[0]):
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
    fallback, blocks = answer_blocks("<b> " * 2_800)
    assert len(blocks[0]["text"]) == 11_199
    assert len(fallback) <= 3_500
    assert "<" not in fallback
    assert errors(blocks) == []


def test_a_longer_answer_is_plain_text_in_full():
    text = "a < b\n" * 3_000
    fallback, blocks = answer_blocks(text)
    assert blocks is None
    assert fallback == text.strip().replace("<", "&lt;")


def test_an_endless_answer_says_how_much_is_missing():
    fallback, blocks = answer_blocks("<" * 100_000)
    kept = fallback.count("&lt;")
    assert blocks is None
    assert len(fallback) <= 39_000
    assert f"{100_000 - kept:,} more characters are missing" in fallback
    assert kept > 9_000


def test_an_answer_that_expands_too_far_goes_as_plain_text():
    assert answer_blocks("## heading\ntext\n" * 40)[1] is None
    assert answer_blocks("---\n" * 40)[1] is None
    script = "```sh\n" + "# comment\n" * 60 + "```"
    table = "| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * 60
    assert answer_blocks(script)[1] is not None
    assert answer_blocks(table)[1] is not None


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
    assert answer_blocks(text)[0]
