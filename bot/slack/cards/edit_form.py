"""Forms whose inputs a schema names: to change a call, to answer a tool's server."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NoReturn, cast

from bot.approvals.digest import NotCanonical, storable
from bot.approvals.json_schemas import is_schema
from bot.approvals.model import Confirm, Request
from bot.approvals.policy.titles import in_order
from bot.base.masks import mask
from bot.slack.cards.arguments import (
    FULL_VIEW_CHARACTERS,
    TOOL_NAME,
    tool_block,
    typed_block,
)
from bot.slack.cards.blocks import (
    Block,
    CardRef,
    Values,
    actions,
    button,
    entered,
    input_block,
    modal,
    number_input,
    preformatted,
    rich_text,
    section,
    select,
    text_input,
    text_length,
    whole,
    with_block_ids,
    words,
)
from bot.slack.cards.facts import facts_block
from bot.slack.cards.fields import (
    ABSENT,
    NUMBER,
    FieldKind,
    FormField,
    fields_from,
    fields_of,
    json_text,
)
from bot.slack.cards.view import ANSWER_SERVER, DECLINE_SERVER
from bot.texts import clicks, forms
from bot.texts.formatting import one_line, shown, visible

EDIT_FORM = "edit"  # the view's `callback_id`
_MOST_FIELDS = 40
_MOST_BLOCKS = 90  # Slack's limit for a view is 100
_LARGEST = 200_000  # bytes of the view's JSON; Slack's limit is 250 kB
_LABEL = 150
_HINT = 300
_LONG_TEXT = 100  # characters from which on a text has several lines


def edit_form(request: Request, card: CardRef) -> Block:
    """The form, or a view without a submit button that says why there is none."""
    fields = fields_of(request)
    if all(each.kind is FieldKind.KEPT for each in fields):
        reason = forms.TOO_MUCH_TO_EDIT if fields else forms.NOTHING_TO_EDIT
        return _explained(request, card, reason)
    form = _form(request, card, fields)
    fits = fits_a_view(form, fields) and len(shown(request.call.tool)) <= TOOL_NAME
    return form if fits else _explained(request, card, forms.TOO_MUCH_TO_EDIT)


def _form(request: Request, card: CardRef, fields: Sequence[FormField]) -> Block:
    head = [rich_text([words(forms.WHAT_FOLLOWS)]), tool_block(request)]
    kept = [
        block for each in fields if each.kind is FieldKind.KEPT for block in _kept(each)
    ]
    blocks = with_block_ids([*head, *kept], request.id, 0)
    blocks += [
        field_input(each, block_id(index))
        for index, each in _as_on_the_card(request, fields)
        if each.kind is not FieldKind.KEPT
    ]
    if request.terms.confirm is Confirm.TYPED:
        blocks.append(typed_block(request))
    return modal(EDIT_FORM, forms.EDIT_TITLE, card, blocks, forms.SAVE)


def _as_on_the_card(
    request: Request, fields: Sequence[FormField]
) -> list[tuple[int, FormField]]:
    """Fields in the order of the card; each keeps the number by which it is read."""
    names = in_order({each.name: each for each in fields}, request.call.schema)
    return sorted(enumerate(fields), key=lambda pair: names.index(pair[1].name))


def fits_a_view(form: Block, fields: Sequence[FormField]) -> bool:
    """Return whether Slack takes it, and all that stays is seen."""
    return (
        len(fields) <= _MOST_FIELDS
        and len(form["blocks"]) <= _MOST_BLOCKS
        and len(json.dumps(form)) <= _LARGEST
        and text_length(form["blocks"]) <= FULL_VIEW_CHARACTERS
    )


def _explained(request: Request, card: CardRef, why: str) -> Block:
    parts = [facts_block(request), tool_block(request), rich_text([words(why)])]
    blocks = with_block_ids(parts, request.id, 0)
    return modal(EDIT_FORM, forms.EDIT_TITLE, card, blocks)


def _kept(each: FormField) -> list[Block]:
    label = forms.kept(_name(each), is_secret=each.is_secret)
    return [rich_text([words(label, bold=True)]), *whole(visible(each.initial))]


def field_input(each: FormField, block: str) -> Block:
    """The input of one field."""
    label = _name(each)
    if each.kind is FieldKind.JSON:
        label = forms.as_json(label)
    return input_block(
        block,
        label,
        _element(each),
        hint=_hint(each),
        optional=each.may_be_empty,
    )


def _element(each: FormField) -> Block:
    match each.kind:
        case FieldKind.CHOICE:
            labels = [label for label, _ in each.options]
            return select(labels, int(each.initial) if each.initial else None)
        case FieldKind.INTEGER | FieldKind.NUMBER:
            return number_input(each.initial, decimal=each.kind is FieldKind.NUMBER)
        case _:
            long = len(each.initial) > _LONG_TEXT or "\n" in each.initial
            return text_input(
                each.initial, multiline=long or each.kind is FieldKind.JSON
            )


def _name(each: FormField) -> str:
    return one_line(each.name, _LABEL) or '""'


def _hint(each: FormField) -> str:
    expected = each.expected
    parts = [one_line(expected.description, _HINT)]
    if expected.has_default and not expected.required:
        parts.append(forms.default_value(one_line(json_text(expected.default), 60)))
    return " ".join(part for part in parts if part)


_DIGITS = 1_000  # of a number; Python itself reads no integer with more than 4,300


@dataclass(frozen=True)
class Edited:
    """The whole new arguments; `errors` are sentences by the inputs' `block_id`."""

    arguments: dict[str, Any] = field(default_factory=dict[str, Any])
    errors: dict[str, str] = field(default_factory=dict[str, str])


