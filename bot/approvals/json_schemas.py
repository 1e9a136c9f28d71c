"""Check arguments, or an answer, against a JSON schema that somebody else wrote."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, cast

from jsonschema import Draft202012Validator, exceptions, validators
from jsonschema.exceptions import SchemaError, ValidationError
from referencing import Registry
from referencing.exceptions import Unresolvable

from bot.approvals.policy import complaints
from bot.approvals.policy.conditions import compiled

LONGEST_COMPLAINT = 200  # characters
UNREADABLE = (
    SchemaError,
    Unresolvable,
    RecursionError,
    TypeError,  # there is something in it that JSON cannot say
    ValueError,
    ArithmeticError,
)
_exceptions = cast("Any", exceptions)  # its functions carry no types
# an empty registry: a schema that refers elsewhere is never fetched
_NOTHING_ELSE: Any = cast("Any", Registry)()


def _pattern(
    _: object, pattern: str, value: object, __: object
) -> Iterator[ValidationError]:
    # In linear time: a tool's author, or its server, wrote the pattern, and while it is
    # matched nobody else is served.
    if isinstance(value, str) and not compiled(pattern).search(value):
        yield ValidationError(complaints.no_match(value, pattern))


_Validator: Any = cast("Any", validators).extend(
    Draft202012Validator, {"pattern": _pattern}
)


def complaint_about(schema: Mapping[str, Any], arguments: Mapping[str, Any]) -> str:
    """Say what in the arguments does not fit their schema, "" if all does.

    A key that the schema does not name is refused: the tool would drop it after a
    person approved it.
    """
    properties = cast("Mapping[str, Any]", schema.get("properties") or {})
    if properties and not schema.get("additionalProperties"):
        for name in arguments:
            if name not in properties:
                return complaints.unknown_argument(name)
    return misfit(schema, dict(arguments))


def misfit(schema: Mapping[str, Any], value: Any) -> str:
    """Say what in a value does not fit a schema, "" if all does."""
    try:
        found = _validator(json.dumps(dict(schema))).iter_errors(value)
        first = cast("ValidationError | None", _exceptions.best_match(found))
    except UNREADABLE:
        return complaints.SCHEMA_UNREADABLE
    if first is None:
        return ""
    where = ".".join(str(step) for step in first.absolute_path)
    said = first.message[:LONGEST_COMPLAINT]
    return f"{where}: {said}" if where else said


@lru_cache(maxsize=32)
def _validator(schema: str) -> Draft202012Validator:
    """A validator that never fetches what a schema refers to elsewhere.

    It is kept, since an interrupt is read several times and each check of a schema
    takes milliseconds in which nobody else is served.
    """
    read = json.loads(schema)
    _Validator.check_schema(read)
    made = _Validator(
        read,
        registry=_NOTHING_ELSE,
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )
    return cast("Draft202012Validator", made)


def is_schema(schema: object) -> bool:
    """Return whether this is a JSON schema that asks for something at all."""
    if not isinstance(schema, dict):
        return False
    try:
        odd: tuple[Any, ...] = ("", 0.5, None, [[]], {"": ""})
        found = _validator(json.dumps(schema))
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
