"""Whether a value fits a JSON schema, for schemas that somebody else wrote."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import (
    SchemaError,
    ValidationError,
    best_match,  # pyright: ignore[reportUnknownVariableType]
)
from referencing import Registry
from referencing.exceptions import Unresolvable

from bot.slack.text import cut

LONGEST = 200  # characters of a complaint
_UNREADABLE = (SchemaError, Unresolvable, RecursionError, re.error)


def misfit(schema: Mapping[str, Any], value: Any) -> str:
    """Say what in a value does not fit, "" if all does."""
    try:
        found = _validator(schema).iter_errors(value)
        first = cast("ValidationError | None", best_match(found))
    except _UNREADABLE:
        return "its schema cannot be read"
    if first is None:
        return ""
    where = ".".join(str(step) for step in first.absolute_path)
    return cut(f"{where}: {first.message}" if where else first.message, LONGEST)


def is_schema(schema: object) -> bool:
    """Whether this is a JSON schema that asks for something at all."""
    if not isinstance(schema, dict):
        return False
    try:
        Draft202012Validator.check_schema(cast("dict[str, Any]", schema))
        odd: tuple[Any, ...] = ("", 0.5, None, [[]], {"": ""})
        found = _validator(cast("dict[str, Any]", schema))
        return not all(found.is_valid(value) for value in odd)
    except _UNREADABLE:
        return False


def resolved(schema: Mapping[str, Any], part: object) -> Mapping[str, Any]:
    """Follow a part's `$ref` into the schema's own `$defs`, as pydantic writes it.

    `schema` is one that `is_schema` knows; a part that is no object gives {}.
    """
    own = cast("Mapping[str, Any]", part if isinstance(part, dict) else {})
    name = str(own.get("$ref", "")).removeprefix("#/$defs/")
    found = schema.get("$defs", {}).get(name, own)
    return cast("Mapping[str, Any]", found if isinstance(found, dict) else {})


def _validator(schema: Mapping[str, Any]) -> Draft202012Validator:
    # an empty registry: what a schema refers to elsewhere is never fetched
    return Draft202012Validator(
        dict(schema),
        registry=Registry(),
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )
