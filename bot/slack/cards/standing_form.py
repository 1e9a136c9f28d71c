"""The form with which an approver allows calls like one ahead, and what it says."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from bot.approvals.model import Request
from bot.approvals.policy.model import StandingOffer
from bot.approvals.standing_grants import EQUAL, UNDER, Binding, Wish, prefixes_of
from bot.slack.cards.arguments import effect_lines
from bot.slack.cards.blocks import (
    Block,
    preformatted,
    rich_text,
    section,
    with_block_ids,
    words,
)
from bot.slack.cards.modal import (
    OPTION_TEXT,
    CardRef,
    Values,
    entered,
    facts_block,
    input_block,
    modal,
    select,
)
from bot.slack.homoglyphs import deceives
from bot.texts import forms as sentences
from bot.texts.cards import tool_name
from bot.texts.formatting import cut, mention, shown

APPROVE_STANDING = "approve_standing"  # the view's `callback_id`
PLACE = "place"  # the `block_id` of that input
_PATHS = 20  # arguments that are paths; the others stay as they are
_EFFECT = 2_500  # characters
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
    spans = [sentences.lasting(int(s.total_seconds())) for s in spans_of(offer)]
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
