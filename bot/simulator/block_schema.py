"""The JSON schemas of blocks and views, and Slack's words for what does not fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias, cast

import yaml
from jsonschema import Draft4Validator, Draft202012Validator, validators
from jsonschema.exceptions import ValidationError

from bot.simulator.shapes import Json, as_list, as_object, objects

Misfit: TypeAlias = tuple[str, str, str]  # code, message, JSON pointer
_Errors: TypeAlias = Iterator[ValidationError]


@cache
def _schemas() -> Json:
    """Read the schemas, when the first blocks come."""
    path = Path(__file__).with_name("block_schema.yml")
    # both are safe loaders; libyaml's, where it is there, takes a tenth of the time
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(path.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506


def misfits(name: str, value: object) -> list[Misfit]:
    """Return what in a view, or in the blocks of a surface, does not fit its schema."""
    return [_said(error) for error in _errors(_schemas()[name], value)]


_OWN = "{error.message}"
_RANGE = "must be between {error.schema[minimum]} and {error.schema[maximum]}"
_WORDS = {
    "anyOf": ("missing_field", "missing required field: {0}"),
    "enum": ("invalid_value", "must be one of: {0}"),
    "keys": ("unknown_field", _OWN),
    "kinds": ("invalid_type", _OWN),
    "maxItems": ("too_many", "no more than {0} items allowed"),
    "maxLength": ("too_long", "must be less than {0} characters"),
    "maximum": ("out_of_range", _RANGE),
    "minItems": ("too_few", "no fewer than {0} items allowed"),
    "minLength": ("too_short", "must be more than 0 characters"),
    "minimum": ("out_of_range", _RANGE),
    "not": ("conflicting_fields", "cannot provide both {0}"),
    "offered": ("invalid_value", _OWN),
    "ordered": ("out_of_range", _OWN),
    "pattern": ("invalid_value", "must look like {error.schema[examples][0]}"),
    "required": ("missing_field", _OWN),
    "type": ("invalid_type", "must provide {0}"),
}
_LIMITS: dict[str, Callable[[Any], object]] = {
    "anyOf": lambda each: " or ".join(one["required"][0] for one in each),
    "enum": ", ".join,
    "maxLength": lambda most: most + 1,
    "not": lambda both: " and ".join(both["required"]),
    "type": lambda kind: f"an {kind}" if kind[0] in "aio" else f"a {kind}",
}


def _said(error: ValidationError) -> Misfit:
    keyword = str(error.validator)
    code, words = _WORDS[keyword]
    limit = _LIMITS.get(keyword, str)(error.validator_value)
    pointer = "".join(f"/{step}" for step in error.absolute_path)
    return code, words.format(limit, error=error), pointer


def _kinds(_: Any, kinds: Json, value: object, __: Json) -> _Errors:
    """Demand an object of one of the types, as the schema of that type says."""
    kind = (as_object(value) or {}).get("type")
    if isinstance(kind, str) and kind in kinds:
        yield from _errors(kinds[kind], value)
    else:
        yield ValidationError(f"unsupported type: {kind}")


def _keys(validator: Any, schemas: Json, value: object, schema: Json) -> _Errors:
    """Demand an object with these keys at most, the values as their schemas say."""
    found = as_object(value)
    if found is None:
        yield from _errors(_OBJECT, value)
        return
    for name in [each for each in found if each not in schemas]:
        yield ValidationError(f"invalid additional property: {name}", path=[name])
    yield from _properties(validator, schemas, found, schema)


def _offered(_: Any, __: bool, value: Json, ___: Json) -> _Errors:
    """Refuse an initial option that is not exactly one of the options."""
    groups = [value, *objects(value.get("option_groups"))]
    offered = [option for group in groups for option in objects(group.get("options"))]
    one, many = value.get("initial_option"), objects(value.get("initial_options"))
    paths = [("initial_option",), *(("initial_options", n) for n in range(len(many)))]
    for path, option in zip(paths, [one, *many], strict=True):
        if option is not None and option not in offered:
            yield ValidationError("must be exactly one of the options", path=path)


def _ordered(_: Any, bounds: list[str], value: Json, __: Json) -> _Errors:
    """Refuse a lower bound that is over the upper one; both may be strings."""
    try:
        low, high = (float(value[bound]) for bound in bounds)
    except (KeyError, OverflowError, TypeError, ValueError):
        return
    if low > high:
        message = f"must not be more than {bounds[1]}"
        yield ValidationError(message, path=bounds[:1])


def _required(_: Any, names: list[str], value: object, __: Json) -> _Errors:
    """Demand keys, as the library does, which does not tell them apart."""
    found = as_object(value)
    for name in names:
        if found is not None and name not in found:
            yield ValidationError(f"missing required field: {name}")


# The library's own make a validator anew for each value, and are twice as slow.


def _properties(_: Any, schemas: Json, value: object, __: Json) -> _Errors:
    for name, inner in (as_object(value) or {}).items():
        if name in schemas:
            yield from _inside(name, schemas[name], inner)


def _items(_: Any, rest: Json, value: object, schema: Json) -> _Errors:
    first = len(schema.get("prefixItems", []))
    for index, inner in enumerate((as_list(value) or [])[first:], first):
        yield from _inside(index, rest, inner)


_Validator: Any = cast("Any", validators).extend(
    Draft202012Validator,
    {
        "items": _items,
        "keys": _keys,
        "kinds": _kinds,
        "offered": _offered,
        "ordered": _ordered,
        "properties": _properties,
        "required": _required,
    },
    type_checker=Draft4Validator.TYPE_CHECKER,  # to which 1.0 is no integer
)
_OBJECT: Json = {"type": "object"}
_made: dict[int, Any] = {}


def _errors(schema: Any, value: object) -> _Errors:
    """Return what does not fit, found by a validator made once for each schema."""
    made = _made.get(id(schema)) or _made.setdefault(id(schema), _Validator(schema))
    return made.iter_errors(value)


def _inside(step: str | int, schema: Any, value: object) -> _Errors:
    for error in _errors(schema, value):
        error.path.appendleft(step)
        yield error
