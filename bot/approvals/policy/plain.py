"""Look into plain data whose types nobody has checked yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from pydantic import BaseModel

from bot.approvals.policy.complaints import Complaint, Loc, key_path, shown
from bot.approvals.policy.schema import keys_of
from bot.approvals.policy.words import probably_meant

Keys = Mapping[str, Any]


def mapping(value: Any) -> Keys:
    """The value if it is a mapping, else an empty one."""
    return cast("Keys", value) if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def mappings(value: Any) -> Iterable[tuple[str, Keys]]:
    """The mappings that stand in a mapping, each with its key."""
    return ((name, mapping(inner)) for name, inner in mapping(value).items())


def said_once(values: Sequence[Any], loc: Loc, remedy: str) -> Iterable[Complaint]:
    """Complain about a text that stands in a list again."""
    for index, value in enumerate(values):
        if isinstance(value, str) and value in values[:index]:
            sentence = f"{shown(value)} stands here twice; {remedy}."
            yield Complaint(key_path((*loc, index)), sentence)


def exactly_one(
    holder: Keys, keys: tuple[str, ...], loc: Loc, shape: type[BaseModel]
) -> Iterable[Complaint]:
    """Complain if a mapping of this shape has several of these keys, or none."""
    given = [key for key in keys if key in holder]
    choice = ", ".join(f"`{key}`" for key in keys[:-1]) + f" or `{keys[-1]}`"
    if len(given) > 1:
        both = " and ".join(f"`{key}`" for key in given)
        yield Complaint(key_path(loc), f"has {both}; keep one of {choice}.")
    # A mistyped key is complained about already, with the key that was meant.
    strangers = [key for key in holder if key not in keys_of(shape)]
    if not given and not any(probably_meant(key, loc) in keys for key in strangers):
        yield Complaint(key_path(loc), f"needs one of {choice}.")
