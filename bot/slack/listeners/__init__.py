"""Bolt listeners: they translate what Slack says, and decide nothing.

Before all of them a person who clicks too much is told so, and nothing happens.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.response import BoltResponse

from bot.approvals import store
from bot.approvals.audit import append, of_person
from bot.approvals.model import Person
from bot.approvals.rate_limit import count
from bot.base.settings_types import Rate
from bot.database.pool import transaction
from bot.slack.deps import Deps
from bot.slack.listeners import clicks, home, messages, submissions
from bot.slack.listeners.clicks import Body, card_of, person_of, place_of
from bot.texts.clicks import too_many_clicks

CLICKS = ("block_actions", "view_submission")
Next = Callable[[], Awaitable[BoltResponse]]
EVERYTHING = re.compile(".*", re.DOTALL)


def register_listeners(app: AsyncApp, deps: Deps) -> None:
    """Register every listener; what nobody listens to is acknowledged last."""
    count_clicks(app, deps)
    messages.register(app, deps)
    clicks.register(app, deps)
    submissions.register(app, deps)
    home.register(app, deps)
    acknowledge_others(app)


def count_clicks(app: AsyncApp, deps: Deps) -> None:
    """Count each click, submitted form and command of a person; nothing else."""
    rate = deps.rates.get("clicks")
    if rate is None:
        return

    async def pace(body: Body, next_: Next) -> BoltResponse | None:
        is_command = "command" in body
        if body.get("type") not in CLICKS and not is_command:
            return await next_()
        person = home.commander(body) if is_command else person_of(body)
        counted = await count(deps.listener_pool, rate, person)
        if not counted.is_over:
            return await next_()
        if counted.tell:
            await _tell(deps, body, person, rate)
        return BoltResponse(status=200)

    app.middleware(pace)


async def _tell(deps: Deps, body: Body, person: Person, rate: Rate) -> None:
    channel, thread = _place_of(body)
    fact = of_person(person, "refused", word="too_many_clicks")
    async with transaction(deps.listener_pool) as connection:
        await append(connection, [fact])
        text = too_many_clicks(rate.limit, rate.seconds)
        await store.tell(connection, deps.jobs, person, text, channel, thread)


def _place_of(body: Body) -> tuple[str, str]:
    if body.get("view"):
        card = card_of(body)
        return card.channel, card.thread
    if "command" in body:  # it may be typed where the bot is no member
        return "", ""
    place = place_of(body)
    return place.channel, place.thread


def acknowledge_others(app: AsyncApp) -> None:
    """Register last: Bolt takes the first listener that matches."""

    async def acknowledge(ack: AsyncAck) -> None:
        await ack()

    app.event(EVERYTHING)(acknowledge)
    app.action(EVERYTHING)(acknowledge)
    app.view(EVERYTHING)(acknowledge)
    app.view_closed(EVERYTHING)(acknowledge)
    app.shortcut(EVERYTHING)(acknowledge)
    app.command(EVERYTHING)(acknowledge)
