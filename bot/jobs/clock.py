"""The clock: at each tick ask the database what is due. Every replica ticks."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.approvals.deadlines import expire_due, lapse_due, nudge_due
from bot.approvals.ports import Job, prune_job, resume_job, turn_job
from bot.base.settings import Settings
from bot.base.time_limits import limits
from bot.database.pool import Pool, transaction
from bot.jobs import SQL
from bot.jobs.queue import Queue
from bot.texts import operation

log = structlog.get_logger(__name__)
BATCH = 100
LAST_TICK = 5.0  # seconds that a tick gets to end at a shutdown
PRUNED_AT_ONCE = 10
Duty = Callable[[], Coroutine[Any, Any, None]]
#: The numbers of this process's workers, and what each is at.
Held = Callable[[], Mapping[int, frozenset[int]]]
_JOBS = {"turn": turn_job, "resume": resume_job}


def seldom(duty: Duty) -> Duty:
    """Make a duty that costs much and can wait one for each minute, not each tick."""
    due = time.monotonic() + limits().seldom

    @functools.wraps(duty)
    async def if_due() -> None:
        nonlocal due
        if time.monotonic() >= due:
            await duty()
            due = time.monotonic() + limits().seldom

    return if_due


class Clock:
    """Ticks each `interval` seconds; a late tick is one tick, and it never dies."""

    def __init__(
        self,
        interval: float,
        pool: Pool,
        queue: Queue,
        duties: Sequence[Duty] = (),
        when: Mapping[str, Duty] | None = None,
        held: Held = dict,
    ) -> None:
        """Build a clock that does not tick yet.

        Args:
            duties: done at each tick, before all others.
            when: done where the column of that name in the look at what is due is true.
        """
        self._duties = duties
        self._when: Mapping[str, Duty] = {
            **(when or {}),
            "overdue": self._expire,
            "waking": self._nudge,
            "lapsed": self._lapse,
            "outdated": self._redraw,
            "stalled": self._retry_stalled,
            "left_behind": self._take_up,
            "unpruned": self._prune,
        }
        self._due: Mapping[str, Any] = {}
        self._lost = LostJobs(queue, held)
        self._interval = interval
        self._pool = pool
        self._queue = queue
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self.last_tick = time.monotonic()
        self._ticking = asyncio.Lock()
        self._under_way: dict[Duty, asyncio.Task[None]] = {}

    @property
    def trouble(self) -> str:
        """A sentence about ticks that do not come to their end; "" if they do."""
        late = time.monotonic() - self.last_tick - self._interval
        if not self._scheduler.running or late <= limits().late_tick:
            return ""
        return operation.clock_is_late(late)

    def start(self) -> None:
        """Begin to tick in the background."""
        self.last_tick = time.monotonic()
        self._scheduler.add_job(  # pyright: ignore[reportUnknownMemberType]
            self.tick,
            "interval",
            seconds=self._interval,
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )
        self._scheduler.start()

    async def stop(self) -> None:
        """Tick no more, once the tick that is under way has ended.

        The scheduler's own end cancels a running job, and with it a statement.
        """
        if not self._scheduler.running:
            return
        self._scheduler.pause()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_TICK), self._ticking:
                self._scheduler.shutdown(wait=False)

    async def tick(self) -> None:
        """Expire what is overdue, take up what was left behind; raise nothing."""
        async with self._ticking:
            await self._do_duties()

    async def _do_duties(self) -> None:
        for duty in self._duties:
            await self._begin(duty)
        self._due = {}
        await self._begin(self._look)
        for name, duty in self._when.items():
            if self._due.get(name):
                await self._begin(duty)

    async def _begin(self, duty: Duty) -> None:
        """Do a duty, but let one that takes long go on by itself.

        It is not begun again before its end, and keeps no other waiting.
        """
        if duty in self._under_way:
            return
        self._under_way[duty] = task = asyncio.create_task(self._try(duty))
        task.add_done_callback(lambda _: self._under_way.pop(duty))
        await asyncio.wait({task}, timeout=limits().duty)
        if not task.done():
            log.warning(
                "a duty of the clock takes long, the others go on without it",
                action="duty_hangs",
                duty=duty.__name__,
            )

    async def _try(self, duty: Duty) -> None:
        try:
            await duty()
        except Exception as error:
            log.warning(
                "a duty of the clock failed, the next tick tries again",
                action="tick_failed",
                duty=duty.__name__,
                error=type(error).__name__,
                exc_info=logging.getLogger(__name__).isEnabledFor(logging.DEBUG),
            )

    async def _look(self) -> None:
        """Ask what is due, in one statement; what was lost is found by that."""
        held, known = self._lost.held(), limits()
        key = {
            "workers": [*held],
            "stalled": known.stalled,
            "quiet": timedelta(seconds=known.quiet),
            "age": timedelta(seconds=known.left_behind),
            "most": BATCH,
            "pruned_at_once": PRUNED_AT_ONCE,
        }
        async with self._pool.connection() as connection:
            row = await (await connection.execute(SQL["what_is_due"], key)).fetchone()
        self._due = row or {}
        self.last_tick = time.monotonic()
        await self._lost.look(self._due["held"], held)

    async def _expire(self) -> None:
        expired = await expire_due(self._pool, self._queue)
        if expired:
            log.info("requests timed out", action="expired", count=expired)

    async def _nudge(self) -> None:
        nudged = await nudge_due(self._pool, self._queue)
        if nudged:
            log.info("people reminded", action="nudged", count=nudged)

    async def _lapse(self) -> None:
        lapsed = await lapse_due(self._pool, self._queue)
        if lapsed:
            log.info("agents outside were too late", action="lapsed", count=lapsed)

    async def _redraw(self) -> None:
        """Have what time has changed drawn anew, from the next tick on."""
        async with self._pool.connection() as connection:
            await connection.execute(SQL["redraw"], {"most": BATCH})

    async def _retry_stalled(self) -> None:
        """Give the jobs of a dead worker back to the queue.

        One replica at a time: a job that another has given back runs again already,
        and by an older list it would be taken from its living worker.
        """
        manager = self._queue.app.job_manager
        async with transaction(self._pool) as connection:
            found = await connection.execute(SQL["take_back_alone"])
            if (row := await found.fetchone()) is None or not row["alone"]:
                return
            stalled = limits().stalled
            for job in await manager.get_stalled_jobs(seconds_since_heartbeat=stalled):
                await manager.retry_job(job)
                log.warning("job taken back", action="job_stalled", job=job.id)

    async def _take_up(self) -> None:
        """Defer again what has no job although there is work."""
        left = self._due["left_behind"]
        await self._defer([_JOBS[job](conversation) for job, conversation in left])
        log.warning("work taken up", action="left_behind", count=len(left))

    async def _prune(self) -> None:
        """Have the checkpoints of quiet conversations pruned, some at each tick."""
        await self._defer([prune_job(each) for each in self._due["unpruned"]])

    async def _defer(self, jobs: Sequence[Job]) -> None:
        async with self._pool.connection() as connection:
            await self._queue.defer(connection, jobs)


def make_clock(
    settings: Settings,
    pool: Pool,
    queue: Queue,
    duties: Sequence[Duty],
    when: Mapping[str, Duty],
    held: Held,
) -> Clock:
    """Build the clock, with the duties that it has by itself."""
    retention = seldom(Retention(pool, settings.retention).sweep)
    interval = settings.sweep_interval
    return Clock(interval, pool, queue, (*duties, retention), when, held)


CONVERSATIONS = 200  # at most, at a time
ROWS = 2_000  # of anything else
INBOX = (
    SQL["forget_messages"],
    SQL["forget_deliveries"],
    SQL["forget_jobs"],
    SQL["forget_paces"],
    SQL["forget_events"],
    SQL["erase_texts"],
    SQL["forget_allowed"],
)


@dataclass(frozen=True)
class Retention:
    """Forgets finished conversations and the inbox; nothing pending, no trail."""

    pool: Pool
    keep: timedelta

    async def sweep(self) -> None:
        """Forget a part of what is old enough, on one replica at a time.

        Each kind in a transaction of its own, so that its locks are short. What shows a
        request goes after the request: at the same time, or at a later one.
        """
        gone = await self._forget(SQL["forget_conversations"], CONVERSATIONS)
        if gone:
            log.info("conversations forgotten", action="forgotten", count=gone)
        for statement in INBOX:
            await self._forget(statement, ROWS)

    async def _forget(self, statement: LiteralString, most: int) -> int:
        key = {"keep": self.keep, "most": most}
        async with transaction(self.pool) as connection:
            alone = await (await connection.execute(SQL["alone"])).fetchone()
            if alone is None or not alone["alone"]:
                return 0
            found = await connection.execute(statement, key)
            row = await found.fetchone() if found.description else None
        return int(row["gone"]) if row and "gone" in row else 0


class LostJobs:
    """Gives such jobs of this process back to the queue; jobs may repeat freely."""

    def __init__(self, queue: Queue, held: Held) -> None:
        self.held = held
        self._queue = queue
        self._missing: dict[int, float] = {}  # since when; by job

    async def look(
        self, said: Iterable[tuple[int, int]], held: Mapping[int, frozenset[int]]
    ) -> None:
        """Give back what has been missing for a while.

        Args:
            said: each job that the database says a worker is at, and the worker.
            held: what the workers were at before that was asked.
        """
        now = time.monotonic()
        missing = [job for job, worker in said if job not in held[worker]]
        self._missing = {job: self._missing.get(job, now) for job in missing}
        for job, since in list(self._missing.items()):
            if now - since < limits().job_missing:
                continue
            await self._queue.give_back(job, datetime.now(UTC))
            del self._missing[job]
            log.warning("job given back", action="job_lost", job=job)
