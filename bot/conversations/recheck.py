"""Before a verdict is carried out: does it still stand?

Its people may have lost their right to it, and the policy may ask for more by now.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.approvals import store
from bot.approvals.chains import what_is_added
from bot.approvals.judge import unfillable
from bot.approvals.model import Decision, Execution, Outcome, Profile, Request, Status
from bot.approvals.policy.model import Denied, Policy
from bot.approvals.ports import Jobs, People, Policies
from bot.approvals.standing import (
    Standing,
    holds,
    live_sources,
    refreshed,
    tightened,
    with_members,
)
from bot.approvals.verdicts import ask_again, reject_by_policy, reopen
from bot.database.pool import Connection, Pool, transaction


@dataclass(frozen=True)
class Doubt:
    """Why a verdict does not stand: a sentence, and what is behind it."""

    why: str
    lost: Decision | None = None
    tight: Request | None = None
    denied: Denied | None = None


@dataclass(frozen=True)
class Recheck:
    """Looks at people and policy once more, while the question is pending."""

    pool: Pool
    jobs: Jobs
    people: People
    policies: Policies

    async def standing(self, requests: Sequence[Request]) -> list[Request]:
        """The requests whose verdicts stand; the others are open again, or rejected.

        Raises:
            SlackUnavailable: nobody can tell; try again later.
        """
        stands: list[Request] = []
        for request in requests:
            if not await self._is_voided(request):
                stands.append(request)
        return stands

    async def _is_voided(self, request: Request) -> bool:
        given = (Status.APPROVED, Status.ANSWERED)
        if request.status not in given or _has_begun(request):
            return False
        if request.outcome is Outcome.WAIVED:
            return False
        standing = await self._look_up(request, self.policies.current)
        doubt = await self._doubt(request, standing)
        return doubt is not None and await self._reopen(request, doubt, standing)

    async def _look_up(self, request: Request, policy: Policy) -> Standing:
        tight = tightened(request, policy)
        stages = request.stages if isinstance(tight, Denied) else tight.stages
        members = {
            source: await self.people.members(source, request.requester)
            for source in sorted(live_sources(stages, policy))
        }
        async with self.pool.connection() as connection:
            now = await store.clock(connection)
        return Standing(policy, now, members)

    async def _doubt(self, request: Request, standing: Standing) -> Doubt | None:
        tight = tightened(request, standing.policy)
        if isinstance(tight, Denied):
            return Doubt(tight.why, denied=tight)
        own, *profiles = await self._profiles(request)
        for decision, profile in zip(request.decisions, profiles, strict=True):
            why = profile.refusal or _same_account(own, profile)
            if not why and not holds(decision, request, standing):
                why = f"no longer in {request.stages[decision.stage].approvers}"
            if why:
                who = f"<@{decision.person.user}>"
                return Doubt(f"{who} may no longer decide: {why}", lost=decision)
        is_run = request.status is Status.APPROVED or request.is_answered
        if is_run and tight.stages != request.stages:
            added = what_is_added(request, tight)
            return Doubt(added, tight=with_members(tight, standing))
        return None

    async def _profiles(self, request: Request) -> list[Profile]:
        """Of whoever asked, and of whoever decided, in order."""
        people = [request.requester, *(word.person for word in request.decisions)]
        return await asyncio.gather(*(self.people.look_up(each) for each in people))

    async def _reopen(self, request: Request, doubt: Doubt, standing: Standing) -> bool:
        """Ask again; False if the call has begun meanwhile."""
        async with transaction(self.pool) as connection:
            again = await reopen(
                connection,
                self.jobs,
                request,
                doubt.why,
                lost=doubt.lost,
                tight=doubt.tight,
            )
            if again is None:
                return False
            await self._go_on(connection, again, doubt, standing)
            return True

    async def _go_on(
        self, connection: Connection, again: Request, doubt: Doubt, standing: Standing
    ) -> None:
        """Ask the people of a reopened request, or reject it where that is no use.

        One that is overdue is left to the clock, which alone closes those.
        """
        if await store.clock(connection) >= again.deadline:
            return
        if doubt.denied is not None:
            await reject_by_policy(
                connection, self.jobs, again, Outcome.DENIED, doubt.why
            )
        elif stuck := unfillable(_without(refreshed(again, standing), doubt)):
            await reject_by_policy(
                connection, self.jobs, again, Outcome.UNFILLABLE, stuck.approvers
            )
        else:
            await ask_again(connection, self.jobs, again)


def _same_account(own: Profile, other: Profile) -> str:
    """Why a decision is the requester's own, made by another account of theirs."""
    if own.person.is_same(other.person) or not own.mailbox:
        return ""  # a stage of the requester's own is theirs to decide
    same = own.mailbox == other.mailbox
    return "it has the e-mail address of the person who asked" if same else ""


def _without(request: Request, doubt: Doubt) -> Request:
    """Whoever lost the right is not among those who can decide it again."""
    if doubt.lost is None:
        return request
    gone = doubt.lost.person.user
    return replace(request, participants=(*request.participants, gone))


def _has_begun(request: Request) -> bool:
    """Whether a run before a crash has taken the grant: nothing is left to void."""
    return request.execution not in (None, Execution.APPROVED)
