"""Silence: reminders, escalations, and the end of what nobody has decided in time."""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, LiteralString

from bot.approvals import SQL, store
from bot.approvals.audit import about, as_json
from bot.approvals.model import Hours, Request, Stage
from bot.approvals.policy.model import zone
from bot.approvals.ports import Job, Jobs
from bot.approvals.stages import wind_clock
from bot.approvals.transitions import expire, lapse
from bot.base.faults import reach
from bot.database.pool import Connection, Pool, transaction

# Rows of a batch stay locked until it is done, and a click on one of them waits: for a
# tenth of a second. What timed out is closed by one statement for all of a batch.
BATCH = 25
TIMED_OUT = 100
# Seconds to close one of many. The cards and graphs of a full batch wait until all that
# is overdue is closed at that pace: they would take the process's time from it.
PACE = 0.003
Loaded = Sequence[tuple[Request, datetime]]  # with the database's clock
Act = Callable[[Connection, Jobs, Loaded], Awaitable[int]]


@dataclass(frozen=True)
class _Unhurried:
    """Leaves messages to the clock, which sends them a few at a time.

    For what is many at once: sent right after their commit, they would hold up the
    messages that people wait for.

    Attributes:
        overdue: how many are, these included, as far as that is counted.
    """

    jobs: Jobs
    overdue: int

    async def defer(self, connection: Connection, jobs: Sequence[Job]) -> None:
        await self.jobs.defer(connection, jobs)

    @property
    def free_worker(self) -> None:
        return None

    def begin(
        self,
        connection: Connection,
        job: Job,
        number: int | None,
        row: Mapping[str, Any] | None = None,
    ) -> None:
        pass

    @property
    def lease(self) -> None:
        return None

    def post(
        self,
        connection: Connection,
        messages: Iterable[str],
        taken: Mapping[str, Any] | None = None,
        conversation: str = "",
    ) -> None:
        pass

    def edit(self, connection: Connection, messages: Iterable[str]) -> None:
        pass


async def expire_due(pool: Pool, jobs: Jobs, batch: int = TIMED_OUT) -> int:
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
            rows = await found.fetchall()
            if not rows:
                return total
            ids = [row["id"] for row in rows]
            loaded = await store.named_with_clock(connection, ids)
            # the commit locks the chains of their workspaces in this order: in another
            # one, two replicas would wait for each other
            loaded.sort(key=lambda each: each[0].team)
            is_many = len(ids) == batch
            unhurried = _Unhurried(jobs, rows[0].get("overdue", 0))
            total += await act(connection, unhurried if is_many else jobs, loaded)
        if not is_many:
            return total


async def _expire(connection: Connection, jobs: Jobs, loaded: Loaded) -> int:
    overdue = [request for request, now in loaded if now >= request.deadline]
    for request, now in loaded:
        if now < request.deadline:  # another version has passed a stage on
            await wind_clock(connection, request.id)
    later = jobs.overdue * PACE if isinstance(jobs, _Unhurried) else 0.0
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
    index, told = request.chain.stage_index, nudged(request, nudge, now)
    stage, delivery = told.chain.stages[index], str(uuid.uuid4())
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
            "wake": wakes_at(told, now),
            "delivery": delivery,
            "kind": str(nudge.event),
            "facts": as_json(facts),
        },
    )
    jobs.edit(connection, [row["id"] for row in await touched.fetchall()])
    jobs.post(connection, [delivery])


# --- When silence brings something: pure, and in UTC throughout -----------------------

_DAY = dt.timedelta(days=1)
_AT_ONCE = dt.timedelta()


class Event(enum.StrEnum):
    """An event of a stage that stays open; the kind of the message about it."""

    REMINDER = "reminder"
    ESCALATION = "escalation"


@dataclass(frozen=True)
class Moment:
    """Something that comes at an instant, if nobody decides before."""

    event: Event
    at: dt.datetime


@dataclass(frozen=True)
class Nudge:
    """The one message that is due now because a stage stays silent.

    Attributes:
        event: the kind of the message: the newest of all that is due.
        reminds, escalates: what of it is due; the message covers both.
    """

    event: Event
    reminds: bool
    escalates: bool


def upcoming(request: Request) -> list[Moment]:
    """Return what comes before the open stage is over, earliest first.

    What is due already and not done is included. Empty for a closed request.
    """
    stage = request.chain.open_stage
    if not request.is_open or stage is None or stage.opened_at is None:
        return []
    until = request.deadline.astimezone(dt.UTC)
    opened = stage.opened_at.astimezone(dt.UTC)
    moments = [
        *_escalation(stage, opened, request.terms.hours, until),
        *_reminders(stage, opened, request.terms.hours, until),
    ]
    return sorted(moments, key=lambda moment: moment.at)


