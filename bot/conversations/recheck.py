"""Before a verdict is carried out: do its approvers still have the right to it?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.approvals import store
from bot.approvals.audit import SQL, about, append
from bot.approvals.decide import reject_unfillable
from bot.approvals.judge import unfillable
from bot.approvals.model import Decision, Request, Status
from bot.approvals.ports import Jobs, People, Policies, deliver_job
from bot.database.pool import Pool


@dataclass(frozen=True)
class Recheck:
    """Looks the people of a verdict up once more, while its question is pending."""

    pool: Pool
    jobs: Jobs
    people: People
    policies: Policies

    async def standing(self, requests: Sequence[Request]) -> list[Request]:
        """The requests whose verdicts stand; the others are open again.

        Raises:
            SlackUnavailable: nobody can tell; try again later.
        """
        stands: list[Request] = []
        for request in requests:
            lost = await self._lost(request)
            if lost is None:
                stands.append(request)
            else:
                await self._reopen(request, *lost)
        return stands

    async def _lost(self, request: Request) -> tuple[Decision, str] | None:
        if request.status is not Status.APPROVED:
            return None
        for decision in request.decisions:
            profile = await self.people.look_up(decision.person)
            name = request.stages[decision.stage].approvers
            group = self.policies.current.groups.get(name)
            if profile.refusal:
                return decision, profile.refusal
            if group is None or decision.person.user not in group.users:
                return decision, f"no longer in {name}"
        return None

    async def _reopen(self, request: Request, decision: Decision, why: str) -> None:
        async with self.pool.connection() as connection, connection.transaction():
            await connection.execute(SQL["lock_request"], {"id": request.id})
            note = f"<@{decision.person.user}> may no longer decide: {why}"
            reopened = await connection.execute(
                SQL["reopen_request"], {"id": request.id, "note": why}
            )
            if reopened.rowcount != 1:
                return
            key = {"id": request.id}
            user = decision.person.user
            await connection.execute(SQL["withdraw_grant"], key)
            await connection.execute(
                SQL["void_decision"], {**key, "user": user, "reason": why}
            )
            await connection.execute(
                SQL["reopen_stage"], {**key, "stage": decision.stage}
            )
            fact = about(request, "voided", actor=user, reason=note)
            await append(connection, [fact])
            fresh = await store.load(connection, request.id)
            if fresh and (stuck := unfillable(_without(fresh, user))):
                await reject_unfillable(connection, self.jobs, fresh, stuck.approvers)
                return
            touched = await store.touch(connection, request.id)
            await self.jobs.defer(connection, [deliver_job(one) for one in touched])


def _without(request: Request, user: str) -> Request:
    return replace(request, participants=(*request.participants, user))
