"""The headline of a request: what its effect is, with the target by name.

A template's words are ours, or the policy's; in its braces are values of the call, and
people have to tell those from our words wherever the headline is shown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

from bot.approvals.model import NAMELESS, Kind, Request
from bot.approvals.policy.conditions import MISSING, sort_of, value_at

_PLACE = re.compile(r"\{([^{}\s:]+)(:money)?\}")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True)
class Part:
    """A piece of a headline; a value is shown so that nobody takes it for words."""

    text: str
    is_value: bool = False


def is_template(text: str) -> bool:
    """Return whether each brace of a title belongs to the name of an argument."""
    return not re.search(r"[{}]", _PLACE.sub("", text))


def filled(template: str, arguments: Mapping[str, Any]) -> tuple[Part, ...]:
    """Put a call's arguments into a template; () if it lacks one of them."""
    parts: list[Part] = []
    start = 0
    for place in _PLACE.finditer(template):
        value = value_at(arguments, place[1])
        if value is MISSING:
            return ()
        if words := template[start : place.start()]:
            parts.append(Part(words))
        parts.append(Part(_money(value) if place[2] else text_of(value), is_value=True))
        start = place.end()
    if words := template[start:]:
        parts.append(Part(words))
    return tuple(parts)


def _money(value: Any) -> str:
    return f"{Decimal(str(value)):,.2f}" if sort_of(value) == "number" else str(value)


def text_of(value: Any) -> str:
    """A value as a headline has it: a text as it is, several with commas between."""
    if isinstance(value, str):
        return value or '""'
    if isinstance(value, list) and value:
        return ", ".join(text_of(each) for each in cast("list[Any]", value))
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def headline(request: Request) -> tuple[Part, ...]:
    """Say what a request is about, in the policy's words, its tool's, else by its name.

    Secrets are masked; values are neither shortened nor escaped.
    """
    call, arguments = request.call, request.call.masked
    if call.kind is Kind.INTERRUPT and not request.terms.title:
        return _question(request, arguments)
    for template in (request.terms.title, call.tool_title):
        if parts := filled(template, arguments):
            return parts
    return _named(call.tool, arguments, call.schema)


def _question(request: Request, arguments: Mapping[str, Any]) -> tuple[Part, ...]:
    call = request.call
    asked = arguments.get(call.headline) if call.headline else None
    if isinstance(asked, str) and asked.strip():
        return (Part(asked, is_value=True),)
    named = () if call.tool == NAMELESS else (Part(call.tool, is_value=True),)
    rest = {k: v for k, v in arguments.items() if v != call.tool}  # what names it
    return _with_first((Part(QUESTION), *named), rest, {})


def _named(
    tool: str, arguments: Mapping[str, Any], schema: Mapping[str, Any]
) -> tuple[Part, ...]:
    """The tool's name in words, and its first argument that is no list or mapping."""
    if _IDENTIFIER.fullmatch(tool):
        return _with_first((Part(_words(tool)),), arguments, schema)
    return _with_first((Part(RUN), Part(tool, is_value=True)), arguments, schema)


def _with_first(
    words: tuple[Part, ...], arguments: Mapping[str, Any], schema: Mapping[str, Any]
) -> tuple[Part, ...]:
    given = (arguments[name] for name in in_order(arguments, schema))
    first = next((value for value in given if sort_of(value)), None)
    if first is None:
        return words
    return (*words, Part(" "), Part(text_of(first), is_value=True))


# Before the name of a tool that is no name, and of a graph's question without a text.
RUN, QUESTION = "Run ", "Question "


def _words(tool: str) -> str:
    words = " ".join(tool.replace("-", "_").split("_")).strip()
    return words[:1].upper() + words[1:] or tool


def in_order(arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> list[str]:
    """The arguments' names in the schema's order, then those that it doesn't declare.

    Required ones come first: a schema stored by an older version has its keys sorted,
    and its list of these alone kept its order.
    """
    required = cast("list[str]", schema.get("required") or [])
    declared = cast("Mapping[str, Any]", schema.get("properties") or {})
    known = dict.fromkeys([*required, *declared])
    first = [name for name in known if name in arguments]
    return [*first, *sorted(name for name in arguments if name not in known)]
