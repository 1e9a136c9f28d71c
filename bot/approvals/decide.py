"""The one place that writes a verdict.

Every transport (a click, the command line, the clock) authenticates a person and comes
here; nothing else changes `requests.status`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bot.approvals import store
from bot.approvals.audit import SQL, Fact, about, append
from bot.approvals.judge import CHANGES, Choice, Effect, Judgement, judge
from bot.approvals.model import Decision, Person, Profile, Request, Status
from bot.approvals.ports import (
    Jobs,
    People,
    Phrases,
    Policies,
    deliver_job,
    resume_job,
)
from bot.database.pool import Connection, Pool
from bot.errors import SlackUnavailable

CLOSES = {
    Effect.APPROVED: Status.APPROVED,
    Effect.REJECTED: Status.REJECTED,
    Effect.WITHDRAWN: Status.WITHDRAWN,
    Effect.TIMED_OUT: Status.TIMED_OUT,
}


@dataclass(frozen=True)
class Decider:
    """Takes people's words. `pool` is the listeners' own, so agents never starve it."""

    pool: Pool
    people: People
    policies: Policies
    phrases: Phrases
    jobs: Jobs
    own_app: Callable[[], str]

    async def decide(self, choice: Choice) -> tuple[Judgement, Request | None]:
        """Judge a choice and write what comes of it, in one transaction.

        Raises:
            psycopg.Error, psycopg_pool.PoolTimeout: nothing was written; the caller
                must not acknowledge.
        """
        try:
            profile = await self.people.look_up(choice.person)
        except SlackUnavailable:
            return await self._refuse_unseen(choice)
        try:
            return await self._decide(choice, profile)
        except Overtaken:
            return await self._decide(choice, profile)

    async def _decide(
        self, choice: Choice, profile: Profile
    ) -> tuple[Judgement, Request | None]:
        async with self.pool.connection() as connection, connection.transaction():
            found = await store.load_locked(connection, choice.request)
            if found is None:
                judgement = Judgement(Effect.REFUSED, "unknown_request")
                await self._answer(connection, choice, judgement, None)
                return judgement, None
            request, now = found
            judgement = judge(
                request,
                choice,
                profile=profile,
                group_now=self._group(request),
                own_app=self.own_app(),
                now=now,
            )
            if judgement.effect in CHANGES:
                await apply(connection, self.jobs, request, choice, judgement)
            await self._answer(connection, choice, judgement, request)
            return judgement, request

    def _group(self, request: Request) -> Sequence[str]:
        """The open stage's people now; a group that is gone has nobody."""
        if request.stage_index >= len(request.stages):
            return ()
        name = request.stages[request.stage_index].approvers
        group = self.policies.current.groups.get(name)
        return group.users if group else ()

    async def _refuse_unseen(self, choice: Choice) -> tuple[Judgement, Request | None]:
        judgement = Judgement(Effect.REFUSED, "could_not_check")
        async with self.pool.connection() as connection, connection.transaction():
            request = await store.load(connection, choice.request)
            await self._answer(connection, choice, judgement, request)
            return judgement, request

    async def _answer(
        self,
        connection: Connection,
        choice: Choice,
        judgement: Judgement,
        request: Request | None,
    ) -> None:
        """Audit the attempt, tell the person privately, redraw a stale card."""
        jobs: list[str] = []
        if judgement.effect not in CHANGES:
            await append(connection, [_attempt(choice, judgement, request)])
            if request and judgement.effect is Effect.LATE:
                jobs += await store.touch(connection, request.id)
        if choice.place and (text := self.phrases.answer(judgement, request)):
            jobs.append(
                await store.add_delivery(
                    connection,
                    kind="private",
                    team=choice.person.team,
                    channel=choice.place.channel,
                    user=choice.person.user,
                    text=text,
                )
            )
        await self.jobs.defer(connection, [deliver_job(job) for job in jobs])


