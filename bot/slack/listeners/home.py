"""App Home: it is opened, turned over, and its buttons are clicked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from slack_bolt.async_app import AsyncApp

from bot.approvals.judge import Result
from bot.approvals.model import (
    CHANGES,
    Action,
    Effect,
    Person,
    Request,
    Status,
    Verdict,
)
from bot.base.errors import SlackUnavailable
from bot.slack.cards import view as ids
from bot.slack.cards.modal import CardRef
from bot.slack.client import open_view
from bot.slack.deps import Deps
from bot.slack.home import home_view
from bot.slack.home.home_view import TURNS
from bot.slack.home.viewers import Seat
from bot.slack.listeners.clicks import FORMS, Act, may_open, then_ack
from bot.slack.listeners.translating import (
    Body,
    action_of,
    choice_of,
    person_of,
    place_of,
    value_of,
)
from bot.texts import home
from bot.texts.call import mrkdwn_headline
from bot.texts.cards import STATUS_WORDS
from bot.texts.clicks import NOT_OPENED, SlackPhrases

_DECIDES = {
    home_view.APPROVE: Verdict.APPROVE,
    home_view.REJECT: Verdict.REJECT,
    home_view.WITHDRAW: Verdict.WITHDRAW,
}
_ASKS = {
    home_view.APPROVE_TYPED: ids.APPROVE_TYPED,
    home_view.REJECT_ASK: ids.MORE_REJECT,
}


def register(app: AsyncApp, deps: Deps) -> None:
    """Listen to App Home, and to the same rows in the answers to `/approvals`.

    One event tells of the app's other tab too, where people talk to it.
    """

    async def handle_opened(body: Body) -> None:
        event, person = body["event"], _visitor(body, deps)
        tab = event.get("tab", "home")
        if tab == "home":
            await deps.viewers.open(person)
        elif tab == "messages":
            await deps.welcome.opened(person, str(event["channel"]))

    app.event("app_home_opened")(handle_opened)
    for action_id, act in _ACTS.items():
        app.action(action_id)(then_ack(deps, act))


async def _revoke(deps: Deps, body: Body) -> None:
    revoked = await deps.grants.revoke_standing(person_of(body), value_of(body))
    await _tell(deps, body, home.REVOKED[revoked])


async def _turn(deps: Deps, body: Body) -> None:
    turned, turn = TURNS[action_of(body)]
    await deps.viewers.redraw(person_of(body), turned=turned, turn=turn)


async def _decide(deps: Deps, body: Body) -> None:
    await decide_from_desk(deps, body, _DECIDES[action_of(body)])


async def _ask(deps: Deps, body: Body) -> None:
    await _open_form(deps, body, _ASKS[action_of(body)])


def _visitor(body: Body, deps: Deps) -> Person:
    """The person who has opened it: an event names the team that it is of."""
    us = deps.identity()
    return Person(us.enterprise, us.team, str(body["event"]["user"]))


async def decide_from_desk(deps: Deps, body: Body, verdict: Verdict) -> None:
    """Decide as a click on the card does, and say beside the rows what came of it."""
    action = await _choice(deps, body, verdict)
    result, request = await deps.decider.decide(action)
    await _answer(deps, body, action, result, request)


async def _choice(deps: Deps, body: Body, verdict: Verdict) -> Action:
    """A click on a row, with what that person was offered there."""
    action = choice_of(body, value_of(body), verdict)
    seat, place = await deps.viewers.seat(action.person), place_of(body)
    container: Mapping[str, Any] = body.get("container") or {}
    place = replace(
        place,
        message=place.message or str(container.get("view_id") or ""),
        offered=_offered(body, seat, deps.identity().app),
    )
    return replace(action, place=place, quiet=True)


def _offered(body: Body, seat: Seat, own_app: str) -> tuple[str, ...]:
    """The tokens that the clicked button can carry; none for any other place.

    A row stands in App Home, whose view Slack has given this very person, or in a
    private message, which nobody else sees. Whatever else a payload names is no place
    of ours.
    """
    view: Mapping[str, Any] = body.get("view") or {}
    container: Mapping[str, Any] = body.get("container") or {}
    offered: Sequence[str] = ()
    if container.get("type") == "view":
        is_own = view.get("app_id") == own_app and view.get("type") == "home"
        is_seat = bool(seat.view) and view.get("id") == seat.view
        offered = seat.offered if is_own and is_seat else ()
    elif container.get("is_ephemeral") is True:
        offered = seat.listed
    pairs = [each.partition(" ") for each in offered]
    return tuple(token for action, _, token in pairs if action == action_of(body))


async def _answer(
    deps: Deps, body: Body, action: Action, result: Result, request: Request | None
) -> None:
    """Say what came of a click: in App Home itself, else privately where it was."""
    said = SlackPhrases().answer(result, request, action.person)
    if not said and request and result.effect in CHANGES:
        said = home.decided(
            _WORDS[result.effect], mrkdwn_headline(request), request.code
        )
    await _tell(deps, body, said)


_WORDS = {
    Effect.RECORDED: home.RECORDED,
    Effect.STAGE_PASSED: home.RECORDED,
    Effect.APPROVED: STATUS_WORDS[Status.APPROVED],
    Effect.REJECTED: STATUS_WORDS[Status.REJECTED],
    Effect.ANSWERED: STATUS_WORDS[Status.APPROVED],
    Effect.WITHDRAWN: STATUS_WORDS[Status.WITHDRAWN],
}


async def _tell(deps: Deps, body: Body, text: str) -> None:
    person, place = person_of(body), place_of(body)
    if body.get("view"):
        await deps.viewers.redraw(person, text)
    elif text:
        await deps.tell(person, text, place.channel, place.thread)


async def _open_form(deps: Deps, body: Body, word: str) -> None:
    """Open the form that the card's own button opens, over App Home.

    What is filled in there is judged as if it came from the card.
    """
    verdict, form = FORMS[word]
    action = await _choice(deps, body, verdict)
    result, request = await deps.decider.preview(action)
    if not (may_open(result) and request):
        await decide_from_desk(deps, body, verdict)
        return
    if not request.place.ts:
        await _tell(deps, body, home.ON_ITS_CARD)
        return
    place = request.place
    card = CardRef(place.token, place.channel, place.ts, card=place.card)
    try:
        await open_view(deps.client, body["trigger_id"], form(request, card))
    except SlackUnavailable:
        await _tell(deps, body, NOT_OPENED)


_ACTS: dict[str, Act] = {
    home_view.REVOKE: _revoke,
    **dict.fromkeys(TURNS, _turn),
    **dict.fromkeys(_DECIDES, _decide),
    **dict.fromkeys(_ASKS, _ask),
}
