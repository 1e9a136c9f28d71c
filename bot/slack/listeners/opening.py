"""Open a modal for whoever may use it: reads, one `views.open`, no write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

from bot.approvals import store
from bot.approvals.judge import CHANGES, Choice, Effect
from bot.approvals.model import Request, Verdict
from bot.slack.cards.answer_form import answer_form
from bot.slack.cards.blocks import Block
from bot.slack.cards.edit_form import edit_form
from bot.slack.cards.forms import reason_form, typed_form
from bot.slack.cards.full_view import full_view, needs_file
from bot.slack.cards.history import history_view
from bot.slack.cards.modal import CardRef
from bot.slack.cards.view import (
    APPROVE_TYPED,
    MORE_ANSWER,
    MORE_EDIT,
    MORE_REJECT,
    RequestView,
)
from bot.slack.full_text import Opened
from bot.slack.history import request_history
from bot.slack.listeners.parts import Body, Parts, person_of
from bot.slack.listeners.translating import choice_of, place_of
from bot.slack.phrases import IN_FORM

Form = Callable[[Request, CardRef], Block]

#: What a button or a menu's word opens, and the verdict that its form gives.
FORMS: dict[str, tuple[Verdict, Form]] = {
    APPROVE_TYPED: (Verdict.APPROVE, typed_form),
    MORE_REJECT: (Verdict.REJECT, reason_form),
    MORE_EDIT: (Verdict.EDIT, edit_form),
    MORE_ANSWER: (Verdict.ANSWER, answer_form),
}
_OPENS = CHANGES - {Effect.TIMED_OUT}


async def open_form(parts: Parts, body: Body, word: str, token: str) -> None:
    """Open a form, or have the person told why there is none for them."""
    choice = choice_of(body, token, FORMS[word][0])
    async with parts.pool.connection() as connection:
        request = await store.load(connection, token)
    choice = _as_it_is(choice, request)
    if request is None:
        await parts.decider.decide(choice)
        return
    judgement, _ = await parts.decider.preview(choice)
    if judgement.effect in _OPENS or judgement.word in IN_FORM:
        await show_form(parts, body, word, request)
    elif judgement.effect is Effect.TIMED_OUT:
        await parts.decider.decide(choice)
    else:
        await parts.decider.refuse(choice, judgement)


async def show_form(parts: Parts, body: Body, word: str, request: Request) -> None:
    """Open a form without asking who it is for: every submission is judged."""
    form = FORMS[word][1](request, _card(body, request))
    await parts.client.views_open(trigger_id=body["trigger_id"], view=form)


async def open_full_view(parts: Parts, body: Body, token: str) -> None:
    """Open the whole arguments, for whoever can see the card.

    What one view does not hold is sent as a file after the ack.
    """
    async with parts.pool.connection() as connection:
        found = await store.load_with_clock(connection, token)
    if found is None:
        await parts.decider.decide(choice_of(body, token, Verdict.REJECT))
        return
    request, now = found
    card = _card(body, request)
    here = (request.card_channel, request.card_ts) == (card.channel, card.ts)
    view = RequestView(request, now, elsewhere=bool(request.card_ts) and not here)
    modal = full_view(view, card)
    answer = await parts.client.views_open(trigger_id=body["trigger_id"], view=modal)
    if needs_file(request):
        opened = cast("Any", answer.data)["view"]
        place = Opened(opened["id"], opened["hash"])
        parts.full_texts.send(view, card, place, person_of(body).user)


async def open_history(parts: Parts, body: Body, token: str) -> None:
    """Open what the trail has about a request, for whoever can see the card."""
    async with parts.pool.connection() as connection:
        request = await store.load(connection, token)
    if request is None:
        await parts.decider.decide(choice_of(body, token, Verdict.REJECT))
        return
    happened = await request_history(parts.pool, request.id)
    modal = history_view(_card(body, request), happened, request.id)
    await parts.client.views_open(trigger_id=body["trigger_id"], view=modal)


def _as_it_is(choice: Choice, request: Request | None) -> Choice:
    """With the arguments as they are: an edit that changes nothing."""
    return replace(choice, arguments=request.arguments if request else None)


def _card(body: Body, request: Request) -> CardRef:
    place = place_of(body)
    where = (place.channel, place.message, place.thread)
    return CardRef(request.token, *where, card=place.card)
