"""App Home and `/approvals`: a person's desk is opened, turned over, and acted on."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.approvals import store
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
from bot.approvals.policy.model import zone
from bot.base.errors import SlackUnavailable
from bot.slack.cards import view as ids
from bot.slack.cards.blocks import CardRef
from bot.slack.client import open_view
from bot.slack.deps import Deps
from bot.slack.home import home_view
from bot.slack.home.desk import ASKED, DECIDED, WAITING, Desk
from bot.slack.home.home_view import (
    TURNS,
    Link,
    PrivateReply,
    decided_list,
    link_to_card,
    one_row,
    own_list,
    waiting_list,
)
from bot.slack.home.viewers import Seat
from bot.slack.listeners.clicks import (
    FORMS,
    Act,
    Body,
    action_from_click,
    action_id_of,
    may_open,
    person_of,
    place_of,
    then_ack,
    value_of,
)
from bot.texts import home
from bot.texts.call import mrkdwn_headline
from bot.texts.cards import STATUS_WORDS
from bot.texts.clicks import NOT_OPENED, private_answer

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
    """Listen to App Home, to `/approvals`, and to the same rows in its answers.

    One event tells of the app's other tab too, where people talk to it. The answer to
    the command stands in the acknowledgement.
    """

    async def handle_opened(body: Body) -> None:
        event, person = body["event"], _visitor(body, deps)
        tab = event.get("tab", "home")
        if tab == "home":
            await deps.viewers.open(person)
        elif tab == "messages":
            await deps.welcome.opened(person, str(event["channel"]))

    async def handle_started(body: Body) -> None:
        thread = body["event"]["assistant_thread"]
        us = deps.identity()
        person = Person(us.enterprise, us.team, str(thread["user_id"]))
        place = str(thread["channel_id"]), str(thread["thread_ts"])
        await deps.welcome.opened(person, *place)

    async def handle_command(ack: AsyncAck, body: Body) -> None:
        person = commander(body)
        answer = await answer_to(deps, person, str(body.get("text") or ""))
        if answer.offered:
            await deps.viewers.keep_list(person, answer.offered)
        await ack(**answer.to_json())

    app.event("app_home_opened")(handle_opened)
    app.event("assistant_thread_started")(handle_started)  # of the assistant pane
    app.command("/approvals")(handle_command)
    for action_id, act in _ACTS.items():
        app.action(action_id)(then_ack(deps, act))


async def _revoke(deps: Deps, body: Body) -> None:
    revoked = await deps.grants.revoke_standing(person_of(body), value_of(body))
    await _tell(deps, body, home.REVOKED[revoked])


async def _turn(deps: Deps, body: Body) -> None:
    turned, turn = TURNS[action_id_of(body)]
    await deps.viewers.redraw(person_of(body), turned=turned, turn=turn)


async def _decide(deps: Deps, body: Body) -> None:
    await decide_from_desk(deps, body, _DECIDES[action_id_of(body)])


async def _ask(deps: Deps, body: Body) -> None:
    await _open_form(deps, body, _ASKS[action_id_of(body)])


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
    action = action_from_click(body, value_of(body), verdict)
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
    return tuple(token for action, _, token in pairs if action == action_id_of(body))


async def _answer(
    deps: Deps, body: Body, action: Action, result: Result, request: Request | None
) -> None:
    """Say what came of a click: in App Home itself, else privately where it was."""
    said = private_answer(result, request, action.person)
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


# --- `/approvals`: the same desk in a private answer ----------------------------------

Answering = Callable[[Deps, Person, str], Awaitable[PrivateReply]]


def commander(body: Body) -> Person:
    """Return the person who typed a command, by its signed fields."""
    enterprise = str(body.get("enterprise_id") or "")
    return Person(enterprise, str(body["team_id"]), str(body["user_id"]))


async def answer_to(deps: Deps, person: Person, text: str) -> PrivateReply:
    """Answer the words behind the command."""
    word, _, rest = text.strip().partition(" ")
    answering = WORDS.get(word.lower())
    if answering is None:
        return PrivateReply(home.unknown_words(text))
    try:
        return await answering(deps, person, rest.strip())
    except SlackUnavailable:
        return PrivateReply(home.COULD_NOT_LOOK)


def _listing(name: str, build: Callable[[Desk, Link], PrivateReply]) -> Answering:
    """Answer with a page of one of the lists; a number behind the word says which."""

    async def list_it(deps: Deps, person: Person, rest: str) -> PrivateReply:
        page = int(rest) - 1 if _PAGE.fullmatch(rest) else 0
        desk = await deps.desks.read(person, {name: page})
        return build(desk, link_to_card(deps.identity()))

    return list_it


_PAGE = re.compile("[1-9][0-9]{0,4}", re.ASCII)


async def _show(deps: Deps, person: Person, rest: str) -> PrivateReply:
    if not rest:
        return PrivateReply(home.SHOW_WHICH)
    desk = await deps.desks.read(person)
    found = await deps.desks.find(person, rest.upper())
    if desk.refusal:
        return PrivateReply(home.for_members_only(desk.refusal))
    if found is None:
        return PrivateReply(home.no_such_request(rest))
    desk = await deps.desks.decidable(person, desk, found)
    return one_row(found, desk, link_to_card(deps.identity()))


async def _help(_deps: Deps, _person: Person, _rest: str) -> PrivateReply:
    return PrivateReply(home.HELP)


async def _delegate(deps: Deps, person: Person, rest: str) -> PrivateReply:
    if rest.lower() == "off":
        return PrivateReply(home.ended(await deps.delegations.end(person)))
    async with deps.listener_pool.connection() as connection:
        now = await store.clock(connection)
    asked = read_delegation(rest, now, deps.policies.current.timezone)
    if asked is None:
        return PrivateReply(home.DELEGATE_HOW)
    delegate, until = asked
    given = await deps.delegations.give(person, delegate, until)
    if given.code:
        return PrivateReply(home.not_delegated(given, delegate))
    other = Person(person.enterprise, person.team, delegate)
    await deps.tell(other, home.told_delegate(person.user, until))
    for each in (person, other):
        await deps.viewers.redraw(each)
    return PrivateReply(home.delegated(delegate, until, given.groups))


async def _revoke_by_code(deps: Deps, person: Person, rest: str) -> PrivateReply:
    if not rest:
        return PrivateReply(home.REVOKE_WHICH)
    revoked = await deps.grants.revoke_standing(person, rest)
    await deps.viewers.redraw(person)
    return PrivateReply(home.REVOKED[revoked])


async def _pause(deps: Deps, person: Person, rest: str) -> PrivateReply:
    if rest.lower() == "off":
        return PrivateReply(home.PAUSES[await deps.operators.lift(person)])
    if not rest:
        return PrivateReply(home.PAUSE_WHY)
    return PrivateReply(home.PAUSES[await deps.operators.pause(person, rest)])


_DELEGATION = re.compile(
    r"<@(?P<user>[UW][A-Z0-9]+)(\|[^>]*)?>\s+until\s+(?P<day>\S+)", re.IGNORECASE
)


def read_delegation(
    words: str, now: dt.datetime, timezone: str
) -> tuple[str, dt.date] | None:
    """Read who stands in and the last day; None for words that do not say so.

    Slack writes the person as a mention: the command asks for that.
    """
    found = _DELEGATION.fullmatch(words.strip())
    if found is None:
        return None
    today, day = now.astimezone(zone(timezone)).date(), found["day"].lower()
    if day in _DAYS:
        return found["user"], today + dt.timedelta(days=_DAYS[day])
    try:
        return found["user"], dt.date.fromisoformat(day)
    except ValueError:
        return None


_DAYS = {"today": 0, "tomorrow": 1}
#: Who answers which word; no word at all asks for what waits.
WORDS: Mapping[str, Answering] = {
    "": _listing(WAITING, waiting_list),
    "waiting": _listing(WAITING, waiting_list),
    "mine": _listing(ASKED, own_list),
    "history": _listing(DECIDED, decided_list),
    "show": _show,
    "delegate": _delegate,
    "revoke": _revoke_by_code,
    "pause": _pause,
    "help": _help,
}
