"""The fields of an edit form: an input for each argument, by its JSON schema."""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from agent.safe_text import is_hidden
from bot.approvals.model import Request
from bot.base.masks import mask_arguments
from bot.slack.cards.blocks import OPTION_TEXT, OPTIONS, fits_input
from bot.texts import forms
from bot.texts.formatting import visible

NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_JSON_IN_ONE_LINE = 60  # characters


class Absent(enum.Enum):
    """The placeholder for an argument that is not there."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT


class FieldKind(enum.Enum):
    """The way in which an argument is put in."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    CHOICE = "choice"
    JSON = "json"
    KEPT = "kept"  # secret, or too long for an input: shown, and kept as it is


@dataclass(frozen=True)
class FormField:
    """One argument.

    Attributes:
        value: as it is now, or ABSENT.
        initial: what stands in the input; for a choice the index of the option.
        options: labels and values of a choice.
    """

    name: str
    kind: FieldKind
    expected: Expected
    value: Any
    initial: str = ""
    options: tuple[tuple[str, Any], ...] = ()
    is_secret: bool = False  # `initial` is masked

    @property
    def may_be_empty(self) -> bool:
        """True if Slack has to take the form with nothing in the input."""
        untouched = self.value is not ABSENT and not self.initial
        return not self.expected.required or self.expected.nullable or untouched


def fields_of(request: Request) -> list[FormField]:
    """The fields of a request: those of the schema, then what it does not name.

    The same request always gives the same fields, so a submitted form is read by them.
    """
    named = expectations(request.call.schema)
    inferred = {
        name: Expected(_type_of(value))
        for name, value in request.call.arguments.items()
        if name not in named
    }
    return [
        _secret(request, name, expected)
        or _field(name, expected, request.call.arguments.get(name, ABSENT))
        for name, expected in {**named, **inferred}.items()
    ]


def fields_from(schema: Schema) -> list[FormField]:
    """The fields of an answer still to be given."""
    named = expectations(schema)
    return [_field(name, expected, ABSENT) for name, expected in named.items()]


def _secret(request: Request, name: str, expected: Expected) -> FormField | None:
    """An argument of which something is masked; nobody may read it in a form."""
    value = request.call.arguments.get(name, ABSENT)
    if value is ABSENT:
        return None
    [masked] = mask_arguments({name: value}, request.call.schema).values()
    if same(masked, value):
        return None
    return FormField(
        name, FieldKind.KEPT, expected, value, json_text(masked), is_secret=True
    )


def same(one: object, other: object) -> bool:
    """Equal as JSON writes them: 1 is neither true nor 1.0."""
    if one is ABSENT or other is ABSENT:
        return one is other
    return _json(one) == _json(other)


def _type_of(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    types = ((str, "string"), (int, "integer"), (float, "number"))
    return next((name for kind, name in types if isinstance(value, kind)), "")


def _field(name: str, expected: Expected, value: Any) -> FormField:
    options = _options(expected)
    chosen = _chosen(options, value)
    if options and (chosen or value is ABSENT):
        return FormField(name, FieldKind.CHOICE, expected, value, chosen, options)
    kind = _kind(expected, value)
    if kind is not FieldKind.JSON:
        initial = "" if value in (ABSENT, None) else str(value)
        return FormField(name, kind, expected, value, initial)
    if value is ABSENT:
        return FormField(name, kind, expected, value)
    text = json_text(value)
    kind = kind if fits_input(text) else FieldKind.KEPT
    return FormField(name, kind, expected, value, text)


def _kind(expected: Expected, value: Any) -> FieldKind:
    """The plainest input that can hold the value as it is, and give it back."""
    empty = value is ABSENT or (value is None and expected.nullable)
    if expected.choices is not None:
        return FieldKind.JSON
    if expected.type == "string" and (empty or _is_plain(value)):
        return FieldKind.TEXT
    if expected.type == "integer" and (empty or _is_number(value, int)):
        return FieldKind.INTEGER
    if expected.type == "number" and (empty or _is_number(value, int, float)):
        return FieldKind.NUMBER
    return FieldKind.JSON


def _is_plain(value: object) -> bool:
    """A text that shows itself, and that an input gives back as it is.

    Others stand in JSON's quotes: with blanks at an end or characters that hide.
    """
    return (
        isinstance(value, str)
        and value == value.strip()
        and value == visible(value)
        and fits_input(value)
    )


def _is_number(value: object, *types: type) -> bool:
    if isinstance(value, bool) or not isinstance(value, types):
        return False
    return NUMBER.fullmatch(str(value)) is not None


def _options(expected: Expected) -> tuple[tuple[str, Any], ...]:
    """The options of a menu, none where a menu cannot tell them apart."""
    values = [True, False] if expected.type == "boolean" else []
    values = list(expected.choices) if expected.choices is not None else values
    if not values:
        return ()
    options = [(_label(value), value) for value in values]
    if expected.nullable and None not in values:
        options.append((forms.NULL, None))
    if not expected.required:
        options.append((forms.LEFT_OUT, ABSENT))
    labels = [label for label, _ in options]
    clear = len(set(labels)) == len(labels) <= OPTIONS
    return tuple(options) if clear and all(map(_fits_option, labels)) else ()


def _label(value: object) -> str:
    if isinstance(value, bool):
        return forms.YES if value else forms.NO
    return visible(value) if isinstance(value, str) else json_text(value)


def _fits_option(label: str) -> bool:
    return 0 < len(label) <= OPTION_TEXT and label == " ".join(label.split())


def _chosen(options: tuple[tuple[str, Any], ...], value: Any) -> str:
    """The index of the option that is the value, "" if none is."""
    for index, (_, each) in enumerate(options):
        if same(each, value):
            return str(index)
    return ""


def json_text(value: object) -> str:
    """A value as JSON that people can read, whatever hides in it as an escape."""
    text = _json(value)
    if len(text) > _JSON_IN_ONE_LINE and not isinstance(value, str):
        indented = json.dumps(value, ensure_ascii=False, indent=2)
        text = indented if fits_input(indented) else text
    return "".join(_shown(character) for character in text)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _shown(character: str) -> str:
    if not is_hidden(character):
        return character
    return json.dumps(character)[1:-1]


_FOLLOWED = 20  # references, so that a schema that names itself comes to an end
Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Expected:
    """The values that an argument may have.

    Attributes:
        type: a JSON type's name, "" if it is not exactly one.
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
    """Return what `#/$defs/Name` points at; {} if it is not there or not here."""
    if not isinstance(ref, str) or not ref.startswith("#/"):
        return {}
    found: Schema = root
    for step in ref[2:].split("/"):
        found = _object(found.get(step.replace("~1", "/").replace("~0", "~")))
    return found


def _object(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
