"""Make any text safe to store and to show: nothing is hidden, nothing steers."""

from __future__ import annotations

import functools
import json
import unicodedata
from typing import Any

# Hidden whatever the interpreter's Unicode tables say: the code points with the
# property Default_Ignorable_Code_Point (DerivedCoreProperties.txt), and letters,
# marks and symbols whose glyph is blank.
_ALWAYS_HIDDEN = (
    (0x00AD, 0x00AD),  # soft hyphen
    (0x034F, 0x034F),  # combining grapheme joiner
    (0x061C, 0x061C),  # Arabic letter mark
    (0x115F, 0x1160),  # Hangul fillers
    (0x17B4, 0x17B5),  # Khmer inherent vowels
    (0x180B, 0x180F),  # Mongolian variation selectors
    (0x200B, 0x200F),  # zero width, left-to-right and right-to-left marks
    (0x202A, 0x202E),  # embeddings and overrides
    (0x2060, 0x206F),  # word joiner, isolates, invisible operators
    (0x2800, 0x2800),  # Braille blank
    (0x2D7F, 0x2D7F),  # Tifinagh consonant joiner
    (0x3164, 0x3164),  # Hangul filler
    (0xFE00, 0xFE0F),  # variation selectors
    (0xFEFF, 0xFEFF),  # zero width no-break space
    (0xFFA0, 0xFFA0),  # half-width Hangul filler
    (0xFFF0, 0xFFFC),  # reserved, interlinear annotation, object replacement
    (0x1107F, 0x1107F),  # Brahmi number joiner
    (0x13441, 0x13446),  # Egyptian blanks
    (0x16FE4, 0x16FE4),  # Khitan filler
    (0x1BCA0, 0x1BCA3),  # shorthand format controls
    (0x1D159, 0x1D159),  # null notehead
    (0x1D173, 0x1D17A),  # musical beams and slurs
    (0xE0000, 0xE0FFF),  # tags, more variation selectors, reserved
)
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})
_STEERING = frozenset({"Cc", "Cs", "Zl", "Zp"})
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e") | frozenset(
    "\u2066\u2067\u2068\u2069"
)


def clean_text(text: str) -> str:
    """Make any text fit for UTF-8, PostgreSQL and a checkpoint."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def one_line(text: str, most: int) -> str:
    """Cut a text to one line of so many characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[:most]}…"


@functools.lru_cache(maxsize=4096)
def is_hidden(character: str) -> bool:
    """Return whether a character looks like nothing, or like a space, on a screen."""
    point = ord(character)
    if character in " \n\t":
        return False
    if unicodedata.category(character) in _HIDDEN_CATEGORIES:
        return True
    return any(first <= point <= last for first, last in _ALWAYS_HIDDEN)


def visible_json(value: Any, indent: int | None = None) -> str:
    r"""A value as JSON in which hidden characters stand as escapes such as `\u202e`.

    The escapes are JSON's own, so it still reads as the same value.
    """
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return "".join(_escape(char) if is_hidden(char) else char for char in text)


def harmless(text: str) -> str:
    """A text for a person to read: what would steer a terminal stands as an escape."""
    return "".join(_escape(char) if _steers(char) else char for char in text)


def _steers(char: str) -> bool:
    if char in "\n\t":
        return False
    return char in _TURNING or unicodedata.category(char) in _STEERING


def _escape(char: str) -> str:
    return json.dumps(char)[1:-1]
