"""`/approvals`: a person's desk in a private answer, in a channel or a DM."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Awaitable, Callable, Mapping

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.approvals import store
from bot.approvals.model import Person
from bot.approvals.policy.model import zone
from bot.base.errors import SlackUnavailable
from bot.slack.deps import Deps
from bot.slack.home.desk import ASKED, DECIDED, WAITING, Desk
from bot.slack.home.home_view import (
    Answer,
    Link,
    decided_list,
    link_to_card,
    one_row,
    own_list,
    waiting_list,
)
from bot.slack.listeners.translating import Body
from bot.texts import home

Answering = Callable[[Deps, Person, str], Awaitable[Answer]]


def register(app: AsyncApp, deps: Deps) -> None:
    """Listen to the command; the answer stands in the acknowledgement."""

    async def handle_command(ack: AsyncAck, body: Body) -> None:
        person = commander(body)
        answer = await answer_to(deps, person, str(body.get("text") or ""))
        if answer.offered:
            await deps.viewers.keep_list(person, answer.offered)
        await ack(**answer.to_json())

    app.command("/approvals")(handle_command)


def commander(body: Body) -> Person:
    """Return the person who typed a command, by its signed fields."""
    enterprise = str(body.get("enterprise_id") or "")
    return Person(enterprise, str(body["team_id"]), str(body["user_id"]))


async def answer_to(deps: Deps, person: Person, text: str) -> Answer:
    """Answer the words behind the command."""
    word, _, rest = text.strip().partition(" ")
    answering = WORDS.get(word.lower())
    if answering is None:
        return Answer(home.unknown_words(text))
    try:
        return await answering(deps, person, rest.strip())
    except SlackUnavailable:
        return Answer(home.COULD_NOT_LOOK)


def _listing(name: str, build: Callable[[Desk, Link], Answer]) -> Answering:
    """Answer with a page of one of the lists; a number behind the word says which."""

    async def list_it(deps: Deps, person: Person, rest: str) -> Answer:
        page = int(rest) - 1 if _PAGE.fullmatch(rest) else 0
        desk = await deps.desks.read(person, {name: page})
        return build(desk, link_to_card(deps.identity()))

    return list_it


_PAGE = re.compile("[1-9][0-9]{0,4}", re.ASCII)


async def _show(deps: Deps, person: Person, rest: str) -> Answer:
    if not rest:
        return Answer(home.SHOW_WHICH)
    desk = await deps.desks.read(person)
    found = await deps.desks.find(person, rest.upper())
    if desk.refusal:
        return Answer(home.for_members_only(desk.refusal))
    if found is None:
        return Answer(home.no_such_request(rest))
    desk = await deps.desks.decidable(person, desk, found)
    return one_row(found, desk, link_to_card(deps.identity()))


async def _help(_deps: Deps, _person: Person, _rest: str) -> Answer:
    return Answer(home.HELP)


async def _delegate(deps: Deps, person: Person, rest: str) -> Answer:
    if rest.lower() == "off":
        return Answer(home.ended(await deps.delegations.end(person)))
    async with deps.listener_pool.connection() as connection:
        now = await store.clock(connection)
    asked = read_delegation(rest, now, deps.policies.current.timezone)
    if asked is None:
        return Answer(home.DELEGATE_HOW)
    delegate, until = asked
    given = await deps.delegations.give(person, delegate, until)
    if given.code:
        return Answer(home.not_delegated(given, delegate))
    other = Person(person.enterprise, person.team, delegate)
    await deps.tell(other, home.told_delegate(person.user, until))
    for each in (person, other):
        await deps.viewers.redraw(each)
    return Answer(home.delegated(delegate, until, given.groups))


async def _revoke(deps: Deps, person: Person, rest: str) -> Answer:
    if not rest:
        return Answer(home.REVOKE_WHICH)
    revoked = await deps.grants.revoke_standing(person, rest)
    await deps.viewers.redraw(person)
    return Answer(home.REVOKED[revoked])


async def _pause(deps: Deps, person: Person, rest: str) -> Answer:
    if rest.lower() == "off":
        return Answer(home.PAUSES[await deps.operators.lift(person)])
    if not rest:
        return Answer(home.PAUSE_WHY)
    return Answer(home.PAUSES[await deps.operators.pause(person, rest)])


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
    "revoke": _revoke,
    "pause": _pause,
    "help": _help,
}
