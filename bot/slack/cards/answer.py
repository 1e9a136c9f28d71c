"""An agent's markdown answer as Slack messages: no pings, no hidden URLs.

A long answer is divided into what one message holds and the rest, losing nothing.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from bot.base.masks import mask
from bot.slack.cards.blocks import Block, Drawn
from bot.texts.conversation import AGENT_SAID_NOTHING
from bot.texts.formatting import cut_escaped, escape

FALLBACK_LIMIT = 3_500
# Not in an answer: characters that reorder, hide or break lines. Joiners and variation
# selectors stay, since scripts and emoji need them.
_HARMFUL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
# `<!channel>`, `<@U1>`, `<#C1>`, also backslash-escaped inside, or as an entity.
_TOKEN = re.compile(r"<(?=\\?[!@#&])")
_LINK_TOKEN = re.compile(r"<(?=[^\s<>|]{1,2000}\|[^<>\n]{0,2000}>)")
_AT_ALL = re.compile(r"(?<![\w.])@(?=\\?(?:(?:channel|here|everyone|group)\b|&))", re.I)
_ENTITY = re.compile(r"&(?=(?:lt|commat|#0*(?:60|64)|#x0*(?:3c|40));)", re.I)
_LABEL_AND_URL = (
    r"\[((?:[^\[\]\\]|\\.|\[[^\[\]]*+\])*+)\]"  # [label], one level nested
    r"\(\s*+<?([^\s<>()]*+(?:\([^\s<>()]*+\)[^\s<>()]*+)*+)>?"  # (url
    r"(?:\s++[\"'(][^\n\"'()]{0,200}[\"')])?\s*+\)"  # "title")
)
_IMAGE = re.compile("!" + _LABEL_AND_URL)
_LINK = re.compile(_LABEL_AND_URL)
_DEFINITION = re.compile(r"^( {0,3})\[(?=[^\]\n]+\]:)", re.M)
_ADDRESS = re.compile(
    r"(?<![a-z0-9+.-])(?:[a-z][a-z0-9+.-]*+://|www\.)\S++"
    r"|(?<![\w.-])[\w-]++(?:\.[\w-]++)++\S*+",
    re.I,
)


def answer(text: str) -> Drawn:
    """Draw an answer, up to what one message holds: one `markdown` block."""
    said, rest = divide(harmless(mask(text)).strip())
    said = harmless(said)  # a word that was parted may read like another one
    if not said:
        return Drawn(AGENT_SAID_NOTHING)
    blocks: list[Block] = [{"type": "markdown", "text": said}]
    text = cut_escaped(said, FALLBACK_LIMIT)
    return Drawn(text, blocks, said=said, rest=rest)


def harmless(text: str) -> str:
    """Markdown that pings nobody, whose links show where they lead.

    Characters that start a ping or a Slack link become their full-width likes, also
    in code, since where Slack's code ends is not ours to say.
    """
    text = text.replace("\r\n", "\n")
    text = _HARMFUL.sub(lambda match: f"\\u{{{ord(match.group()):X}}}", text)
    text = _DEFINITION.sub(r"\1\\[", _LINK.sub(_honest, _IMAGE.sub(_image, text)))
    text = _LINK_TOKEN.sub("＜", _TOKEN.sub("＜", text))
    return _ENTITY.sub("＆", _AT_ALL.sub("＠", text))


def _image(match: re.Match[str]) -> str:
    alt, url = match.groups()
    return f"{alt} ({url})" if alt else url


def _honest(match: re.Match[str]) -> str:
    """Keep a link unless its label reads like another address."""
    label, url = match.groups()
    read = unicodedata.normalize("NFKC", re.sub(r"[\\*_~`]", "", label))
    read = read.replace("。", ".")  # read as a dot in host names
    addresses = [found.group() for found in _ADDRESS.finditer(read)]
    masks = any(_reads_as_another(address, url) for address in addresses)
    return f"{label} ({url})" if masks and _is_address(url) else match.group()


def _reads_as_another(address: str, url: str) -> bool:
    bare = _bare(address)
    host = re.split(r"[/:?#]", bare, maxsplit=1)[0]
    ends_in_letters = host.rpartition(".")[2].isalpha()  # "3.11" is no host
    return bare != _bare(url) and (ends_in_letters or "://" in address)


def _is_address(url: str) -> bool:
    return ":" in url or "." in url or "/" in url


def _bare(address: str) -> str:
    """An address without what people leave out: scheme, `www.`, last slash, case."""
    bare = re.sub(r"^[a-z][a-z0-9+.-]*://", "", address.lower())
    return bare.removeprefix("www.").rstrip("/.,;:!?)")


# --- A long answer in parts ----------------------------------------------------------
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
    """Return the best break in the second half of what fits."""
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
