"""Whether arguments fit the JSON schema that a tool was offered with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from jsonschema import Draft202012Validator, exceptions
from jsonschema.exceptions import SchemaError, ValidationError
from referencing import Registry
from referencing.exceptions import Unresolvable

LONGEST_COMPLAINT = 200  # characters
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
    try:  # an empty registry: a schema that refers elsewhere is never fetched
        found = Draft202012Validator(dict(schema), registry=Registry()).iter_errors(
            dict(arguments)
        )
        first = cast("ValidationError | None", _exceptions.best_match(found))
    except (SchemaError, Unresolvable, RecursionError, re.error):
        return "their schema cannot be read, so nobody can say whether they fit it"
    if first is None:
        return ""
    where = ".".join(str(step) for step in first.absolute_path)
    said = first.message[:LONGEST_COMPLAINT]
    return f"{where}: {said}" if where else said
