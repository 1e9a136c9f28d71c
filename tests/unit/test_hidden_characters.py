"""Characters that cannot be seen are shown, and nothing else changes."""

from __future__ import annotations

import contextvars
import datetime as dt
import hashlib
import json
import re
import sys
import time
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent.safe_text import is_hidden
from bot.base.masks import mask_arguments
from bot.texts.formatting import (
    chunks,
    cut_escaped,
    date,
    escape,
    for_reader,
    indented,
    is_identifier,
    local,
    long_arguments,
    mention,
    mentions,
    read_in,
    safe_name,
    visible,
)
from tests.support.hostile_texts import DEFAULT_IGNORABLE, code_points

HOSTILE = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("\\u{}*A0123456789abc\n\t \u202e\u200b\u3164\u2800\ud800\x00"),
    )
)


def seen(text: str) -> str:
    """The opposite of `visible`, as its docstring describes it."""

    def back(match: re.Match[str]) -> str:
        slashes, escaped, count = match.groups()
        half = "\\" * (len(slashes) // 2)
        if len(slashes) % 2 == 0:
            return half + match.group()[len(slashes) :]
        return half + ("\n" * int(count) if count else chr(int(escaped, 16)))

    return re.sub(r"(\\+)u\{(?:([0-9A-F]+)\}|A\*(\d+)\}\n|)", back, text)


def test_each_default_ignorable_code_point_becomes_an_escape():
    for point in code_points(DEFAULT_IGNORABLE):
        assert visible(f"a{chr(point)}b") == f"a\\u{{{point:X}}}b"


@pytest.mark.parametrize(
    "character",
    "\u2800\u3164\u115f\u1160\uffa0\u034f\u17b4\u17b5\ufe0f\u00a0\u3000\u1680\u2028"
    "\u2029\r\x00\x1b\x7f\x85\u202e\u2066\ue000\ud800\U0001d159\U00016fe4\U000e0041",
)
def test_a_character_without_a_glyph_becomes_an_escape(character):
    assert visible(character) == f"\\u{{{ord(character):X}}}"


def test_no_other_character_is_touched():
    hidden = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"}
    listed = set(code_points(DEFAULT_IGNORABLE))
    wrong = [
        point
        for point in range(sys.maxunicode + 1)
        if unicodedata.category(character := chr(point)) not in hidden
        and is_hidden(character)
        and point not in listed
    ]
    assert wrong == [0x2800, 0x2D7F, 0xFFFC, 0x1107F, 0x16FE4, 0x1D159]


@pytest.mark.parametrize(
    "text", ["Überweisung, 東京\n\tשלום 👍 e\u0301", "C:\\users\\x", "\\n \\\\ \\u0041"]
)
def test_readable_text_stays_as_it_is(text):
    assert visible(text) == text


def test_ten_line_breaks_stay_and_more_are_counted():
    assert visible("a" + "\n" * 10 + "b") == "a" + "\n" * 10 + "b"
    assert visible("a" + "\n" * 200 + "b") == "a\\u{A*200}\nb"


def test_a_literal_escape_is_not_the_escape_of_a_character():
    assert visible("\\u{202E}") == "\\\\u{202E}"
    assert visible("\u202e") == "\\u{202E}"
    assert visible("\\\u202e") == "\\\\\\u{202E}"


@given(HOSTILE)
@example("\\" * 3 + "u{A*11}\n")
@example("\\" + "\n" * 11 + "\\u{")
def test_the_mapping_is_reversible_so_no_two_texts_look_alike(text):
    assert seen(visible(text)) == text


@given(HOSTILE)
def test_nothing_hidden_is_left(text):
    assert not any(is_hidden(character) for character in visible(text))


def test_a_long_run_of_backslashes_takes_no_quadratic_time():
    assert visible("\\" * 200_000) == "\\" * 200_000


def test_escape_leaves_no_token_for_slack_to_parse():
    assert escape("<!channel> & <@U1>") == "&lt;!channel&gt; &amp; &lt;@U1&gt;"


@given(st.text("&<>ab"), st.integers(1, 20))
def test_cutting_escaped_text_leaves_no_half_entity(text, limit):
    shown = cut_escaped(text, limit)
    assert len(shown) <= limit
    assert "&" not in re.sub(r"&(amp|lt|gt);", "", shown)


def test_a_display_name_is_one_short_harmless_line():
    assert safe_name("Mina\n\n<!here>\u202e") == "Mina &lt;!here&gt;\\u{202E}"
    assert safe_name("  ") == "someone"
    assert len(safe_name("x" * 500)) == 80


def test_only_a_user_id_becomes_a_mention():
    assert mention("U012AB") == "<@U012AB>"
    assert mention("U1>|<!channel") == "U1&gt;|&lt;!channel"
    assert mention("operator") == "operator"


def test_five_are_mentioned_and_the_others_counted():
    people = [f"U{n}" for n in range(1, 8)]
    assert mentions(people[:2]) == "<@U1> and <@U2>"
    assert mentions(people) == "<@U1>, <@U2>, <@U3>, <@U4>, <@U5> and 2 more"
    assert mentions([]) == ""


def test_a_date_has_a_fallback_in_utc():
    at = dt.datetime(2026, 11, 23, 10, 5, tzinfo=dt.timezone(dt.timedelta(hours=1)))
    assert date(at) == (
        f"<!date^{int(at.timestamp())}^{{date_short_pretty}} at {{time}}"
        "|23 Nov 2026 09:05 UTC>"
    )
    assert date(at, "a|b>").endswith("|a/b&gt;>")


@pytest.mark.parametrize(
    "name", ["", "evil.com", "a b", "1x", "delete\n", "é", "x" * 65]
)
def test_a_name_that_is_no_identifier_is_not_for_titles(name):
    assert not is_identifier(name)


def test_arguments_are_sorted_indented_json_with_hidden_characters_shown():
    text = indented({"b": "a\u202e\n", "a": "東京"})
    assert text == '{\n  "a": "東京",\n  "b": "a\\u{202E}\\n"\n}'


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | HOSTILE,
    lambda inner: st.lists(inner) | st.dictionaries(HOSTILE, inner),
    max_leaves=10,
)


