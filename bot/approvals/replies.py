"""What follows a choice for the person who made it: the trail, a private sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.approvals import store
from bot.approvals.audit import Fact, about, append
from bot.approvals.audit_detail import choice_detail, stage_detail
from bot.approvals.choice import CHANGES, Choice, Effect
from bot.approvals.judge import Judgement
from bot.approvals.model import Request
from bot.approvals.ports import Jobs, Phrases, deliver_job
from bot.database.pool import Connection


@dataclass(frozen=True)
class Replies:
    """Answers choices in the transaction that judged them."""

    phrases: Phrases
    jobs: Jobs

    async def answer(
        self,
        connection: Connection,
        choice: Choice,
        judgement: Judgement,
        request: Request | None,
    ) -> None:
        """Audit an attempt that decided nothing, tell the person, redraw a stale card.

        Args:
            request: as it was when the choice was judged; None if there is none.
        """
        jobs: list[str] = []
        if judgement.effect not in CHANGES or judgement.effect is Effect.TIMED_OUT:
            await append(connection, [_attempt(choice, judgement, request)])
        if request and judgement.effect in (Effect.LATE, Effect.REFUSED):
            jobs += await store.touch(connection, request.id)
        text = self.phrases.answer(judgement, request, choice.person)
        if choice.place and text and not choice.quiet:
            jobs.append(
                await store.add_delivery(
                    connection,
                    kind="private",
                    team=choice.person.team,
                    channel=choice.place.channel,
                    thread_ts=choice.place.thread or None,
                    user=choice.person.user,
                    text=text,
                )
            )
        await self.jobs.defer(connection, [deliver_job(job) for job in jobs])


def _attempt(choice: Choice, judgement: Judgement, request: Request | None) -> Fact:
    # A click that finds the deadline over closes the request in the clock's name; the
    # person's own attempt was late.
    timed_out = judgement.effect is Effect.TIMED_OUT
    event = str(Effect.LATE if timed_out else judgement.effect)
    actor, via = choice.person.user, choice.via
    detail: dict[str, Any] = {
        "word": judgement.word,
        "asked_for": choice.request[:64],
        **choice_detail(choice),
    }
    if request is None:
        return Fact(choice.person.team, event, actor=actor, via=via, detail=detail)
    if choice.person.team != request.team:
        detail["actor_team"] = choice.person.team
    stage = stage_detail(request, request.stage_index)
    return about(request, event, actor=actor, via=via, **stage, **detail)
