"""A click on a button of a message or on its menu: decide, or open a modal."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.approvals import comments, store
from bot.approvals.eligibility import PolicyContext
from bot.approvals.judge import Result, is_told_directly
from bot.approvals.model import CHANGES, Action, Effect, Person, Place, Request, Verdict
from bot.base.errors import SlackUnavailable
from bot.database.pool import transaction
from bot.slack import SQL
from bot.slack.cards import view as ids
from bot.slack.cards.blocks import Block, CardRef
from bot.slack.cards.card import value_for_all
from bot.slack.cards.edit_form import edit_form
from bot.slack.cards.forms import (
    answer_form,
    late_reason_form,
    reason_form,
    typed_form,
)
from bot.slack.cards.view import CardView, RequestView
from bot.slack.client import open_view
from bot.slack.delivery import EVENT_TYPE
from bot.slack.deps import Deps
from bot.slack.full_text import Opened, full_view, needs_file
from bot.slack.history import history_view, request_history
from bot.slack.render import request_views
from bot.texts.call import mrkdwn_headline
from bot.texts.clicks import (
    IN_FORM,
    MISPLACED,
    NOT_OPENED,
    private_answer,
    several_not_decided,
)
from bot.texts.conversation import RATED

#: The buttons that open a form, by what `FORMS` calls it.
_ASKS = {
    ids.APPROVE_TYPED: ids.APPROVE_TYPED,
    ids.REJECT_ASK: ids.MORE_REJECT,
    ids.ANSWER: ids.MORE_ANSWER,
}
_WITHDRAW = re.compile(rf"^{ids.WITHDRAW}(_\d+)?$")  # one block may hold several

Body = Mapping[str, Any]
Act = Callable[[Deps, Body], Awaitable[object]]


def then_ack(deps: Deps, act: Act) -> Callable[[AsyncAck, Body], Awaitable[None]]:
    """Make a listener that acknowledges once all is written down."""

    async def handle(ack: AsyncAck, body: Body) -> None:
        await act(deps, body)
        await ack()

    return handle


def register(app: AsyncApp, deps: Deps) -> None:
    """Listen to buttons and menus; a choice is written down before the ack."""
    for action_id, act in _ACTS.items():
        app.action(action_id)(then_ack(deps, act))


async def _approve(deps: Deps, body: Body) -> None:
    action = action_from_click(body, value_of(body), Verdict.APPROVE)
    result, request = await deps.decider.decide(action)
    if result.code == "typed_wrong" and request:  # a card from before that rule
        await show_form(deps, body, ids.APPROVE_TYPED, request)


async def _reject(deps: Deps, body: Body) -> None:
    await deps.decider.decide(action_from_click(body, value_of(body), Verdict.REJECT))


async def _withdraw(deps: Deps, body: Body) -> None:
    await deps.decider.decide(action_from_click(body, value_of(body), Verdict.WITHDRAW))


async def _ask(deps: Deps, body: Body) -> None:
    await open_form(deps, body, _ASKS[action_id_of(body)], value_of(body))


async def _mark(deps: Deps, body: Body) -> None:
    action = action_from_click(body, value_of(body), Verdict.APPROVE)
    await deps.marker.mark(action, ids.MARKS[action_id_of(body)])


async def _try_again(deps: Deps, body: Body) -> None:
    await deps.retrier.try_again(
        action_from_click(body, value_of(body), Verdict.APPROVE)
    )


async def _stop(deps: Deps, body: Body) -> None:
    await deps.stopper.stop_request(
        action_from_click(body, value_of(body), Verdict.WITHDRAW)
    )


async def _rate(deps: Deps, body: Body) -> None:
    """Keep what somebody thinks of an answer; it decides nothing."""
    person, place = person_of(body), place_of(body)
    rating, _, answer = value_of(body).partition(":")
    key = {
        "answer": answer,
        "rating": rating,
        "team": person.team,
        "user": person.user,
        "channel": place.channel,
        "ts": place.message,
        "card": place.card,
    }
    is_known = rating in RATED and place.app == deps.identity().app
    async with transaction(deps.listener_pool) as connection:
        if is_known:
            found = await connection.execute(SQL["rate_answer"], key)
            is_known = await found.fetchone() is not None
        text = RATED[rating] if is_known else MISPLACED
        where = (place.channel, place.thread)
        await store.tell(connection, deps.jobs, person, text, *where)


async def _take_from_menu(deps: Deps, body: Body) -> None:
    word, token = option_of(body)
    if word in FORMS:
        await open_form(deps, body, word, token)
    elif word == ids.MORE_VIEW:
        await open_full_view(deps, body, token)
    elif word == ids.MORE_HISTORY:
        await open_history(deps, body, token)
    elif word == ids.MORE_WITHDRAW:
        await deps.decider.decide(action_from_click(body, token, Verdict.WITHDRAW))
    else:  # an option that no card of ours has: the person is told so
        await deps.decider.decide(action_from_click(body, "", Verdict.REJECT))


Form = Callable[[Request, CardRef], Block]
#: What a button or a menu's word opens, and the verdict that its form gives.
FORMS: dict[str, tuple[Verdict, Form]] = {
    ids.APPROVE_TYPED: (Verdict.APPROVE, typed_form),
    ids.MORE_REJECT: (Verdict.REJECT, reason_form),
    ids.MORE_EDIT: (Verdict.EDIT, edit_form),
    ids.MORE_ANSWER: (Verdict.ANSWER, answer_form),
}


def may_open(result: Result) -> bool:
    """Return whether a form is opened: it would count, or says what is wrong."""
    return result.effect in CHANGES - {Effect.TIMED_OUT} or result.code in IN_FORM


async def open_form(deps: Deps, body: Body, word: str, token: str) -> None:
    """Open a form, or have the person told why there is none for them."""
    action = action_from_click(body, token, FORMS[word][0])
    request = await deps.load(token)
    action = _as_it_is(action, request)
    if request is None:
        await deps.decider.decide(action)
        return
    result, _ = await deps.decider.preview(action)
    if may_open(result):
        await show_form(deps, body, word, request)
    elif result.effect is Effect.TIMED_OUT:
        await deps.decider.decide(action)
    else:
        await deps.decider.refuse(action, result)


async def open_late_reason(deps: Deps, body: Body) -> None:
    """Open the form for the reason of a reject, while it is offered to this person."""
    action = action_from_click(body, value_of(body), Verdict.REJECT)
    async with deps.listener_pool.connection() as connection:
        found = await store.load_with_clock(connection, action.request)
    if found is None:
        await deps.decider.decide(action)
        return
    request, now = found
    if code := comments.reason_refusal(request, action, deps.decider.own_app(), now):
        await deps.decider.refuse(action, Result(Effect.REFUSED, code))
        return
    await open_modal(deps, body, late_reason_form(request, card_ref(body, request)))


async def show_form(deps: Deps, body: Body, word: str, request: Request) -> None:
    """Open a form without asking who it is for: every submission is judged."""
    await open_modal(deps, body, FORMS[word][1](request, card_ref(body, request)))


async def _open_full_view(deps: Deps, body: Body) -> None:
    await open_full_view(deps, body, value_of(body))


async def _open_history(deps: Deps, body: Body) -> None:
    await open_history(deps, body, value_of(body))


async def open_full_view(deps: Deps, body: Body, token: str) -> None:
    """Open the whole arguments, for people who can see the card.

    What one view does not hold is sent as a file after the ack.
    """
    async with deps.listener_pool.connection() as connection:
        found = await store.load_with_clock(connection, token)
    if found is None:
        await deps.decider.decide(action_from_click(body, token, Verdict.REJECT))
        return
    request, now = found
    card = card_ref(body, request)
    here = (card.channel, card.ts)
    own = here == (request.place.channel, request.place.ts) or (
        is_told_directly(request) and here in request.place.messages
    )
    view = RequestView(request, now, elsewhere=bool(request.place.ts) and not own)
    modal = full_view(view, card)
    opened = await open_modal(deps, body, modal)
    if opened and needs_file(request):
        place = Opened(opened["id"], opened["hash"])
        deps.full_texts.send(view, card, place, person_of(body).user)


async def open_history(deps: Deps, body: Body, token: str) -> None:
    """Open what the trail has about a request, for people who can see the card."""
    request = await deps.load(token)
    if request is None:
        await deps.decider.decide(action_from_click(body, token, Verdict.REJECT))
        return
    happened = await request_history(deps.listener_pool, request.id)
    await open_modal(
        deps, body, history_view(card_ref(body, request), happened, request)
    )


async def open_modal(deps: Deps, body: Body, view: Block) -> Mapping[str, Any] | None:
    """Open a view; where Slack opens none the person is told so, and it is None.

    The click is acknowledged in any case: Slack's own warning says nothing of use.
    """
    try:
        return await open_view(deps.client, body["trigger_id"], view)
    except SlackUnavailable:
        who, place = person_of(body), place_of(body)
        await deps.tell(who, NOT_OPENED, place.channel, place.thread)
        return None


def _as_it_is(action: Action, request: Request | None) -> Action:
    """Return the action with the call's own arguments: an edit that changes nothing."""
    return replace(action, arguments=request.call.arguments if request else None)