@given(st.dictionaries(HOSTILE, JSON))
def test_the_text_of_arguments_gives_back_the_same_arguments(arguments):
    masked = mask_arguments(arguments, {})
    assert json.loads(seen(indented(masked))) == masked


def test_an_operator_reads_times_in_the_zone_of_the_machine(monkeypatch):
    at = dt.datetime(2026, 11, 29, 18, 44, tzinfo=dt.UTC)
    with monkeypatch.context() as here:
        here.setenv("TZ", "Europe/Paris")
        time.tzset()
        said = local(at)
    time.tzset()
    assert said == "29 Nov 2026 19:44 CET"


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ("Asia/Kolkata", "30 Nov 2026 00:14 IST"),
        *((zone, "29 Nov 2026 18:44 UTC") for zone in ("", "No/Where", "../etc", "/")),
    ],
)
def test_a_reader_reads_times_in_a_zone_of_their_own(zone, said):
    at = dt.datetime(2026, 11, 29, 18, 44, tzinfo=dt.UTC)

    def read() -> str:
        read_in(zone)
        return for_reader(at)

    assert contextvars.copy_context().run(read) == said
    assert for_reader(at) == "29 Nov 2026 18:44 UTC"


def test_a_long_text_shows_its_ends_length_and_fingerprint():
    text = "head" + "x" * 5_000 + "tail"
    long = long_arguments(text, ends=20)
    assert (long.head, long.tail) == ("headxxxxxx", "xxxxxxtail")
    assert long.length == 5_008
    assert long.sha256 == hashlib.sha256(text.encode()).hexdigest()


def test_four_thousand_characters_are_not_long():
    assert long_arguments("x" * 4_000) is None
    assert long_arguments("x" * 4_001).length == 4_001


@given(st.text("ab\n"), st.integers(1, 9))
def test_chunks_join_to_the_text(text, size):
    parts = list(chunks(text, size))
    assert "".join(parts) == text
    assert all(0 < len(part) <= size for part in parts)
