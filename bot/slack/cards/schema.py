"""What kind of value an argument is: a small, forgiving reading of a JSON schema.

It only chooses inputs. Whether arguments fit their schema is judged where they are
decided on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

_FOLLOWED = 20  # references, so that a schema that names itself comes to an end

Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Expected:
    """What an argument may be.

    Attributes:
        type: a JSON type's name, "" where there is not one alone.
        choices: the values of an enumeration, None where there is none.
        nullable: whether it may also be null.
    """

    type: str = ""
    choices: tuple[Any, ...] | None = None
    nullable: bool = False
    required: bool = True
    description: str = ""
    default: Any = None
    has_default: bool = False


def expectations(schema: Schema) -> dict[str, Expected]:
    """The arguments that a schema names, in its order."""
    properties = _object(schema.get("properties"))
    required = schema.get("required")
    names = cast("list[object]", required) if isinstance(required, list) else []
    return {
        name: _expected(_object(inner), schema, required=name in names)
        for name, inner in properties.items()
    }


def _expected(inner: Schema, root: Schema, *, required: bool) -> Expected:
    resolved, nullable = _resolved(inner, root)
    kind = resolved.get("type")
    choices = _choices(resolved)
    nullable |= kind == "null" or (choices is not None and None in choices)
    description = inner.get("description") or resolved.get("description")
    return Expected(
        type=kind if isinstance(kind, str) else "",
        choices=choices,
        nullable=nullable
        or kind == "null"
        or (choices is not None and None in choices),
        required=required,
        description=description if isinstance(description, str) else "",
        default=inner.get("default"),
        has_default="default" in inner,
    )


def _choices(schema: Schema) -> tuple[Any, ...] | None:
    if "const" in schema:
        return (schema["const"],)
    found = schema.get("enum")
    return tuple(cast("list[Any]", found)) if isinstance(found, list) else None


def _resolved(schema: Schema, root: Schema) -> tuple[Schema, bool]:
    """The schema behind references and `X or null`, and whether null is one of them."""
    nullable = False
    for _ in range(_FOLLOWED):
        alternatives, with_null = _alternatives(schema)
        nullable |= with_null
        if "$ref" in schema:
            schema = _pointed_at(schema["$ref"], root)
        elif len(alternatives) == 1:
            schema = alternatives[0]
        else:
            return _without_null_type(schema, nullable)
    return {}, nullable


def _alternatives(schema: Schema) -> tuple[Sequence[Schema], bool]:
    for word in ("anyOf", "oneOf", "allOf"):
        listed = schema.get(word)
        if isinstance(listed, list):
            found = [_object(each) for each in cast("list[object]", listed)]
            rest = [each for each in found if each.get("type") != "null"]
            return rest, word != "allOf" and len(rest) < len(found)
    return [], False


def _without_null_type(schema: Schema, nullable: bool) -> tuple[Schema, bool]:
    listed = schema.get("type")
    if not isinstance(listed, list):
        return schema, nullable
    kinds = cast("list[object]", listed)
    rest = [kind for kind in kinds if kind != "null"]
    one = rest[0] if len(rest) == 1 else None
    return {**schema, "type": one}, nullable or len(rest) < len(kinds)


def _pointed_at(ref: object, root: Schema) -> Schema:
    """What `#/$defs/Name` points at; {} for what is not there or not here."""
    if not isinstance(ref, str) or not ref.startswith("#/"):
        return {}
    found: Schema = root
    for step in ref[2:].split("/"):
        found = _object(found.get(step.replace("~1", "/").replace("~0", "~")))
    return found


def _object(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