class Unreadable(ValueError):
    """An input that is no value of its kind; the text is a sentence."""


def block_id(index: int) -> str:
    """The `block_id` of a field's input, by its place in `fields_of`."""
    return f"argument-{index}"


def edited(request: Request, values: Values) -> Edited:
    """Read the form that `edit_form` made of the same request.

    What was not touched keeps its exact value, and an optional argument whose input is
    empty is absent.
    """
    return read(fields_of(request), values)


def read(fields: Sequence[FormField], values: Values) -> Edited:
    """Read the inputs of these fields."""
    found = Edited()
    for index, each in enumerate(fields):
        text = entered(values, block_id(index))
        try:
            value = _read(each, text)
        except Unreadable as error:
            found.errors[block_id(index)] = str(error)
            continue
        if value is not ABSENT:
            found.arguments[each.name] = value
    return found


def input_of(fields: Sequence[FormField], values: Values, complaint: str) -> str:
    """The `block_id` of the input that a complaint is about, else of the first.

    A complaint begins with the field's name and a dot or a colon, or quotes it.
    """
    shown = [
        (block_id(index), each.name)
        for index, each in enumerate(fields)
        if block_id(index) in values
    ]
    for block, name in shown:
        if complaint.startswith((f"{name}.", f"{name}:")) or repr(name) in complaint:
            return block
    return shown[0][0] if shown else ""


def _read(each: FormField, text: str | None) -> Any:
    if text is None or _is_untouched(each, text):
        return each.value
    if not text.strip():
        return _emptied(each)
    match each.kind:
        case FieldKind.CHOICE:
            return _option(each, text)
        case FieldKind.INTEGER | FieldKind.NUMBER:
            return _number(each, text.strip())
        case FieldKind.JSON:
            return _json(text)
        case _:
            return text


def _is_untouched(each: FormField, text: str) -> bool:
    # Slack may send line breaks in its own way, and cut off blanks at the ends.
    return each.kind is FieldKind.KEPT or _plainly(text) == _plainly(each.initial)


def _plainly(text: str) -> str:
    return text.replace("\r\n", "\n").strip()


def _emptied(each: FormField) -> Any:
    if not each.expected.required:
        return ABSENT
    if each.expected.nullable:
        return None
    raise Unreadable(forms.REQUIRED)


def _option(each: FormField, text: str) -> Any:
    if text.isdecimal() and int(text) < len(each.options):
        return each.options[int(text)][1]
    raise Unreadable(forms.CHOOSE)


