"""The one place that writes a verdict.

Every transport (a click, the command line, the clock) authenticates a person and comes
here; nothing else changes `requests.status`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bot.approvals import store
from bot.approvals.audit import SQL, about, append, as_json
from bot.approvals.judge import (
    CHANGES,
    Choice,
    Effect,
    Judgement,
    judge,
    unfillable,
)
from bot.approvals.model import Decision, Person, Profile, Request, Status
from bot.approvals.ports import (
    Jobs,
    People,
    Phrases,
    Policies,
    deliver_job,
    edit_job,
    resume_job,
)
from bot.approvals.replies import Replies
from bot.database.pool import Connection, Pool, transaction
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
        async with transaction(self.pool) as connection:
            found = await store.load_locked(connection, choice.request)
            if found is None:
                judgement = Judgement(Effect.REFUSED, "unknown_request")
                await self._replies.answer(connection, choice, judgement, None)
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
            await self._replies.answer(connection, choice, judgement, request)
            return judgement, request

    def _group(self, request: Request) -> Sequence[str]:
        """The open stage's people now; a group that is gone has nobody."""
        if request.stage_index >= len(request.stages):
            return ()
        name = request.stages[request.stage_index].approvers
        group = self.policies.current.groups.get(name)
        return group.users if group else ()

    @property
    def _replies(self) -> Replies:
        return Replies(self.phrases, self.jobs)

    async def _refuse_unseen(self, choice: Choice) -> tuple[Judgement, Request | None]:
        judgement = Judgement(Effect.REFUSED, "could_not_check")
        async with transaction(self.pool) as connection:
            request = await store.load(connection, choice.request)
            await self._replies.answer(connection, choice, judgement, request)
            return judgement, request


async def apply(
    connection: Connection,
    jobs: Jobs,
    request: Request,
    choice: Choice,
    judgement: Judgement,
) -> None:
    """Write a change that `judge` allowed, with its trail and what follows from it."""
    note = choice.reason if judgement.word == "" else judgement.word
    if judgement.effect is Effect.TIMED_OUT:
        await _write(connection, jobs, request, judgement, note, ("clock", ""))
    else:
        who = (choice.person.user, choice.via)
        await _write(connection, jobs, request, judgement, note, who, choice)


async def _write(
    connection: Connection,
    jobs: Jobs,
    request: Request,
    judgement: Judgement,
    note: str,
    who: tuple[str, str],
    choice: Choice | None = None,
) -> None:
    status = CLOSES.get(judgement.effect)
    actor, via = who
    event, stage = str(judgement.effect), request.stage_index
    fact = about(request, event, actor=actor, via=via, stage=stage, note=note)
    written = await connection.execute(
        SQL["decide"],
        {
            "id": request.id,
            "stage": stage,
            "passes": judgement.effect in (Effect.STAGE_PASSED, Effect.APPROVED),
            "status": status,
            "note": note,
            "facts": as_json([fact]),
            **_word(choice),
        },
    )
    row = await written.fetchone()
    if row is None or (status is not None and not row["closed"]):
        raise Overtaken(request.id)
    follow = [edit_job(delivery) for delivery in row["touched"]]
    if status is not None:
        follow.append(resume_job(request.conversation))
    await jobs.defer(connection, follow)


def _word(choice: Choice | None) -> dict[str, str | None]:
    """What a person said, as the statement wants it; all None where nobody did."""
    if choice is None:
        names = ("enterprise", "team", "user", "verdict", "reason", "via", "click")
        return dict.fromkeys(names)
    return {
        "enterprise": choice.person.enterprise,
        "team": choice.person.team,
        "user": choice.person.user,
        "verdict": choice.verdict,
        "reason": choice.reason,
        "via": choice.via,
        "click": choice.click,
    }


class Overtaken(Exception):
    """The deadline passed between the judgement and its writing; try again."""


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


async def reopen(
    connection: Connection, jobs: Jobs, request: Request, lost: Decision, why: str
) -> bool:
    """Void a decision whose right is lost and ask again; False if the call has begun.

    Raises:
        Overtaken: the request is no longer approved; nothing may be written.
    """
    key = {"id": request.id}
    await connection.execute(SQL["lock_request"], key)
    withdrawn = await connection.execute(SQL["withdraw_grant"], key)
    if withdrawn.rowcount != 1:
        return False
    note = f"<@{lost.person.user}> may no longer decide: {why}"
    reopened = await connection.execute(SQL["reopen_request"], {**key, "note": note})
    if reopened.rowcount != 1:
        raise Overtaken(request.id)
    word = {**key, "user": lost.person.user, "stage": lost.stage}
    await connection.execute(SQL["void_decisions"], {**word, "reason": why})
    await connection.execute(SQL["reopen_stage"], {**key, "stage": lost.stage})
    fact = about(request, "voided", actor=lost.person.user, reason=note)
    await append(connection, [fact])
    await _ask_again(connection, jobs, request.id, lost.person.user)
    return True


async def _ask_again(
    connection: Connection, jobs: Jobs, request_id: str, without: str
) -> None:
    """Redraw a reopened request, or reject it where nobody is left to decide it.

    One that is overdue is left to the clock, which alone closes those.
    """
    found = await store.load_with_clock(connection, request_id)
    if found is None:
        return
    request, now = found
    rest = replace(request, participants=(*request.participants, without))
    stuck = unfillable(rest)
    if stuck and now < request.expires_at:
        await reject_unfillable(connection, jobs, request, stuck.approvers)
        return
    touched = await store.touch(connection, request_id)
    await jobs.defer(connection, [deliver_job(delivery) for delivery in touched])


async def orphan(
    connection: Connection, jobs: Jobs, requests: Sequence[Request]
) -> None:
    """Close open requests that their graph no longer asks, and redraw their cards."""
    ids = [request.id for request in requests]
    found = await connection.execute(
        SQL["orphan_requests"], {"ids": ids, "note": "no longer asked"}
    )
    closed = {row["id"] for row in await found.fetchall()}
    for request in requests:
        if request.id in closed:
            await append(connection, [about(request, "orphaned")])
            touched = await store.touch(connection, request.id)
            await jobs.defer(connection, [deliver_job(one) for one in touched])


async def reject_by_operator(
    pool: Pool, jobs: Jobs, request_id: str, reason: str, operator: str
) -> Request | None:
    """The brake on the command line. There is no counterpart that approves.

    Returns:
        The request as it was, or None if there is none with that id. A request that
        is closed already stays as it is.
    """
    async with transaction(pool) as connection:
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
