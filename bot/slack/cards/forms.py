"""The small modals: a reason, a typed value, an answer, calls allowed ahead."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar, cast

from bot.approvals.model import Confirm, Kind, Request
from bot.approvals.policy.model import StandingOffer
from bot.approvals.standing_grants import EQUAL, UNDER, Binding, Wish, prefixes_of
from bot.slack.cards.arguments import (
    asked_text,
    effect_lines,
    typed_block,
)
from bot.slack.cards.blocks import (
    OPTION_TEXT,
    Block,
    CardRef,
    Values,
    entered,
    input_block,
    labelled,
    modal,
    preformatted,
    rich_text,
    section,
    select,
    text_input,
    with_block_ids,
    words,
)
from bot.slack.cards.edit_form import Edited, block_id, edited, field_input, fits_a_view
from bot.slack.cards.facts import facts_block, reopened
from bot.slack.cards.fields import FieldKind, fields_of
from bot.slack.homoglyphs import deceives
from bot.texts import forms as sentences
from bot.texts.call import BY_THE_GRAPH
from bot.texts.cards import tool_name
from bot.texts.formatting import cut, lasting, mention, shown

# The `callback_id`s of the views; those of an edit and an answer stand with theirs.
REJECT_REASON = "reject_reason"
LATE_REASON = "add_reason"
APPROVE_TYPED_FORM = "approve_typed"
_REASON_LIMIT = 1_000  # characters
_EFFECT = 2_500  # characters


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
        rich_text(labelled(sentences.THE_REQUEST, effect)),
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
        label, text = sentences.THE_REQUEST, "\n".join(effect_lines(request, _EFFECT))
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


# --- Approve for…: calls like this one are allowed ahead ------------------------------
APPROVE_STANDING = "approve_standing"  # the view's `callback_id`
PLACE = "place"  # the `block_id` of that input
_PATHS = 20  # arguments that are paths; the others stay as they are
_SPANS = [dt.timedelta(minutes=m) for m in (15, 60, 240, 480, 1440, 4320, 10080)]
_USES = [1, 3, 5, 10, 20, 50, 100]
T = TypeVar("T")


def standing_form(request: Request, card: CardRef, offer: StandingOffer) -> Block:
    """Build the form; each of its menus begins with the least."""
    named = tool_name(request.call.tool) or shown(request.call.tool)
    who = mention(request.people.requester.user)
    whole = effect_lines(request, _EFFECT)  # its headline stands above already
    effect = "\n".join(whole[1:] or whole)
    asked = rich_text([words(sentences.JUST_LIKE_IT, bold=True), *preformatted(effect)])
    head = [facts_block(request), section([sentences.allows(named, who)]), asked]
    spans = [lasting(int(s.total_seconds())) for s in spans_of(offer)]
    uses = [sentences.times(number) for number in uses_of(offer)]
    places = [sentences.HERE_ALONE, sentences.EVERYWHERE]
    blocks = [
        *with_block_ids(head, f"{request.id}-ahead", 0),
        *_paths(request),
        input_block(_span(offer), sentences.FOR_HOW_LONG, select(spans, 0)),
        input_block(_uses(offer), sentences.HOW_OFTEN, select(uses, 0)),
        input_block(PLACE, sentences.WHERE, select(places, 0)),
    ]
    title, submit = sentences.AHEAD_TITLE, sentences.ALLOW
    return modal(APPROVE_STANDING, title, card, blocks, submit)


def _span(offer: StandingOffer) -> str:
    """Name the input by what its options are made from.

    An option is sent back as its number, which means another one where the policy has
    come to offer something else since the form was opened: then there is no such input.
    """
    return f"span-{int(offer.max.total_seconds())}"


def _uses(offer: StandingOffer) -> str:
    return f"uses-{offer.uses}"


def spans_of(offer: StandingOffer) -> list[dt.timedelta]:
    """Return the spans that are offered, the shortest first."""
    return [*(each for each in _SPANS if each < offer.max), offer.max]


def uses_of(offer: StandingOffer) -> list[int]:
    """Return the numbers of uses that are offered, the fewest first."""
    return [*(each for each in _USES if each < offer.uses), offer.uses]


def _paths(request: Request) -> list[Block]:
    """A menu for each argument that is a path: as it is, or anything in a folder."""
    return [
        input_block(
            _block(index),
            cut(sentences.argument_may_be(shown(name)), OPTION_TEXT),
            select(_choices(str(request.call.arguments[name]), folders), 0),
        )
        for index, (name, folders) in enumerate(_free(request))
    ]


def _choices(value: str, folders: Sequence[str]) -> list[str]:
    named = [sentences.exactly(value), *map(sentences.anything_in, folders)]
    return [cut(each, OPTION_TEXT) for each in named]


def _free(request: Request) -> list[tuple[str, list[str]]]:
    """Arguments that lie in folders which can be shown word for word, by name."""
    found: list[tuple[str, list[str]]] = []
    for name, value in sorted(request.call.arguments.items()):
        folders = [each for each in prefixes_of(name, value) if _fits(each)]
        if folders:
            found.append((name, folders))
    return found[:_PATHS]


def _fits(folder: str) -> bool:
    text = sentences.anything_in(folder)
    plain = shown(folder) == folder and not any(map(deceives, folder.split("/")))
    return len(text) <= OPTION_TEXT and plain


def _block(index: int) -> str:
    return f"path-{index}"


def wish_from(request: Request, values: Values, offer: StandingOffer) -> Wish | None:
    """Read a submitted form; None where it holds what no form of ours offers."""
    spans, uses = spans_of(offer), uses_of(offer)
    span = _chosen(values, _span(offer), spans)
    number = _chosen(values, _uses(offer), uses)
    here = _chosen(values, PLACE, [True, False])
    bindings = _bindings(request, values)
    if span is None or number is None or here is None or bindings is None:
        return None
    return Wish(bindings, here, span, number)


def _bindings(request: Request, values: Values) -> tuple[Binding, ...] | None:
    arguments: Mapping[str, Any] = request.call.arguments
    bound = {name: Binding(name, EQUAL, value) for name, value in arguments.items()}
    for index, (name, folders) in enumerate(_free(request)):
        under = [Binding(name, UNDER, folder) for folder in folders]
        chosen = _chosen(values, _block(index), [bound[name], *under])
        if chosen is None:
            return None
        bound[name] = chosen
    return tuple(bound.values())


def _chosen(values: Values, block_id: str, options: Sequence[T]) -> T | None:
    word = entered(values, block_id) or ""
    known = {str(index): option for index, option in enumerate(options)}
    return known.get(word)
