"""The modal that changes a call's arguments, an input for each."""

from __future__ import annotations

import json
from collections.abc import Sequence

from bot.approvals.model import Confirm, Request
from bot.slack.cards.arguments import FULL_VIEW_CHARACTERS
from bot.slack.cards.blocks import (
    Block,
    rich_text,
    text_length,
    with_block_ids,
    words,
)
from bot.slack.cards.confirming import typed_block
from bot.slack.cards.edit_values import block_id
from bot.slack.cards.fields import Field, Kind, fields_of, json_text
from bot.slack.cards.full_view import whole
from bot.slack.cards.inputs import input_block, number_input, select, text_input
from bot.slack.cards.modal import TOOL, CardRef, facts_block, modal, tool_block
from bot.slack.text import one_line, shown, visible

EDIT_FORM = "edit"  # the view's `callback_id`
_MOST_FIELDS = 40
_MOST_BLOCKS = 90  # Slack's limit for a view is 100
_LARGEST = 200_000  # bytes of the view's JSON; Slack's limit is 250 kB
_LABEL = 150
_HINT = 300
_LONG_TEXT = 100  # characters from which on a text has several lines

_WHAT_FOLLOWS = (
    "To save an edit is to approve the call with the new values, unless the policy "
    "wants those confirmed on the card. Approvals of the old values no longer count."
)
_TOO_MUCH = (
    "The arguments are more than one form holds, so they cannot be edited here. Reject "
    "the request with a reason that says what to change."
)
_NOTHING = "This call has no argument that can be edited here."


def edit_form(request: Request, card: CardRef) -> Block:
    """The form, or a view without a submit button that says why there is none."""
    fields = fields_of(request)
    if all(each.kind is Kind.KEPT for each in fields):
        reason = _TOO_MUCH if fields else _NOTHING
        return _explained(request, card, reason)
    form = _form(request, card, fields)
    fits = fits_a_view(form, fields) and len(shown(request.tool)) <= TOOL
    return form if fits else _explained(request, card, _TOO_MUCH)


def _form(request: Request, card: CardRef, fields: Sequence[Field]) -> Block:
    head = [rich_text([words(_WHAT_FOLLOWS)]), tool_block(request)]
    kept = [block for each in fields if each.kind is Kind.KEPT for block in _kept(each)]
    blocks = with_block_ids([*head, *kept], request.id, 0)
    blocks += [
        field_input(each, block_id(index))
        for index, each in enumerate(fields)
        if each.kind is not Kind.KEPT
    ]
    if request.confirm is Confirm.TYPED:
        blocks.append(typed_block(request))
    return modal(EDIT_FORM, "Edit the arguments", card, blocks, "Save and approve")


def fits_a_view(form: Block, fields: Sequence[Field]) -> bool:
    """Whether Slack takes it, and everything that stays is seen."""
    return (
        len(fields) <= _MOST_FIELDS
        and len(form["blocks"]) <= _MOST_BLOCKS
        and len(json.dumps(form)) <= _LARGEST
        and text_length(form["blocks"]) <= FULL_VIEW_CHARACTERS
    )


def _explained(request: Request, card: CardRef, why: str) -> Block:
    parts = [facts_block(request), tool_block(request), rich_text([words(why)])]
    blocks = with_block_ids(parts, request.id, 0)
    return modal(EDIT_FORM, "Edit the arguments", card, blocks)


def _kept(each: Field) -> list[Block]:
    why = "holds a secret" if each.is_secret else "is too long for an input"
    label = f"{_name(each)} {why}; it stays as it is:"
    return [rich_text([words(label, bold=True)]), *whole(visible(each.initial))]


def field_input(each: Field, block: str) -> Block:
    """The input of one field."""
    label = _name(each)
    if each.kind is Kind.JSON:
        label = f"{label} (JSON)"
    return input_block(
        block,
        label,
        _element(each),
        hint=_hint(each),
        optional=each.may_be_empty,
    )


def _element(each: Field) -> Block:
    match each.kind:
        case Kind.CHOICE:
            labels = [label for label, _ in each.options]
            return select(labels, int(each.initial) if each.initial else None)
        case Kind.INTEGER | Kind.NUMBER:
            return number_input(each.initial, decimal=each.kind is Kind.NUMBER)
        case _:
            long = len(each.initial) > _LONG_TEXT or "\n" in each.initial
            return text_input(each.initial, multiline=long or each.kind is Kind.JSON)


def _name(each: Field) -> str:
    return one_line(each.name, _LABEL) or '""'


def _hint(each: Field) -> str:
    expected = each.expected
    parts = [one_line(expected.description, _HINT)]
    if expected.has_default and not expected.required:
        parts.append(f"If left out: {one_line(json_text(expected.default), 60)}")
    return " ".join(part for part in parts if part)
