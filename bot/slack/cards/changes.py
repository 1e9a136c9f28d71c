"""What an edit has changed, argument by argument: old → new."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from bot.approvals.model import Request
from bot.masks import mask_arguments
from bot.slack.cards.blocks import Block, line, preformatted, user, words
from bot.slack.text import cut, shown, visible

_ABSENT = "(absent)"
_TOGETHER = 1_200  # characters; several requests on one card share them
_MOST = 10  # changed arguments, likewise
_ONE = 60  # characters at which a name or a value is cut in any case


def changed_elements(request: Request, sharing: int) -> list[Block]:
    """The parts of a `rich_text` that tell an edit, none if there was none.

    The values are JSON, so that a text that looks like a change is seen to be a text.
    """
    if request.raised_arguments is None:
        return []
    changed = changes(request.raised_arguments, request.arguments, request.schema)
    first = changed[: max(1, _MOST // sharing)]
    room = max(_ONE, _TOGETHER // sharing // max(1, len(first) * 2))
    lines = [_line(name, old, new, room) for name, old, new in first]
    more = len(changed) - len(first)
    return [
        line("Changed by ", user(request.edited_by), ", old → new:"),
        *preformatted("\n".join(lines)),
        *([words(f"… and {more} more arguments are changed.")] if more else []),
    ]


def changes(
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    schema: Mapping[str, Any] | None = None,
) -> Sequence[tuple[str, str, str]]:
    """Name, old and new value as JSON of each argument that differs, by name.

    They are compared as they are, and then shown with their secrets masked.
    """
    names = [
        name for name in sorted({*old, *new}) if _text(old, name) != _text(new, name)
    ]
    return [
        (name, _masked(old, name, schema), _masked(new, name, schema)) for name in names
    ]


def _masked(
    arguments: Mapping[str, Any], name: str, schema: Mapping[str, Any] | None
) -> str:
    if name not in arguments:
        return _ABSENT
    [value] = mask_arguments({name: arguments[name]}, schema or {}).values()
    return _text({name: value}, name)


def _text(arguments: Mapping[str, Any], name: str) -> str:
    if name not in arguments:
        return _ABSENT
    return visible(json.dumps(arguments[name], ensure_ascii=False, sort_keys=True))


def _line(name: str, old: str, new: str, room: int) -> str:
    named = cut(shown(json.dumps(name, ensure_ascii=False)), _ONE)
    return f"{named}: {cut(old, room)} → {cut(new, room)}"
