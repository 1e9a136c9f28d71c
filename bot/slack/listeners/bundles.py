"""One click for all calls of a card: the same word, once on each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.approvals import store
from bot.approvals.choice import CHANGES, Choice, Effect
from bot.approvals.judge import Judgement
from bot.approvals.model import Request, Verdict
from bot.approvals.ports import deliver_job
from bot.database.pool import transaction
from bot.slack.cards.view import bundle
from bot.slack.click_sentences import several_not_decided
from bot.slack.listeners.parts import Body, Parts
from bot.slack.listeners.translating import choice_of, value_of
from bot.slack.phrases import SlackPhrases


async def decide_all(parts: Parts, body: Body, verdict: Verdict) -> None:
    """Decide each open request of a card as if it had been clicked alone.

    The button stands for the calls as they were drawn: after an edit it decides
    nothing. Whoever clicks is told once of all that was not possible.
    """
    choice = choice_of(body, value_of(body), verdict)
    requests = await _shown(parts, choice)
    if not requests:  # the person is told that nobody knows it
        await parts.decider.decide(choice)
        return
    if bundle(requests) != choice.request:
        stale = replace(choice, request=requests[0].token)
        await parts.decider.refuse(stale, Judgement(Effect.REFUSED, "superseded"))
        return
    told: list[str] = []
    for request in requests:
        if request.is_open:
            each = replace(choice, request=request.token, quiet=True)
            judgement, judged = await parts.decider.decide(each)
            if judgement.effect not in CHANGES:
                told.append(_sentence(judgement, judged or request, choice))
    await _tell(parts, choice, [line for line in dict.fromkeys(told) if line])


async def _shown(parts: Parts, choice: Choice) -> list[Request]:
    """The requests of the card on which the button stands, in call order."""
    place = choice.place
    if place is None:
        return []
    async with parts.pool.connection() as connection:
        return await store.shown_at(
            connection, place.channel, place.message, place.card
        )


def _sentence(judgement: Judgement, request: Request, choice: Choice) -> str:
    said = SlackPhrases().answer(judgement, request, choice.person)
    return f"{request.code}: {said}" if said else ""


async def _tell(parts: Parts, choice: Choice, lines: Sequence[str]) -> None:
    if not lines or choice.place is None:
        return
    async with transaction(parts.pool) as connection:
        told = await store.add_delivery(
            connection,
            kind="private",
            team=choice.person.team,
            channel=choice.place.channel,
            thread_ts=choice.place.thread or None,
            user=choice.person.user,
            text=several_not_decided(lines),
        )
        await parts.jobs.defer(connection, [deliver_job(told)])
