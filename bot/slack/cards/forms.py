"""The small modals: a reason, a typed confirmation, an answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from bot.approvals.model import Confirm, Kind, Request
from bot.slack.cards.arguments import (
    asked_text,
    effect_lines,
    typed_block,
)
from bot.slack.cards.blocks import (
    Block,
    labelled,
    rich_text,
    section,
    with_block_ids,
    words,
)
from bot.slack.cards.edit_form import Edited, block_id, edited, field_input, fits_a_view
from bot.slack.cards.facts import reopened
from bot.slack.cards.fields import Kind as FieldKind
from bot.slack.cards.fields import fields_of
from bot.slack.cards.modal import (
    CardRef,
    Values,
    facts_block,
    input_block,
    modal,
    text_input,
)
from bot.texts import forms as sentences
from bot.texts.call import BY_THE_GRAPH
from bot.texts.formatting import cut

# The `callback_id`s of the views; those of an edit and an answer stand with theirs.
REJECT_REASON = "reject_reason"
LATE_REASON = "add_reason"
APPROVE_TYPED_FORM = "approve_typed"
_REASON_LIMIT = 1_000  # characters
_EFFECT = 2_500


def reason_form(request: Request, card: CardRef) -> Block:
    """Asks why it is rejected; where the policy has it asked, it may stay empty."""
    field = input_block(
        REASON,
        sentences.REASON_LABEL,
        text_input(multiline=True, most=_REASON_LIMIT),
        hint=sentences.REASON_HINT,
        optional=request.terms.asks_reason,
    )
    title, submit = sentences.REASON_TITLE, sentences.REJECT
    return _form(REJECT_REASON, title, submit, request, card, field)


def late_reason_form(request: Request, card: CardRef) -> Block:
    """Asks why it was rejected, once it has been."""
    entry = text_input(multiline=True, most=_REASON_LIMIT)
    hint = sentences.LATE_REASON_HINT
    field = input_block(REASON, sentences.REASON_LABEL, entry, hint=hint)
    title, submit = sentences.LATE_REASON_TITLE, sentences.ADD
    return _form(LATE_REASON, title, submit, request, card, field)


def typed_form(request: Request, card: CardRef) -> Block:
    """Names the effect and asks for a value of it; only for Confirm.TYPED."""
    field = typed_block(request)
    title, submit = sentences.TYPED_TITLE, sentences.APPROVE
    return _form(APPROVE_TYPED_FORM, title, submit, request, card, field)


def _form(
    callback_id: str,
    title: str,
    submit: str,
    request: Request,
    card: CardRef,
    field: Block,
) -> Block:
    effect = "\n".join(effect_lines(request, _EFFECT))
    shown = [
        facts_block(request),
        rich_text(labelled(sentences.THE_CALL, effect)),
    ]
    blocks = [*with_block_ids(shown, request.id, 0), field]
    return modal(callback_id, title, card, blocks, submit)


ANSWER_FORM = "answer"  # the view's `callback_id`
REASON = "reason"  # the `block_id` of the input for a reason, or an answer
SINGLE = "answer"  # what an answer that is no object is called in its form


def answer_form(request: Request, card: CardRef) -> Block:
    """Asks for an answer: what the agent reads in a tool's place, or a graph gets."""
    if request.call.form is not None:
        return _from_schema(request, card)
    about_tool = request.call.kind is Kind.TOOL
    title = sentences.ANSWER_INSTEAD if about_tool else sentences.ANSWER_TITLE
    hint = sentences.ANSWER_TO_AGENT if about_tool else sentences.ANSWER_TO_GRAPH
    field = input_block(
        REASON, sentences.YOUR_ANSWER, text_input(multiline=True), hint=hint
    )
    blocks = [*_shown(request), field, *_typed(request)]
    return modal(ANSWER_FORM, title, card, blocks, sentences.SEND_ANSWER)


def _from_schema(request: Request, card: CardRef) -> Block:
    fields = fields_of(as_arguments(request))
    inputs = [
        field_input(each, block_id(index))
        for index, each in enumerate(fields)
        if each.kind is not FieldKind.KEPT
    ]
    title = sentences.ANSWER_TITLE
    blocks = [*_shown(request), *inputs, *_typed(request)]
    form = modal(ANSWER_FORM, title, card, blocks, sentences.SEND_ANSWER)
    if inputs and len(inputs) == len(fields) and fits_a_view(form, fields):
        return form
    too_much = rich_text([words(sentences.ASKS_TOO_MUCH)])
    why = with_block_ids([too_much], f"{request.id}-why", 0)
    return modal(ANSWER_FORM, title, card, [*_shown(request), *why])


def as_arguments(request: Request) -> Request:
    """A question's form as if it were a call, whose arguments are the answer.

    The same request always gives the same, so that a submitted form is read by it.
    """
    call = request.call
    form, before = call.form or {}, call.answer_json or call.refused_answer
    value: Any = json.loads(before) if before else None
    if is_object(form):
        schema = form
        given = cast("dict[str, Any]", value if isinstance(value, dict) else {})
    else:
        schema = {
            "properties": {SINGLE: form},
            "required": [SINGLE],
            "$defs": form.get("$defs", {}),
        }
        given = {SINGLE: value} if before else {}
    call = replace(call, schema=schema, arguments=given, raised_arguments=None)
    return replace(request, call=call)


def is_object(form: Mapping[str, Any]) -> bool:
    """Return whether a form asks for named values rather than a single one."""
    return isinstance(form.get("properties"), dict)


def answer_entered(request: Request, values: Values) -> tuple[Any, Edited]:
    """Read a submitted form: the answer in its own type, and what is wrong where."""
    found = edited(as_arguments(request), values)
    if is_object(request.call.form or {}):
        return found.arguments, found
    return found.arguments.get(SINGLE), found


def _shown(request: Request) -> list[Block]:
    if request.call.kind is Kind.TOOL:
        label, text = sentences.THE_CALL, "\n".join(effect_lines(request, _EFFECT))
    else:
        label, text = BY_THE_GRAPH, cut(asked_text(request), _EFFECT)
    asked = rich_text(labelled(label, text))
    again = [section([line]) for line in reopened(request)]
    return with_block_ids([*again, facts_block(request), asked], request.id, 0)


def _typed(request: Request) -> list[Block]:
    is_approval = (
        request.call.kind is Kind.INTERRUPT and request.terms.confirm is Confirm.TYPED
    )
    return [typed_block(request)] if is_approval else []
