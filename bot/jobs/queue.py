"""The job queue, procrastinate on our own PostgreSQL, and the workers on it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import structlog
from procrastinate import (
    App,
    BaseRetryStrategy,
    JobContext,
    PsycopgConnector,
    RetryDecision,
    sql,
)
from procrastinate import jobs as queue_jobs
from procrastinate.worker import Worker
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

log = structlog.get_logger(__name__)
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


# Seconds that running jobs get at a shutdown: below `stalled`, since they have no
# heartbeat then, and below the 25 s in which a process is to be gone.
DRAIN = 15.0
RESTART = 1.0  # seconds
# Seconds between two looks without a notification. A job whose lock was taken when it
# was announced is announced no more, and an announcement during a look gets lost.
POLL = 0.25
# A run mostly waits for its model, and holds no connection meanwhile.
CONCURRENCY = {RUNS: 64, DELIVERIES: 8, LATER: 4, NOTICES: 8}
# What is due only later, or told outside of Slack, is not worth a notification.
UNHURRIED = frozenset({LATER, NOTICES})
POLL_UNHURRIED = 1.0


class KnownWorker(Worker):
    """A worker that says what it is at."""

    @property
    def jobs(self) -> frozenset[int]:
        """The numbers of the jobs whose end is not stored yet."""
        at = (context.job.id for context in self._running_jobs.values())
        return frozenset(number for number in at if number is not None)


class Workers:
    """One worker for each queue, so that cards never wait behind agents."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._tasks: list[asyncio.Task[None]] = []
        self._working: dict[str, KnownWorker] = {}
        self._stopping = False

    @property
    def working(self) -> bool:
        """True if every queue is being worked off."""
        return set(self._working) == set(CONCURRENCY)

    def held(self) -> dict[int, frozenset[int]]:
        """Each worker's number in the database, and what it is at."""
        known = [(each.worker_id, each.jobs) for each in self._working.values()]
        return {number: jobs for number, jobs in known if number is not None}

    def start(self) -> None:
        """Begin in the background."""
        self._tasks = [
            asyncio.create_task(self._keep_working(name), name=f"worker {name}")
            for name in CONCURRENCY
        ]

    async def stop(self) -> None:
        """Fetch nothing new, let running jobs end, give the rest back.

        Told and not cancelled: a cancellation that meets a query of theirs can get
        lost (Python 3.11's `asyncio.wait_for` returns the result in its place).
        """
        self._stopping = True
        for worker in self._working.values():
            worker.stop()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def _keep_working(self, name: str) -> None:
        while not self._stopping:
            worker = self._working[name] = self._worker(name)
            try:
                await worker.run()
            except Exception as error:
                log.warning(
                    "worker stopped, starts again",
                    action="worker_restart",
                    queue=name,
                    error=type(error).__name__,
                )
            finally:
                del self._working[name]
            if not self._stopping:
                await asyncio.sleep(RESTART)

    def _worker(self, name: str) -> KnownWorker:
        return KnownWorker(
            self._queue.app,
            queues=[name],
            name=name,
            concurrency=CONCURRENCY[name],
            fetch_job_polling_interval=POLL_UNHURRIED if name in UNHURRIED else POLL,
            listen_notify=name not in UNHURRIED,
            install_signal_handlers=False,
            delete_jobs="successful",
            update_heartbeat_interval=limits().heartbeat,
            stalled_worker_timeout=limits().stalled,
            shutdown_graceful_timeout=DRAIN,
        )
