"""The job queue: procrastinate on our own PostgreSQL."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from procrastinate import (
    App,
    BaseRetryStrategy,
    JobContext,
    PsycopgConnector,
    RetryDecision,
    sql,
)
from procrastinate import jobs as queue_jobs
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from bot.approvals.ports import Job
from bot.database.pool import (
    PREPARE_AFTER,
    TRANSIENT,
    Connection,
    check_if_idle,
    is_direct,
    note_use,
)
from bot.errors import RetryLater
from bot.time_limits import limits

RUNS = "runs"
DELIVERIES = "deliveries"
# Deliveries that the process which caused them sends at once, see `Courier`: the job
# is for the case that it cannot.
LATER = "later"
NOTICES = "notices"  # e-mails and events: other servers may be slow, or away for days
QUEUES = {
    **dict.fromkeys(("turn", "resume", "reconcile", "prune", "checkpoint"), RUNS),
    "deliver": DELIVERIES,
    **dict.fromkeys(("email", "webhook"), NOTICES),
}
GRACE = timedelta(seconds=5)  # that the sending at once has, before the job is due
TRIES_OF_A_BUG = 3


class Patience(BaseRetryStrategy):
    """Trouble that passes is tried until it has passed; a bug a few times."""

    def get_retry_decision(
        self, *, exception: BaseException, job: queue_jobs.Job
    ) -> RetryDecision | None:
        """When to try again; None gives the job up."""
        if isinstance(exception, RetryLater):
            return RetryDecision(retry_in={"seconds": exception.seconds})
        if not isinstance(exception, Exception):  # cut off by a shutdown
            return RetryDecision(retry_in={"seconds": 0})
        if not isinstance(exception, TRANSIENT) and job.attempts >= TRIES_OF_A_BUG:
            return None
        wait = math.ceil(min(2 ** min(job.attempts, 10), limits().longest_retry))
        return RetryDecision(retry_in={"seconds": wait})


class Queue:
    """Defers jobs, and knows which code does them."""

    def __init__(self, url: str) -> None:
        connector = PsycopgConnector(
            conninfo=url,
            pool_factory=_pool,
            connection_class=Connection,
            kwargs={
                "prepare_threshold": None,
                "row_factory": dict_row,
                "connect_timeout": 5,
                "application_name": "approval-bot jobs",
            },
            min_size=1,
            max_size=6,
            timeout=5,
            configure=_configure,
            reset=note_use,
        )
        self.app = App(connector=connector)
        self._send: Callable[[str, int, bool], None] | None = None

    def send_at_once(self, send: Callable[[str, int, bool], None]) -> None:
        """Let `send` have each delivery after the commit, with its job's number."""
        self._send = send

    def register(
        self,
        name: str,
        work: Callable[..., Awaitable[None]],
        give_up: Callable[..., Awaitable[None]] | None = None,
    ) -> None:
        """Let `work` do the jobs of this name.

        `give_up` is called with the same arguments when the last try has failed, so
        that whoever waits is told.
        """

        async def task(context: JobContext, **arguments: Any) -> None:
            try:
                await work(**arguments)
            except (*TRANSIENT, RetryLater):
                raise
            except Exception:
                if give_up and context.job.attempts >= TRIES_OF_A_BUG:
                    await give_up(**arguments)
                raise

        decorate = self.app.task(
            name=name, queue=QUEUES[name], retry=Patience(), pass_context=True
        )
        decorate(task)

    async def defer(self, connection: Connection, jobs: Sequence[Job]) -> None:
        """Store jobs in the transaction of `connection`."""
        if not jobs:
            return
        stored = await self.app.job_manager.batch_defer_jobs_async(
            jobs=[self._stored(job) for job in jobs], connection=connection
        )
        for asked, job in zip(jobs, stored, strict=True):
            if job.queue == LATER and self._send and job.lock and job.id:
                send = partial(self._send, job.lock, job.id, asked.can_wait)
                connection.after_commit.append(send)

    async def defer_alone(self, job: Job, wait: int) -> None:
        """Store a job that is due in `wait` seconds, in a transaction of its own."""
        due = datetime.now(UTC) + timedelta(seconds=wait)
        stored = _stored(job).evolve(scheduled_at=due if wait else None)
        await self.app.job_manager.defer_job_async(stored)

    async def done(self, connection: Connection, numbers: Collection[int]) -> None:
        """Forget jobs whose work is done, where nobody has begun them; in one go."""
        cancel = [{"job_id": n, "abort": False, "delete_job": True} for n in numbers]
        async with connection.cursor() as cursor:
            await cursor.executemany(sql.queries["cancel_job"], cancel)

    async def give_back(self, number: int, due: datetime) -> None:
        """Let a job that nobody is at be done again."""
        await self.app.job_manager.retry_job_by_id_async(number, due)

    def _stored(self, job: Job) -> queue_jobs.Job:
        stored = _stored(job)
        if self._send is None or stored.queue != DELIVERIES:
            return stored
        due = datetime.now(UTC) + GRACE
        return stored.evolve(queue=LATER, scheduled_at=due)


def _pool(**options: Any) -> Any:
    """procrastinate's pool, which would check its connections at each use."""
    options["check"] = check_if_idle
    return AsyncConnectionPool(**options)


async def _configure(connection: Connection) -> None:
    # not a keyword of `connect`: procrastinate gives that one itself where it listens
    await connection.set_autocommit(True)
    if await is_direct(connection):
        connection.prepare_threshold = PREPARE_AFTER
        # What a crash of the server forgets of fetching and finishing is done again;
        # jobs may repeat. What is deferred inside a transaction is not written here.
        await connection.execute("SET synchronous_commit = off")


def _stored(job: Job) -> queue_jobs.Job:
    return queue_jobs.Job(
        task_name=job.name,
        queue=QUEUES[job.name],
        lock=job.lock,
        queueing_lock=None,
        task_kwargs=dict(job.arguments),
    )
