"""Hosts and e-mail addresses that read like others: mixed scripts, and IDNs."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, cast

from confusable_homoglyphs import categories, confusables

MOST = 200  # addresses that are looked at
_NEUTRAL = frozenset({"COMMON", "INHERITED"})
# Scripts that are written together (UTS 39, Highly Restrictive).
_TOGETHER = (
    frozenset({"LATIN", "HAN", "HIRAGANA", "KATAKANA"}),
    frozenset({"LATIN", "HAN", "BOPOMOFO"}),
    frozenset({"LATIN", "HAN", "HANGUL"}),
)
_ACE = "xn--"
_WORD = r"[^\s/\\@:?#\"'`<>()\[\]{}|,;=&]"
_ADDRESS = re.compile(rf"(?:({_WORD}{{1,64}})@)?({_WORD}{{1,253}})")
_LABEL_LIMIT = 63
_LETTERS = re.compile(r"[^\W\d_]{2,}")


@dataclass(frozen=True)
class Lookalike:
    """An address as it is written. `ascii_form` is the host as DNS has it."""

    text: str
    ascii_form: str
    scripts: tuple[str, ...] = ()  # two or more that are mixed in one of its words
    reads_as_latin: bool = False  # a whole word of letters that look like Latin ones

    @property
    def deceives(self) -> bool:
        """True if it can be taken for another address, and is not only foreign."""
        return bool(self.scripts) or self.reads_as_latin


def lookalikes(value: Any) -> list[Lookalike]:
    """The addresses in a JSON value whose letters may deceive, each once.

    At most the first `MOST`, those that mix or imitate letters before the others.
    """
    every = (each for text in _texts(value) for each in _in_text(text))
    found = {each.text: each for each in islice(every, MOST)}
    return sorted(found.values(), key=lambda each: not each.deceives)


def deceives(word: str) -> bool:
    """Return whether letters of a word mix scripts, or all look like Latin ones."""
    return bool(_mixed(word)) or _reads_as_latin(word)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in cast("dict[str, Any]", value).items():
            yield name
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in cast("list[Any]", value):
            yield from _texts(inner)


def _in_text(text: str) -> Iterator[Lookalike]:
    if text.isascii() and _ACE not in text.lower():
        return
    for match in _ADDRESS.finditer(text):
        local, host = match[1] or "", _folded(match[2]).strip(".")
        plain = (match[0] + host).isascii() and _ACE not in host
        named = local and any(map(str.isalpha, host))
        if not plain and (named or _is_host(host)):
            yield _judged(match[0], local, host)


def _folded(host: str) -> str:
    """A host as resolvers read it: compatibility forms folded, every dot a dot."""
    return unicodedata.normalize("NFKC", host).replace("。", ".").casefold()


def _is_host(host: str) -> bool:
    labels = host.split(".")
    return (
        len(labels) > 1
        and all(0 < len(label) <= _LABEL_LIMIT for label in labels)
        and (labels[-1].startswith(_ACE) or bool(_LETTERS.match(labels[-1])))
    )


def _judged(text: str, local: str, host: str) -> Lookalike:
    words = [_decoded(label) for label in host.split(".")]
    named = [*words, *local.split(".")]
    mixed = [scripts for word in named if len(scripts := _mixed(word)) > 1]
    return Lookalike(
        text,
        ".".join(map(_encoded, host.split("."))),
        tuple(mixed[0]) if mixed else (),
        any(_reads_as_latin(word) for word in named),
    )


def _mixed(word: str) -> list[str]:
    """The scripts of a word, none where they are usually written together."""
    scripts = cast("set[str]", categories.unique_aliases(word)) - _NEUTRAL
    usual = any(scripts <= together for together in _TOGETHER)
    return [] if usual else sorted(scripts)


def _reads_as_latin(word: str) -> bool:
    letters = [char for char in word if char.isalpha()]
    return bool(letters) and all(map(_is_like_latin, letters))


def _is_like_latin(char: str) -> bool:
    if char.isascii():
        return False
    found: Any = confusables.is_confusable(char, preferred_aliases=["latin"])
    return bool(found) and any(
        like["c"].isascii() for each in found for like in each["homoglyphs"]
    )


def _decoded(label: str) -> str:
    if not label.startswith(_ACE):
        return label
    try:
        return label.removeprefix(_ACE).encode("ascii").decode("punycode")
    except (UnicodeError, ValueError):
        return label


def _encoded(label: str) -> str:
    return label if label.isascii() else _ACE + label.encode("punycode").decode()