def due(request: Request, now: dt.datetime) -> Nudge | None:
    """Return what to do now; None if nothing is due or the time is over.

    However much is due, there is one message: the newest. At one instant it is the
    reminder, which mentions those who join as well.
    """
    if now >= request.deadline or not clock_runs(request.terms.hours, now):
        return None
    late = [moment for moment in upcoming(request) if moment.at <= now]
    if not late:
        return None
    events = {moment.event for moment in late}
    newest = max(late, key=lambda each: (each.at, each.event is Event.REMINDER))
    return Nudge(newest.event, Event.REMINDER in events, Event.ESCALATION in events)


def nudged(request: Request, nudge: Nudge, now: dt.datetime) -> Request:
    """The request once the nudge is given."""
    chain, index = request.chain, request.chain.stage_index
    stage = chain.stages[index]
    stage = replace(
        stage,
        reminded_at=now if nudge.reminds else stage.reminded_at,
        escalated_at=now if nudge.escalates else stage.escalated_at,
    )
    stages = (*chain.stages[:index], stage, *chain.stages[index + 1 :])
    return replace(request, chain=replace(chain, stages=stages))


def wakes_at(request: Request, now: dt.datetime) -> dt.datetime | None:
    """When to look at the request next; None: its deadline is all that comes.

    What was due while nobody looked waits for the hours as well.
    """
    coming = upcoming(request)
    if not coming or coming[0].at > now:
        return coming[0].at if coming else None
    return after(
        now.astimezone(dt.UTC), _AT_ONCE, request.terms.hours, request.deadline
    )


def clock_runs(hours: Hours | None, now: dt.datetime) -> bool:
    """Return whether the clock of reminders and escalations runs at this instant."""
    here = now.astimezone(dt.UTC)
    return after(here, _AT_ONCE, hours, here + dt.timedelta(seconds=1)) == here


def earliest(stage: Stage) -> dt.timedelta | None:
    """Since its opening, when something can come at the earliest: hours only delay."""
    escalation = stage.times.escalation
    waits = [*stage.times.reminders, *([escalation.after] if escalation else [])]
    return min(waits, default=None)


def _escalation(
    stage: Stage, opened: dt.datetime, hours: Hours | None, until: dt.datetime
) -> Iterable[Moment]:
    escalation = stage.times.escalation
    if escalation is None or stage.escalated_at is not None:
        return
    at = after(opened, escalation.after, hours, until)
    if at is not None:
        yield Moment(Event.ESCALATION, at)


def _reminders(
    stage: Stage, opened: dt.datetime, hours: Hours | None, until: dt.datetime
) -> Iterable[Moment]:
    """Yield the reminders that are not sent yet.

    They back off: after one that came late, the next one comes no sooner than after
    half of what the policy has between them.
    """
    before, told = opened, stage.reminded_at
    for reminder in stage.times.reminders:
        planned = after(opened, reminder, hours, until)
        if planned is None:
            return
        if stage.reminded_at is None or planned > stage.reminded_at:
            soonest = planned if told is None else told + (planned - before) / 2
            at = after(max(planned, soonest), _AT_ONCE, hours, until)
            if at is None:
                return
            yield Moment(Event.REMINDER, at)
            told = at
        before = planned


def after(
    start: dt.datetime, wait: dt.timedelta, hours: Hours | None, until: dt.datetime
) -> dt.datetime | None:
    """Return the instant by which so much of the hours has passed since `start`.

    Args:
        start, until: in UTC.

    Returns:
        In UTC; None if that is not before `until`.
    """
    left = wait
    for begin, end in _windows(start, hours, until):
        if begin + left < end:
            return begin + left
        left -= end - begin
    return None


def _windows(
    start: dt.datetime, hours: Hours | None, until: dt.datetime
) -> Iterable[tuple[dt.datetime, dt.datetime]]:
    """When the clock runs between two instants, in UTC."""
    if hours is None:
        yield start, until
        return
    here = zone(hours.zone)
    day, last = start.astimezone(here).date(), until.astimezone(here).date()
    while day <= last:
        if day.weekday() in hours.days:
            begin = max(_instant(day, hours.begin, here), start)
            end = min(_instant(day, hours.end, here), until)
            if begin < end:
                yield begin, end
        day += _DAY


def _instant(day: dt.date, minutes: int, here: dt.tzinfo) -> dt.datetime:
    """A time of a local day in UTC, the earlier one where the clocks show it twice."""
    midnight = dt.datetime.combine(day, dt.time())
    return (
        (midnight + dt.timedelta(minutes=minutes))
        .replace(tzinfo=here)
        .astimezone(dt.UTC)
    )
