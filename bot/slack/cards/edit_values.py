"""Read a submitted edit form: the new arguments, or what is wrong at which input."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, NoReturn

from bot.approvals.digest import NotCanonical, storable
from bot.approvals.model import Request
from bot.slack.cards.fields import ABSENT, NUMBER, Field, Kind, fields_of
from bot.slack.cards.inputs import Values, entered

_DIGITS = 1_000  # of a number; Python itself reads no integer with more than 4,300


@dataclass(frozen=True)
class Edited:
    """The whole new arguments; `errors` are sentences by the inputs' `block_id`."""

    arguments: dict[str, Any] = field(default_factory=dict[str, Any])
    errors: dict[str, str] = field(default_factory=dict[str, str])


class Unreadable(ValueError):
    """What was put in is no value of its kind; the text is a sentence."""


def block_id(index: int) -> str:
    """The `block_id` of a field's input, by its place in `fields_of`."""
    return f"argument-{index}"


def edited(request: Request, values: Values) -> Edited:
    """Read the form that `edit_form` made of the same request.

    What was not touched keeps its exact value, and an optional argument whose input is
    empty is absent.
    """
    found = Edited()
    for index, each in enumerate(fields_of(request)):
        text = entered(values, block_id(index))
        try:
            value = _read(each, text)
        except Unreadable as error:
            found.errors[block_id(index)] = str(error)
            continue
        if value is not ABSENT:
            found.arguments[each.name] = value
    return found


def input_of(request: Request, values: Values, complaint: str) -> str:
    """The `block_id` of the input that a complaint is about, else of the first.

    A complaint begins with the argument's name and a dot or a colon, or quotes it.
    """
    shown = [
        (block_id(index), each.name)
        for index, each in enumerate(fields_of(request))
        if block_id(index) in values
    ]
    for block, name in shown:
        if complaint.startswith((f"{name}.", f"{name}:")) or repr(name) in complaint:
            return block
    return shown[0][0] if shown else ""


def _read(each: Field, text: str | None) -> Any:
    if text is None or _is_untouched(each, text):
        return each.value
    if not text.strip():
        return _emptied(each)
    match each.kind:
        case Kind.CHOICE:
            return _option(each, text)
        case Kind.INTEGER | Kind.NUMBER:
            return _number(each, text.strip())
        case Kind.JSON:
            return _json(text)
        case _:
            return text


def _is_untouched(each: Field, text: str) -> bool:
    # Slack may send line breaks in its own way, and cut off blanks at the ends.
    return each.kind is Kind.KEPT or _plainly(text) == _plainly(each.initial)


def _plainly(text: str) -> str:
    return text.replace("\r\n", "\n").strip()


def _emptied(each: Field) -> Any:
    if not each.expected.required:
        return ABSENT
    if each.expected.nullable:
        return None
    raise Unreadable("This argument is required. Please fill it in.")


def _option(each: Field, text: str) -> Any:
    if text.isdecimal() and int(text) < len(each.options):
        return each.options[int(text)][1]
    raise Unreadable("Please choose one of the options.")


def _number(each: Field, text: str) -> int | float:
    if NUMBER.fullmatch(text) is None:
        raise Unreadable("Please enter a number, such as 12 or 12.5.")
    if len(text) > _DIGITS:
        raise Unreadable("Please enter a number that is not as long.")
    if "." not in text:
        return _checked(int(text))
    if each.kind is Kind.INTEGER:
        raise Unreadable("Please enter a whole number, such as 12.")
    return _checked(float(text))


def _json(text: str) -> Any:
    try:
        value = json.loads(
            text, object_pairs_hook=_once_each, parse_constant=_no_constant
        )
    except Unreadable:
        raise
    except (ValueError, RecursionError) as error:
        raise Unreadable(
            "This is not valid JSON. A text stands in double quotes, a list in square "
            "brackets, names with their values in curly ones."
        ) from error
    return _checked(value)


def _checked(value: Any) -> Any:
    """Refuse what nobody can store and read again as it is."""
    try:
        storable(value)
    except NotCanonical as error:
        raise Unreadable(
            "This holds a number that is too large, or half a character."
        ) from error
    if _holds_nul(value):
        raise Unreadable("This holds a NUL character, which cannot be stored.")
    return value


def _holds_nul(value: object) -> bool:
    # JSON writes NUL with one backslash before the u, a literal one with two
    return "\\u0000" in json.dumps(value).replace("\\\\", "")


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Unreadable("The same name stands twice in one pair of curly brackets.")
    return found


def _no_constant(name: str) -> NoReturn:
    raise Unreadable(f"{name} is no JSON number.")