def card_ref(body: Body, request: Request) -> CardRef:
    place = place_of(body)
    where = (place.channel, place.message, place.thread)
    return CardRef(request.place.token, *where, card=place.card)


#: The buttons of *Approve all*, and the verdict that each gives to all.
FOR_ALL = {ids.APPROVE_ALL: Verdict.APPROVE, ids.REJECT_ALL: Verdict.REJECT}


async def decide_all(deps: Deps, body: Body) -> None:
    """Decide each request that waits on a card; tell once of all that was refused.

    The button's value is compared with that of the button as it would be drawn now,
    from what is stored: where anything that it stands for has changed, nothing is
    decided. Each request then goes through `decide` under its own token, in a
    transaction of its own, so that a change in that very moment leaves out that request
    alone.

    Raises:
        psycopg.Error, psycopg_pool.PoolTimeout: as `Decider.decide`. What is decided
            by then stays so, and the card offers the others.
    """
    button = action_id_of(body)
    action = action_from_click(body, value_of(body), FOR_ALL[button])
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
        said = private_answer(result, judged or request, action.person)
        if said:
            refused.append(f"{mrkdwn_headline(request)}: {said}")
    if refused and action.place:
        text = several_not_decided(list(dict.fromkeys(refused)))
        who, channel, thread = action.person, action.place.channel, action.place.thread
        await deps.tell(who, text, channel, thread)