async def apply(
    connection: Connection,
    jobs: Jobs,
    request: Request,
    choice: Choice,
    judgement: Judgement,
) -> None:
    """Write a change that `judge` allowed, with its trail and what follows from it."""
    stage = request.stage_index
    if judgement.effect is not Effect.TIMED_OUT:
        word = Decision(
            choice.person,
            choice.verdict,
            stage,
            request.raised_at,
            choice.via,
            choice.reason,
            choice.click,
        )
        await store.add_decision(connection, request.id, word)
    if judgement.effect is Effect.STAGE_PASSED:
        await store.pass_stage(connection, request.id, stage)
    note = choice.reason if judgement.word == "" else judgement.word
    await _write(connection, jobs, request, judgement, note, _who(choice, judgement))


def _who(choice: Choice, judgement: Judgement) -> tuple[str, str]:
    if judgement.effect is Effect.TIMED_OUT:
        return "clock", ""
    return choice.person.user, choice.via


async def _write(
    connection: Connection,
    jobs: Jobs,
    request: Request,
    judgement: Judgement,
    note: str,
    who: tuple[str, str],
) -> None:
    status = CLOSES.get(judgement.effect)
    if status is not None:
        await _close(connection, request, status, note)
    actor, via = who
    fact = about(
        request,
        str(judgement.effect),
        actor=actor,
        via=via,
        stage=request.stage_index,
        note=note,
    )
    await append(connection, [fact])
    touched = await store.touch(connection, request.id)
    follow = [deliver_job(delivery) for delivery in touched]
    if status is not None:
        follow.append(resume_job(request.conversation))
    await jobs.defer(connection, follow)


async def _close(
    connection: Connection, request: Request, status: Status, note: str
) -> None:
    if status is Status.APPROVED:
        await store.pass_stage(connection, request.id, request.stage_index)
        await store.add_grant(connection, request)
    closed = await connection.execute(
        SQL["close_request"], {"id": request.id, "status": status, "note": note}
    )
    if closed.rowcount != 1:
        raise Overtaken(request.id)


class Overtaken(Exception):
    """The deadline passed between the judgement and its writing; try again."""


def _attempt(choice: Choice, judgement: Judgement, request: Request | None) -> Fact:
    detail: dict[str, Any] = {
        "word": judgement.word,
        "verdict": str(choice.verdict),
        "asked_for": choice.request[:64],
    }
    return Fact(
        choice.person.team,
        str(judgement.effect),
        request=request.id if request else None,
        conversation=request.conversation if request else None,
        actor=choice.person.user,
        via=choice.via,
        detail=detail,
    )


async def expire(connection: Connection, jobs: Jobs, request: Request) -> None:
    """Reject by silence: the deadline of a locked, pending request is over."""
    judgement = Judgement(Effect.TIMED_OUT)
    await _write(connection, jobs, request, judgement, "", ("clock", ""))


async def reject_unfillable(
    connection: Connection, jobs: Jobs, request: Request, stage: str
) -> None:
    """Reject a locked, pending request that those who remain cannot decide."""
    judgement = Judgement(Effect.REJECTED)
    note = f"unfillable:{stage}"
    await _write(connection, jobs, request, judgement, note, ("bot", ""))


async def reject_by_operator(
    pool: Pool, jobs: Jobs, request_id: str, reason: str, operator: str
) -> Request | None:
    """The brake on the command line. There is no counterpart that approves.

    Returns:
        The request as it was, or None if there is none with that id. A request that
        is closed already stays as it is.
    """
    async with pool.connection() as connection, connection.transaction():
        found = await store.load_locked(connection, request_id)
        if found is None or not found[0].is_open:
            return found[0] if found else None
        request = found[0]
        person = Person("", request.team, operator)
        await connection.execute(
            SQL["close_by_operator"], {"id": request.id, "note": reason}
        )
        fact = about(request, "rejected", actor=person.user, via="cli", reason=reason)
        await append(connection, [fact])
        touched = await store.touch(connection, request.id)
        follow = [deliver_job(delivery) for delivery in touched]
        await jobs.defer(connection, [*follow, resume_job(request.conversation)])
        return request
