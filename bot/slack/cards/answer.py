"""An agent's markdown answer as Slack messages: no pings, no hidden URLs."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from bot.base.masks import mask
from bot.slack.cards.answer_parts import divide
from bot.slack.cards.blocks import Block
from bot.texts.agent import AGENT_SAID_NOTHING
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


@dataclass(frozen=True)
class Answer:
    """What one message says of an answer.

    Attributes:
        text: mrkdwn, what notifications show.
        plain: mrkdwn, all of it without blocks, for when Slack refuses the blocks.
        said: markdown, what the message shows.
        rest: markdown that belongs into another message; "" for none.
    """

    text: str
    blocks: list[Block]
    plain: str
    said: str
    rest: str


def answer(text: str) -> Answer:
    """Draw an answer, up to what one message holds: one `markdown` block."""
    said, rest = divide(harmless(mask(text)).strip())
    said = harmless(said)  # a word that was parted may read like another one
    if not said:
        return Answer(AGENT_SAID_NOTHING, [], AGENT_SAID_NOTHING, "", "")
    blocks: list[Block] = [{"type": "markdown", "text": said}]
    return Answer(cut_escaped(said, FALLBACK_LIMIT), blocks, escape(said), said, rest)


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
