"""Divide a long answer into what one message holds and the rest, losing nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.texts.formatting import escape

MARKDOWN_LIMIT = 11_500  # characters; Slack's is 12,000
PLAIN_LIMIT = 39_000  # characters after escaping; Slack cuts off at 40,000
# Slack turns one markdown block into several and takes at most 50.
_EXPANSION_LIMIT = 45
_LONGEST_OPENING = 500  # characters that a part may begin anew with
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})([^\n`]*)")
_EXPANDS = re.compile(  # headings, rules and underlines, the second line of a table
    r" {0,3}(?:#{1,6}\s|([-*_=])(?: *\1)+ *$|\|?(?: *:?-++:? *\|)+)"
)
_UNDER_HEADER = re.compile(r" {0,3}\|?(?: *:?-++:? *\|)+[ :-]*$")


@dataclass(frozen=True)
class _Inside:
    """A fence or a table that a line ends in: a new part opens it once more."""

    opening: str = ""
    closing: str = ""
    fence: str = ""  # the marker; "" outside of code


@dataclass(frozen=True)
class _Break:
    """A place between two lines; the higher its rank, the better it is to part at."""

    at: int
    rank: int
    inside: _Inside


def divide(text: str) -> tuple[str, str]:
    """Return what one message holds of a markdown text, and the rest; "" for none.

    It parts after a paragraph, else after a line, else after a word. Code and tables
    that go on are closed, and opened anew in the rest.
    """
    room, at, before, inside = _Room(), 0, "", _Inside()
    breaks: list[_Break] = []
    for line in text.splitlines(keepends=True):
        begun = _after(line, before, inside)
        if not room.takes(line, begun, inside):
            return _parted(text, _best(breaks) or _in_line(text, at, inside))
        at, before = at + len(line), line
        if begun == inside or not begun.opening:  # right after an opening is no place
            breaks.append(_Break(at, _rank(line, begun), begun))
        inside = begun
    return text, ""


@dataclass
class _Room:
    """The room that is left in a message."""

    characters: int = MARKDOWN_LIMIT
    escaped: int = PLAIN_LIMIT
    blocks: int = _EXPANSION_LIMIT

    def takes(self, line: str, begun: _Inside, inside: _Inside) -> bool:
        """Take the room of a line; False if there is less."""
        self.characters -= len(line)
        self.escaped -= len(escape(line))
        opens = bool(begun.fence) and not inside.fence
        in_code = begun.fence or inside.fence
        if opens or (not in_code and _EXPANDS.match(line)):
            self.blocks -= 2
        return min(self.characters, self.escaped, self.blocks) >= 0


def _after(line: str, before: str, inside: _Inside) -> _Inside:
    """Return what the text is in after a line."""
    found = _FENCE.match(line)
    if inside.fence:
        marker = found.group(1) if found and not found.group(2).strip() else ""
        closes = marker.startswith(inside.fence)
        return _Inside() if closes else inside
    if found:
        marker, language = found.group(1), found.group(2).strip()[:20]
        return _Inside(f"{marker}{language}\n", f"\n{marker}", marker)
    if _UNDER_HEADER.match(line) and "|" in before:
        opening = before + line
        return _Inside(opening if len(opening) <= _LONGEST_OPENING else "")
    return inside if "|" in line else _Inside()


def _rank(line: str, inside: _Inside) -> int:
    if inside.opening or "|" in line:
        return 0
    return 1 if line.strip() else 2


def _best(breaks: list[_Break]) -> _Break | None:
    """The best in the second half of what fits."""
    last = breaks[-1].at if breaks else 0
    near = [each for each in breaks if each.at * 2 >= last]
    return max(near, key=lambda each: (each.rank, each.at), default=None)


def _in_line(text: str, at: int, inside: _Inside) -> _Break:
    """Part within the line at `at`, that no message holds: after a word, if it can."""
    left = MARKDOWN_LIMIT - at
    while len(escape(text[: at + left])) > PLAIN_LIMIT:
        left //= 2
    word = text.rfind(" ", at + left // 2, at + left)
    return _Break(word + 1 if word > 0 else at + left, 0, inside)


def _parted(text: str, place: _Break) -> tuple[str, str]:
    head, rest = text[: place.at].rstrip("\n"), text[place.at :]
    if not place.inside.fence:
        rest = rest.lstrip("\n")
    return head + place.inside.closing, place.inside.opening + rest
