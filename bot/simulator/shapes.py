"""JSON values of unknown shape, read without guessing."""

from __future__ import annotations

import copy
from typing import Any, TypeAlias, cast

Json: TypeAlias = dict[str, Any]


def as_object(value: object) -> Json | None:
    """Return the value if it is a JSON object, else None."""
    return cast("Json", value) if isinstance(value, dict) else None


def as_list(value: object) -> list[Any] | None:
    """Return the value if it is a JSON array, else None."""
    return cast("list[Any]", value) if isinstance(value, list) else None


def objects(value: object) -> list[Json]:
    """Return the objects in a JSON array; anything else counts as empty."""
    return [item for each in as_list(value) or [] if (item := as_object(each))]


def copied(value: Json) -> Json:
    """Return a deep copy, so that no caller can change what is stored."""
    return copy.deepcopy(value)
