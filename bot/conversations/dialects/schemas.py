"""Whether a value fits a JSON schema, for schemas that somebody else wrote."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from jsonschema import Draft202012Validator

from bot.approvals.fitting import UNREADABLE, misfit, validator

__all__ = ["is_schema", "misfit", "resolved"]


def is_schema(schema: object) -> bool:
    """Whether this is a JSON schema that asks for something at all."""
    if not isinstance(schema, dict):
        return False
    try:
        Draft202012Validator.check_schema(cast("dict[str, Any]", schema))
        odd: tuple[Any, ...] = ("", 0.5, None, [[]], {"": ""})
        found = validator(cast("dict[str, Any]", schema))
        return not all(found.is_valid(value) for value in odd)
    except UNREADABLE:
        return False


def resolved(schema: Mapping[str, Any], part: object) -> Mapping[str, Any]:
    """Follow a part's `$ref` into the schema's own `$defs`, as pydantic writes it.

    `schema` is one that `is_schema` knows; a part that is no object gives {}.
    """
    own = cast("Mapping[str, Any]", part if isinstance(part, dict) else {})
    name = str(own.get("$ref", "")).removeprefix("#/$defs/")
    found = schema.get("$defs", {}).get(name, own)
    return cast("Mapping[str, Any]", found if isinstance(found, dict) else {})
