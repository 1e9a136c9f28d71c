"""Silence: reminders, escalations, and the end of what nobody has decided in time."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

from bot.approvals import SQL, store
from bot.approvals.audit import about, as_json
from bot.approvals.model import Request
from bot.approvals.ports import Job, Jobs
from bot.approvals.stages import wind_clock
from bot.approvals.timetable import Nudge, due, nudged, wakes_at
from bot.approvals.transitions import expire, lapse
from bot.base.faults import reach
from bot.database.pool import Connection, Pool, transaction

# Rows of a batch stay locked until it is done, and a click on one of them waits.
BATCH = 25
# Seconds after which the graphs of a full batch go on. By then thousands are closed,
# and the process has time for them beside the clicks.
GRAPHS_LATER = 30.0
Loaded = Sequence[tuple[Request, datetime]]  # with the database's clock
Act = Callable[[Connection, Jobs, Loaded], Awaitable[int]]


@dataclass(frozen=True)
class _Unhurried:
    """Leaves messages to the clock, which sends them a few at a time.

    For what is many at once: sent right after their commit, they would hold up the
    messages that people wait for.
    """

    jobs: Jobs

    async def defer(self, connection: Connection, jobs: Sequence[Job]) -> None:
        await self.jobs.defer(connection, jobs)

    def post(self, connection: Connection, messages: Iterable[str]) -> None:
        pass

    def edit(self, connection: Connection, messages: Iterable[str]) -> None:
        pass


async def expire_due(pool: Pool, jobs: Jobs, batch: int = BATCH) -> int:
    """Reject what is overdue by the database's clock; return how many there were.

    Replicas share the work: each skips the rows that another has locked.
    """
    expired = await _in_batches(pool, jobs, SQL["select_due"], _expire, batch)
    if expired:
        reach("decided")
    return expired


async def nudge_due(pool: Pool, jobs: Jobs, batch: int = BATCH) -> int:
    """Remind and escalate where that is due; return how many requests it was.

    However late this comes, each of them gets one message at most. Replicas share the
    work, and what is sent is marked in the transaction that writes it down.
    """
    return await _in_batches(pool, jobs, SQL["select_waking"], _nudge, batch)


async def lapse_due(pool: Pool, jobs: Jobs, batch: int = BATCH) -> int:
    """Close what agents outside have not claimed, or not reported, in time.

    Returns how many requests it was. Replicas share the work.
    """
    return await _in_batches(pool, jobs, SQL["select_lapsed"], _lapse, batch)


async def _in_batches(
    pool: Pool, jobs: Jobs, statement: LiteralString, act: Act, batch: int
) -> int:
    total = 0
    while True:
        async with transaction(pool) as connection:
            found = await connection.execute(statement, {"limit": batch})
            ids = [row["id"] for row in await found.fetchall()]
            if not ids:
                return total
            loaded = await store.named_with_clock(connection, ids)
            is_many = len(ids) == batch
            total += await act(
                connection, _Unhurried(jobs) if is_many else jobs, loaded
            )
        if not is_many:
            return total


async def _expire(connection: Connection, jobs: Jobs, loaded: Loaded) -> int:
    overdue = [request for request, now in loaded if now >= request.deadline]
    for request, now in loaded:
        if now < request.deadline:  # another version has passed a stage on
            await wind_clock(connection, request.id)
    later = GRAPHS_LATER if isinstance(jobs, _Unhurried) else 0.0
    await expire(connection, jobs, *overdue, later=later)
    return len(overdue)


async def _lapse(connection: Connection, jobs: Jobs, loaded: Loaded) -> int:
    return sum([await lapse(connection, jobs, request) for request, _ in loaded])


async def _nudge(connection: Connection, jobs: Jobs, loaded: Loaded) -> int:
    nudged = 0
    for request, now in loaded:
        if nudge := due(request, now):
            await _give(connection, jobs, request, nudge, now)
            nudged += 1
            continue
        wake = wakes_at(request, now)
        await connection.execute(SQL["wake_later"], {"id": request.id, "wake": wake})
    return nudged


async def _give(
    connection: Connection, jobs: Jobs, request: Request, nudge: Nudge, now: datetime
) -> None:
    """Mark it, tell people, write it down: all of it or nothing."""
    index, after = request.chain.stage_index, nudged(request, nudge, now)
    stage, delivery = after.chain.stages[index], str(uuid.uuid4())
    words = {"reminded": nudge.reminds, "escalated": nudge.escalates}
    facts = [
        about(request, word, actor="clock", stage=index, group=stage.approvers)
        for word, is_so in words.items()
        if is_so
    ]
    touched = await connection.execute(
        SQL["nudge"],
        {
            "id": request.id,
            "stage": index,
            "reminded_at": stage.reminded_at,
            "escalated_at": stage.escalated_at,
            "wake": wakes_at(after, now),
            "delivery": delivery,
            "kind": str(nudge.event),
            "facts": as_json(facts),
        },
    )
    jobs.edit(connection, [row["id"] for row in await touched.fetchall()])
    jobs.post(connection, [delivery])
