"""Whether arguments, or an answer, fit the JSON schema that somebody else wrote."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from jsonschema import Draft202012Validator, exceptions
from jsonschema.exceptions import SchemaError, ValidationError
from referencing import Registry
from referencing.exceptions import Unresolvable

LONGEST_COMPLAINT = 200  # characters
UNREADABLE = (SchemaError, Unresolvable, RecursionError, re.error)
_exceptions = cast("Any", exceptions)  # its functions carry no types


def complaint_about(schema: Mapping[str, Any], arguments: Mapping[str, Any]) -> str:
    """Say what in the arguments does not fit their schema, "" if all does.

    A key that the schema does not name is refused: the tool would drop it after a
    person approved it.
    """
    properties = cast("Mapping[str, Any]", schema.get("properties") or {})
    if properties and not schema.get("additionalProperties"):
        for name in arguments:
            if name not in properties:
                return f"there is no argument {name!r}"
    return misfit(schema, dict(arguments))


def misfit(schema: Mapping[str, Any], value: Any) -> str:
    """Say what in a value does not fit a schema, "" if all does."""
    try:
        found = validator(schema).iter_errors(value)
        first = cast("ValidationError | None", _exceptions.best_match(found))
    except UNREADABLE:
        return "their schema cannot be read, so nobody can say whether they fit it"
    if first is None:
        return ""
    where = ".".join(str(step) for step in first.absolute_path)
    said = first.message[:LONGEST_COMPLAINT]
    return f"{where}: {said}" if where else said


def validator(schema: Mapping[str, Any]) -> Draft202012Validator:
    """A validator that never fetches what a schema refers to elsewhere."""
    return Draft202012Validator(
        dict(schema),
        registry=Registry(),
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )
