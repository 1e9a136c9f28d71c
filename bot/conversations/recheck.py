"""Before a verdict is carried out: do its approvers still have the right to it?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.approvals.decide import reopen
from bot.approvals.model import Decision, Execution, Request, Status
from bot.approvals.ports import Jobs, People, Policies
from bot.database.pool import Pool, transaction


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
            if lost is None or not await self._reopen(request, *lost):
                stands.append(request)
        return stands

    async def _lost(self, request: Request) -> tuple[Decision, str] | None:
        if request.status is not Status.APPROVED or _has_begun(request):
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

    async def _reopen(self, request: Request, lost: Decision, why: str) -> bool:
        async with transaction(self.pool) as connection:
            return await reopen(connection, self.jobs, request, lost, why)


def _has_begun(request: Request) -> bool:
    """Whether a run before a crash has taken the grant: nothing is left to void."""
    return request.execution not in (None, Execution.APPROVED)