def _number(each: FormField, text: str) -> int | float:
    if NUMBER.fullmatch(text) is None:
        raise Unreadable(forms.ENTER_NUMBER)
    if len(text) > _DIGITS:
        raise Unreadable(forms.ENTER_SHORTER_NUMBER)
    if "." not in text:
        return _checked(int(text))
    if each.kind is FieldKind.INTEGER:
        raise Unreadable(forms.ENTER_WHOLE_NUMBER)
    return _checked(float(text))


def _json(text: str) -> Any:
    try:
        value = json.loads(
            text, object_pairs_hook=_once_each, parse_constant=_no_constant
        )
    except Unreadable:
        raise
    except (ValueError, RecursionError) as error:
        raise Unreadable(forms.NO_JSON) from error
    return _checked(value)


def _checked(value: Any) -> Any:
    """Refuse what nobody can store and read again as it is."""
    try:
        storable(value)
    except NotCanonical as error:
        raise Unreadable(forms.NOT_STORABLE) from error
    if _holds_nul(value):
        raise Unreadable(forms.HOLDS_NUL)
    return value


def _holds_nul(value: object) -> bool:
    # JSON writes NUL with one backslash before the u, a literal one with two
    return "\\u0000" in json.dumps(value).replace("\\\\", "")


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Unreadable(forms.NAME_TWICE)
    return found


def _no_constant(name: str) -> NoReturn:
    raise Unreadable(forms.no_number(name))


# --- A question of a tool's server in the middle of a call: its message and its form --

SERVER_FORM = "answer_server"  # the view's `callback_id`
_MOST_ASKED = 20
_LARGEST_SCHEMA = 20_000  # characters of a schema as JSON
_DRAWN = {FieldKind.TEXT, FieldKind.INTEGER, FieldKind.NUMBER, FieldKind.CHOICE}
Question = Mapping[str, Any]  # as it is stored


def can_show(schema: Mapping[str, Any]) -> bool:
    """Return whether a form asks for all that this schema wants, in plain inputs."""
    if len(json.dumps(schema)) > _LARGEST_SCHEMA or not is_schema(dict(schema)):
        return False
    properties: Any = schema.get("properties")
    if not isinstance(properties, dict):
        return False
    values = list(cast("dict[str, Any]", properties).values())
    # `oneOf` is a menu with titles, which our menus do not have
    if not all(isinstance(each, dict) and "oneOf" not in each for each in values):
        return False
    fields = fields_from(schema)
    known = all(each.kind in _DRAWN for each in fields)
    return known and 0 < len(fields) <= _MOST_ASKED


def question_blocks(delivery: str, question: Question) -> list[Block]:
    """The message: the server's words as data, and buttons while it waits."""
    asked = section([clicks.server_asks(question["server"])])
    said = rich_text(preformatted(mask(visible(question["message"]))))
    user = question["user_id"]
    if not question["stands"]:
        return [asked, said, section([clicks.question_ended(question["status"], user)])]
    until = datetime.fromisoformat(question["due_at"])
    aloud, other = forms.ALOUD_ANSWER_SERVER, forms.ALOUD_DECLINE_SERVER
    buttons = [
        button(forms.ANSWER, ANSWER_SERVER, delivery, aloud),
        button(forms.DECLINE, DECLINE_SERVER, delivery, other),
    ]
    return [
        asked,
        said,
        section([clicks.who_answers(user, until)]),
        actions(buttons),
    ]


def server_form(question: Question, card: CardRef) -> Block:
    """The form: an input for each value that the server wants."""
    shown = [
        rich_text([words(clicks.who_gets_it(visible(question["server"])))]),
        rich_text(preformatted(mask(visible(question["message"])))),
    ]
    inputs = [
        field_input(each, block_id(index))
        for index, each in enumerate(fields_from(question["schema"]))
    ]
    blocks = [*with_block_ids(shown, str(question["delivery_id"]), 0), *inputs]
    title, submit = forms.ANSWER_TITLE, forms.SEND_ANSWER
    return modal(SERVER_FORM, title, card, blocks, submit)


def server_answer(question: Question, values: Values) -> Edited:
    """Read a submitted form; what is wrong stands at its inputs."""
    return read(fields_from(question["schema"]), values)
