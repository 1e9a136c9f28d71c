"""Whether a graph takes an answer, while the form that gave it is still open."""

from __future__ import annotations

import asyncio

from bot.approvals import store
from bot.approvals.model import Execution, Outcome, Request, Status
from bot.database.pool import Pool

#: Seconds; Slack closes a form itself after three without an answer.
PATIENCE, STEP = 1.5, 0.05
_UNDER_WAY = frozenset({None, Execution.APPROVED, Execution.EXECUTING})


async def refused_by_graph(pool: Pool, request_id: str) -> Request | None:
    """The request, open again, if the graph has refused its answer by now.

    Waits a moment for what becomes of it. A later refusal stands on the card.
    """
    until = asyncio.get_running_loop().time() + PATIENCE
    while asyncio.get_running_loop().time() < until:
        async with pool.connection() as connection:
            request = await store.load(connection, request_id)
        if request is None or _is_taken(request):
            return None
        if request.is_open and request.outcome is Outcome.REOPENED:
            return request
        await asyncio.sleep(STEP)
    return None


def _is_taken(request: Request) -> bool:
    """Whether nothing more is to come of the answer."""
    if request.is_open:  # a stage is left, unless the graph has refused it
        return request.outcome is not Outcome.REOPENED
    decided = request.status in {Status.APPROVED, Status.ANSWERED}
    return not decided or request.execution not in _UNDER_WAY
