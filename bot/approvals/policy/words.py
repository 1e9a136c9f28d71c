"""Turn pydantic's findings about the file into our paths and sentences."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bot.approvals.policy.complaints import Complaint, Loc, key_path, kind
from bot.approvals.policy.schema import SHAPES, keys_of, room

_MISSING = {
    ("", "version"): "is missing; write `version: 1`.",
    ("stages", "approvers"): "is missing; name the group that decides.",
    ("delegations", "from"): "is missing; write the user id of whoever is away.",
    ("delegations", "to"): "is missing; write the user id of whoever stands in.",
    ("delegations", "until"): "is missing; write the last day, such as 2026-12-31.",
    ("escalate", "after"): "is missing; write after which time, such as 4h.",
    ("escalate", "to"): "is missing; name the group that joins.",
    ("hours", "days"): "is missing; list days such as [mon, tue].",
    ("hours", "from"): "is missing; write when the hours begin, such as 09:00.",
    ("hours", "to"): "is missing; write when the hours end, such as 17:00.",
}


_WRONG = {
    "string_type": "must be text, not {found}; quotes make a value text.",
    "string_unicode": "holds half a character; write it out.",
    "bool_type": "must be `true` or `false`, not {found}.",
    "int_type": "must be a whole number, not {found}.",
    "greater_than_equal": "must be 1 or more, not {found}.",
    "list_type": "must be a list, not {found}.",
    "dict_type": "must be a mapping of keys to values, not {found}.",
    "model_type": "must be a mapping of keys to values, not {found}.",
}
_EMPTY = "is empty; give it a value or leave the key out."


def complaints_of(error: ValidationError) -> list[Complaint]:
    """Give one complaint for each finding of pydantic."""
    findings = error.errors(include_url=False)
    meant = _meant(findings)
    return [
        Complaint(key_path(_loc(finding)), _sentence(finding))
        for finding in findings
        if not (finding["type"] == "missing" and _loc(finding) in meant)
    ]


def empty_values(data: Any, loc: Loc = ()) -> Iterable[Complaint]:
    """Find each key that has nothing under it: an oversight, never a choice.

    What a graph is resumed with may be anything, and so also nothing.
    """
    if room(loc[:-1]) == "answers":
        return
    if loc and _is_empty(data):
        yield Complaint(key_path(loc), _EMPTY)
    elif isinstance(data, dict):
        for key, value in cast("Mapping[str, Any]", data).items():
            yield from empty_values(value, (*loc, key))
    elif isinstance(data, list):
        for index, value in enumerate(cast("list[Any]", data)):
            yield from empty_values(value, (*loc, index))


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", [], {})


def probably_meant(key: str, loc: Loc) -> str:
    """Name the key of the mapping at `loc` that somebody mistyped, or ""."""
    place = room(loc)
    return next(iter(difflib.get_close_matches(key, keys_of(SHAPES[place]), n=1)), "")


def _meant(findings: list[ErrorDetails]) -> set[Loc]:
    """Keys that are missing only because another key stands in their place."""
    meant: set[Loc] = set()
    for loc in (_loc(f) for f in findings if f["type"] == "extra_forbidden"):
        key, around = str(loc[-1]), loc[:-1]
        meant.add((*around, probably_meant(key, around)))
    return meant


def _loc(finding: ErrorDetails) -> Loc:
    loc = finding["loc"]
    # pydantic marks a complaint about a mapping's key, not its value, like this
    return loc[:-1] if len(loc) > 2 and loc[-1] == "[key]" else loc


def _sentence(finding: ErrorDetails) -> str:
    loc, found = _loc(finding), finding["input"]
    if finding["type"] == "extra_forbidden":
        return unknown_key(str(loc[-1]), loc[:-1])
    if finding["type"] == "missing":
        return _MISSING.get((room(loc[:-1]), str(loc[-1])), "is missing.")
    if _is_empty(found):
        return _EMPTY
    return _WRONG.get(finding["type"], finding["msg"]).replace("{found}", kind(found))


def unknown_key(key: str, around: Loc) -> str:
    """Say that a mapping at `around` has no such key, and which one may be meant."""
    suggestion = probably_meant(key, around)
    hint = f"; did you mean `{suggestion}`?" if suggestion else "; remove it."
    return f"unknown key{hint}"