_ACTS: dict[str | re.Pattern[str], Act] = {
    ids.APPROVE: _approve,
    ids.REJECT: _reject,
    _WITHDRAW: _withdraw,
    ids.MORE: _take_from_menu,
    **dict.fromkeys(_ASKS, _ask),
    **dict.fromkeys(ids.MARKS, _mark),
    **dict.fromkeys(FOR_ALL, decide_all),
    ids.STOP: _stop,
    ids.TRY_AGAIN: _try_again,
    ids.FEEDBACK: _rate,
    # these change nothing
    ids.VIEW_FULL: _open_full_view,
    ids.HISTORY: _open_history,
    ids.ADD_REASON: open_late_reason,
}


# --- A payload of Slack's as a person's action, in a place ----------------------------


def action_from_click(body: Body, request: str, verdict: Verdict) -> Action:
    """Read a `block_actions` payload as an action on a request.

    `request` is what the button or the menu's option carries.
    """
    action: Mapping[str, Any] = body["actions"][0]
    return Action(
        request=request,
        person=person_of(body),
        verdict=verdict,
        via="slack",
        place=place_of(body),
        click=str(action.get("action_ts") or ""),
    )


def action_id_of(body: Body) -> str:
    """Return the `action_id` of the button or menu."""
    return str(body["actions"][0]["action_id"])


def value_of(body: Body) -> str:
    """Return the value that the button carries."""
    return str(body["actions"][0].get("value") or "")


def option_of(body: Body) -> tuple[str, str]:
    """Return the menu's word that was chosen, and the request that it carries."""
    action: Mapping[str, Any] = body["actions"][0]
    option: Mapping[str, Any] = action.get("selected_option") or {}
    word, _, request = str(option.get("value") or "").partition(":")
    return word, request


def place_of(body: Body) -> Place:
    """Return the app, channel and message that the payload names."""
    container: Mapping[str, Any] = body.get("container") or {}
    channel: Mapping[str, Any] = body.get("channel") or {}
    message: Mapping[str, Any] = body.get("message") or {}
    return Place(
        app=str(body.get("api_app_id") or ""),
        channel=str(container.get("channel_id") or channel.get("id") or ""),
        message=str(container.get("message_ts") or message.get("ts") or ""),
        card=_delivery_of(message),
        thread=str(container.get("thread_ts") or ""),
    )


def _delivery_of(message: Mapping[str, Any]) -> str:
    metadata: Mapping[str, Any] = message.get("metadata") or {}
    payload: Mapping[str, Any] = metadata.get("event_payload") or {}
    ours = metadata.get("event_type") == EVENT_TYPE
    return str(payload.get("delivery") or "") if ours else ""


def action_from_view(body: Body, verdict: Verdict) -> Action:
    """A `view_submission` payload; the card is named by the view's metadata."""
    view: Mapping[str, Any] = body["view"]
    card = card_of(body)
    app = str(body.get("api_app_id") or "")
    return Action(
        request=card.request,
        person=person_of(body),
        verdict=verdict,
        via="slack",
        place=Place(app, card.channel, card.ts, card.card, card.thread),
        # one view is sent again where its first word did not stand
        click=f"view:{view.get('id')}:{card.request}",
    )


def card_of(body: Body) -> CardRef:
    """The card that a view names; metadata that is not ours names no request."""
    try:
        return CardRef.from_json(body["view"].get("private_metadata") or "")
    except ValueError:
        return CardRef("", "", "")


def values_of(body: Body) -> Mapping[str, Any]:
    """Return the values of a view's inputs: `state.values`."""
    state: Mapping[str, Any] = body["view"].get("state") or {}
    return state.get("values") or {}


def person_of(body: Body) -> Person:
    """Return the person who acted, by the signed payload of an interaction.

    The team is the one that the app is installed in, as the payload says. It is not
    `user.team_id`, which may be another workspace of the organisation, or its own id;
    whether the person is one of ours is for `users.info` to say. A form says itself
    where its app is installed, since it may be sent from another workspace.
    https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
    """
    user: Mapping[str, Any] = body["user"]
    team: Mapping[str, Any] = body.get("team") or {}
    view: Mapping[str, Any] = body.get("view") or {}
    enterprise: Mapping[str, Any] = body.get("enterprise") or {}
    installed = view.get("app_installed_team_id") or team.get("id")
    where = installed or user.get("team_id") or ""
    return Person(str(enterprise.get("id") or ""), str(where), str(user["id"]))
