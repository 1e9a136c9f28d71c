"""An agent's markdown answer as one Slack message: no pings, no hidden URLs."""

from __future__ import annotations

import re
import unicodedata

from bot.base.masks import mask
from bot.slack.cards.blocks import Block
from bot.texts.agent import AGENT_SAID_NOTHING, answer_cut
from bot.texts.formatting import cut_escaped, escape

MARKDOWN_LIMIT = 11_500  # characters; Slack's is 12,000
FALLBACK_LIMIT = 3_500
PLAIN_LIMIT = 39_000  # characters after escaping; Slack cuts off at 40,000
# Slack turns one markdown block into several and takes at most 50.
_EXPANSION_LIMIT = 45
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
_FENCED = re.compile(r"^ {0,3}(```|~~~).*?(?:^ {0,3}\1|\Z)", re.M | re.S)
_EXPANDS = re.compile(  # headings, rules and underlines, the second line of a table
    r"^ {0,3}(?:#{1,6}\s|([-*_=])(?: *\1)+ *$|\|?(?: *:?-++:? *\|)+)", re.M
)


def answer_blocks(text: str) -> tuple[str, list[Block] | None]:
    """The fallback text (mrkdwn) and blocks of an answer; no blocks: send text alone.

    Up to 11,500 characters are one `markdown` block; longer answers, and those that
    Slack would expand to too many blocks, are escaped plain text, cut with a sentence
    that says how much is missing.
    """
    shown = harmless(mask(text)).strip()
    if not shown:
        return AGENT_SAID_NOTHING, None
    if len(shown) > MARKDOWN_LIMIT or _expansion(shown) > _EXPANSION_LIMIT:
        return _plain(shown), None
    return cut_escaped(shown, FALLBACK_LIMIT), [{"type": "markdown", "text": shown}]


def plain_answer(text: str) -> str:
    """mrkdwn: the whole answer without blocks, for when Slack refuses the blocks."""
    return _plain(harmless(mask(text)).strip()) or AGENT_SAID_NOTHING


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


def _expansion(text: str) -> int:
    """At most how many blocks Slack makes of a markdown text."""
    rest, fenced = _FENCED.subn("", text)
    return 1 + 2 * (fenced + len(_EXPANDS.findall(rest)))


def _plain(shown: str) -> str:
    escaped = escape(shown)
    if len(escaped) <= PLAIN_LIMIT:
        return escaped
    kept = re.sub(r"&[a-z]*$", "", escaped[: PLAIN_LIMIT - len(answer_cut(10**9))])
    return kept + answer_cut(len(shown) - _unescaped_length(kept))


def _unescaped_length(escaped: str) -> int:
    return len(re.sub(r"&(?:amp|lt|gt);", "x", escaped))
