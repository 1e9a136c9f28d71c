"""A click for all requests of a card: each is decided as if it had been clicked alone.

The button's value is compared with that of the button as it would be drawn now, from
what is stored: where anything that it stands for has changed, nothing is decided. Each
request then goes through `decide` under its own token, in a transaction of its own, so
that a change in that very moment leaves out that request alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.approvals import store
from bot.approvals.eligibility import PolicyContext
from bot.approvals.judge import Result
from bot.approvals.model import Action, Effect, Request, Verdict
from bot.slack.cards import view as ids
from bot.slack.cards.card import value_for_all
from bot.slack.cards.view import CardView
from bot.slack.deps import Deps
from bot.slack.listeners.translating import Body, action_of, choice_of, value_of
from bot.slack.render import request_views
from bot.texts.call import mrkdwn_headline
from bot.texts.clicks import SlackPhrases, several_not_decided

#: The buttons, and the verdict that each gives to all.
FOR_ALL = {ids.APPROVE_ALL: Verdict.APPROVE, ids.REJECT_ALL: Verdict.REJECT}


async def decide_all(deps: Deps, body: Body) -> None:
    """Decide each request that waits on a card; tell once of all that was refused.

    Raises:
        psycopg.Error, psycopg_pool.PoolTimeout: as `Decider.decide`. What is decided
            by then stays so, and the card offers the others.
    """
    button = action_of(body)
    action = choice_of(body, value_of(body), FOR_ALL[button])
    card = await _card_of(deps, action)
    if card is None:  # the person is told that nobody knows it
        await deps.decider.decide(action)
        return
    waiting = [view.request for view in card.requests if view.takes_clicks]
    if not waiting:  # and why is for the rule to say
        await deps.decider.decide(_on(action, card.requests[0].request))
    elif value_for_all(card, button) != action.request:
        changed = Result(Effect.REFUSED, "card_changed")
        await deps.decider.refuse(_on(action, waiting[0]), changed)
    else:
        await _decide_each(deps, action, waiting)


async def _card_of(deps: Deps, action: Action) -> CardView | None:
    """The card on which the button stands, as it is now."""
    place = action.place
    if place is None:
        return None
    async with deps.listener_pool.connection() as connection:
        card = await store.shown_at(
            connection, place.channel, place.message, place.card
        )
        now = await store.clock(connection)
    if card is None or not card.requests:
        return None
    context = PolicyContext(deps.policies.current, now, {})
    views = request_views(card.requests, context, card.id, reader=card.reader)
    return CardView(views)


def _on(action: Action, request: Request) -> Action:
    return replace(action, request=request.place.token)


async def _decide_each(deps: Deps, action: Action, waiting: Sequence[Request]) -> None:
    refused: list[str] = []
    for request in waiting:
        each = replace(_on(action, request), quiet=True)
        result, judged = await deps.decider.decide(each)
        said = SlackPhrases().answer(result, judged or request, action.person)
        if said:
            refused.append(f"{mrkdwn_headline(request)}: {said}")
    if refused and action.place:
        text = several_not_decided(list(dict.fromkeys(refused)))
        who, channel, thread = action.person, action.place.channel, action.place.thread
        await deps.tell(who, text, channel, thread)
