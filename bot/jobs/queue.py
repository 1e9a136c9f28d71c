"""The job queue, procrastinate on our own PostgreSQL, and the workers on it."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NoReturn, Protocol, cast

import structlog
from procrastinate import (
    App,
    BaseRetryStrategy,
    JobContext,
    PsycopgConnector,
    RetryDecision,
)
from procrastinate import jobs as queue_jobs
from procrastinate.connector import BaseConnector, Notify
from procrastinate.exceptions import ConnectorException, UniqueViolation
from procrastinate.manager import JobManager
from procrastinate.worker import Worker
from psycopg.errors import RaiseException

from bot.approvals.ports import Job, JobAtWork, at_work
from bot.base.errors import RetryLater, SlackUnavailable
from bot.base.time_limits import limits, wait_after
from bot.database.pool import ONE_PLAN, TRANSIENT, Connection, make_pool
from bot.texts import operation

log = structlog.get_logger(__name__)
Row = Mapping[str, Any]  # what a statement has returned
RUNS = "runs"
STOPPED, ANSWERED = "turn_stopped", "question_answered"
QUEUES: Mapping[str, str] = dict.fromkeys(
    ("turn", "resume", "reconcile", "prune", "checkpoint", "standing"), RUNS
)
TRIES_OF_A_BUG = 3
QUIET_TRIES = 3  # without an answer of Slack's, before people are told: some 10 s
WAIT_FOR_SLACK = 15.0  # seconds at most between two tries, since people wait


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
        away = isinstance(exception, SlackUnavailable)
        longest = min(limits().longest_retry, WAIT_FOR_SLACK if away else math.inf)
        wait = wait_after(job.attempts, longest)
        return RetryDecision(retry_in={"seconds": wait})


class Send(Protocol):
    """Begins to send a message; see `bot.jobs.courier.Courier.send`."""

    def __call__(self, message: str, can_wait: bool, place: Any = None, /) -> None: ...


class Connector(PsycopgConnector):
    """procrastinate's way to the database, that goes on listening whatever happens."""

    async def listen_notify(
        self, on_notification: Notify, channels: Iterable[str]
    ) -> None:
        """Have jobs announced; a worker looks for them by itself meanwhile."""
        named = [*channels]
        while True:
            try:
                await super().listen_notify(on_notification, named)
            except ConnectorException as error:
                _let_pass(error)
            await asyncio.sleep(RESTART)


class Queue:
    """Defers jobs, and knows which code does them."""

    def __init__(self, url: str) -> None:
        # What a crash of the server forgets of fetching and finishing is done again;
        # jobs may repeat. What is deferred inside a transaction is not written here.
        also = {**ONE_PLAN, "synchronous_commit": "off"}
        self.pool = make_pool(url, name="jobs", size=2, timeout=5, also=also)
        connector = Connector()
        self.app = App(connector=connector)
        self.announced = Announced(connector)
        self.app.job_manager = self.announced
        # begins to send a message to Slack; who cannot leaves that to the clock
        self.send: Send = lambda message, can_wait, place=None: None
        # takes a place in a conversation; see `bot.jobs.courier.Courier.line_up`
        self.line_up: Callable[[object], Any] = lambda among: None
        # is given a message that was taken, for the lease, by what has written it
        self.hand: Callable[[Mapping[str, Any]], None] = lambda row: None
        self.lease: timedelta | None = None

    def register(
        self,
        name: str,
        work: Callable[..., Awaitable[None]],
        give_up: Callable[..., Awaitable[None]] | None = None,
        held_up: Callable[..., Awaitable[None]] | None = None,
    ) -> None:
        """Let `work` do the jobs of this name.

        Both are called with the same arguments, so that people who wait are told:

        Args:
            give_up: when the last try has failed.
            held_up: at each try for which Slack has not answered, from the fourth on.
        """

        async def task(context: JobContext, **arguments: Any) -> None:
            number = context.job.id or 0
            job = JobAtWork(number, self.announced.rows.pop(number, None))
            at_work.set(job)
            try:
                await work(**arguments)
            except SlackUnavailable:
                if held_up and context.job.attempts >= QUIET_TRIES:
                    await held_up(**arguments)
                raise
            except (*TRANSIENT, RetryLater):
                raise
            except Exception:
                if give_up and context.job.attempts >= TRIES_OF_A_BUG:
                    at_work.set(None)  # it stays, for operators, as one that failed
                    await give_up(**arguments)
                raise
            finally:
                if job.is_over:
                    self.announced.over.add(job.number)

        decorate = self.app.task(
            name=name, queue=QUEUES[name], retry=Patience(), pass_context=True
        )
        decorate(task)

    async def open(self) -> None:
        """Let jobs be fetched; to defer one needs only its caller's connection."""
        await self.pool.open()
        await self.app.open_async(self.pool)

    async def close(self) -> None:
        """Fetch no more."""
        await self.app.close_async()
        await self.pool.close()

    async def defer(self, connection: Connection, jobs: Sequence[Job]) -> None:
        """Store jobs in the transaction of `connection`."""
        if jobs:
            await self.app.job_manager.batch_defer_jobs_async(
                jobs=[_stored(job) for job in jobs], connection=connection
            )

    @property
    def free_worker(self) -> int | None:
        """The number of the worker here that has room; see `Jobs.free_worker`."""
        worker = self.announced.worker
        return worker.number_if_free if worker else None

    def begin(
        self,
        connection: Connection,
        job: Job,
        number: int | None,
        row: Row | None = None,
    ) -> None:
        """Hand a job to the worker that has it; see `Jobs.begin`."""
        if number is not None:
            begun = _stored(job).evolve(id=number, status="doing")
            connection.after_commit.append(partial(self.announced.hand, begun, row))

    def post(
        self,
        connection: Connection,
        messages: Iterable[str],
        taken: Mapping[str, Any] | None = None,
        conversation: str = "",
    ) -> None:
        """Send new messages right after the commit; see `Jobs.post`."""
        if taken:
            connection.after_commit.append(partial(self.hand, taken))
        among = conversation or object()  # the order of these alone
        for message in messages:
            send = partial(self.send, message, False, self.line_up(among))
            connection.after_commit.append(send)

    def edit(self, connection: Connection, messages: Iterable[str]) -> None:
        """Show changes a moment after the commit, so that several become one edit."""
        due = (partial(self.send, message, True) for message in messages)
        connection.after_commit.extend(due)

    async def give_back(self, number: int, due: datetime) -> None:
        """Let a job that nobody is at be done again."""
        await self.app.job_manager.retry_job_by_id_async(number, due)


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
# A run mostly waits for its model, and holds no connection meanwhile.
CONCURRENCY = 64
# Seconds between two looks without an announcement: what is due only later has none. A
# job whose lock was taken when it was announced is announced no more, so the looks are
# closer while jobs run and one that was announced did not come.
POLL_IDLE, POLL_BUSY = 1.0, 0.25


class Announced(JobManager):
    """Fetches the jobs that were announced, and those that were handed over.

    procrastinate asks after each job whether there is another one. Where the last one
    that was announced has come, that is known.
    """

    def __init__(self, connector: BaseConnector) -> None:
        super().__init__(connector)
        self.worker: KnownWorker | None = None
        # stored as the worker's own, to be begun by it; with what that has returned
        self.handed = deque[tuple[queue_jobs.Job, Row | None]]()
        self.rows: dict[int, Row] = {}  # of those that begin, by the job's number
        self.waiting: set[int] = set()  # numbers of jobs that were announced
        self.looks_further = True  # for jobs that were not
        self.last_look = 0.0  # into the database, by `time.monotonic()`
        self.passed = False  # whether a job that was announced did not come
        self.over: set[int] = set()  # jobs that were deleted with the end of their run
        # hears that a person has stopped a turn, by its conversation
        self.stopped: Callable[[str], None] = lambda conversation: None
        # hears of its end, or of the answer to what a server asks in it
        self.answered: Callable[[str], None] = lambda conversation: None

    async def fetch_job(
        self, queues: Iterable[str] | None, worker_id: int
    ) -> queue_jobs.Job | None:
        """Fetch a job, if there may be one."""
        if self.handed:
            job, row = self.handed.popleft()
            if row:
                self.rows[job.id or 0] = row
            return job
        before = {*self.waiting}
        if not (before or self.looks_further):
            return None
        self.last_look = time.monotonic()
        try:
            job = await super().fetch_job(queues, worker_id)
        except UniqueViolation:
            job = None  # one with the same lock was begun as it was written
        # somebody else has those that did not come, or their lock
        self.passed |= job is None and bool(before)
        self.waiting -= before if job is None else {job.id or 0}
        return job

    def hand(self, job: queue_jobs.Job, row: Row | None = None) -> None:
        """Have a job begun that is the worker's already."""
        self.handed.append((job, row))
        if self.worker:
            self.worker.wake()

    async def give_back(self) -> None:
        """Let another worker do what was handed over and has not begun."""
        while self.handed:
            job, _ = self.handed.popleft()
            await self.retry_job(job)

    async def finish_job(self, job: queue_jobs.Job, *how: Any, **more: Any) -> None:
        """Store the end of a job, unless the end of its run has deleted it."""
        await self._unless_over(job, partial(super().finish_job, job, *how, **more))

    async def retry_job(self, job: queue_jobs.Job, *how: Any, **more: Any) -> None:
        """Have a job done again, unless the end of its run has deleted it."""
        await self._unless_over(job, partial(super().retry_job, job, *how, **more))

    async def _unless_over(
        self, job: queue_jobs.Job, store: Callable[[], Awaitable[None]]
    ) -> None:
        try:
            if job.id not in self.over:
                await store()
        except ConnectorException as error:
            # no such job: it was deleted, and the answer that says so got lost
            if not isinstance(error.__cause__, RaiseException):
                raise
        self.over.discard(job.id or 0)


# Lines at info or below, for each job that ends well: procrastinate writes out the job
# for them even where no log has them.
_QUIET = frozenset(("loaded_job_info", "start_job", "job_success", "finish_task"))


class KnownWorker(Worker):
    """A worker that says what it is at, and that lives through trouble that passes.

    Attributes:
        last_beat: when the database took its last sign of life, by `time.monotonic()`.
    """

    def __init__(self, app: App, announced: Announced, **options: Any) -> None:
        super().__init__(app, **options)
        self._announced = announced
        announced.worker = self
        announced.handed.clear()  # of a worker that is gone: the clock gives them back
        self.last_beat = time.monotonic()

    @property
    def jobs(self) -> frozenset[int]:
        """The numbers of the jobs whose end is not stored yet."""
        running = [context.job for context in self._running_jobs.values()]
        handed = [job for job, _ in self._announced.handed]
        numbers = (job.id for job in (*running, *handed))
        return frozenset(number for number in numbers if number is not None)

    @property
    def number_if_free(self) -> int | None:
        """Its number in the database, if it would begin a job at once."""
        is_free = len(self.jobs) < self.concurrency and not self._stop_event.is_set()
        return self.worker_id if is_free else None

    def wake(self) -> None:
        """Look for jobs now; one that ends leaves them to others while its own end."""
        self._new_job_event.set()
        if self._stop_event.is_set() and self.worker_id is not None:
            self._giving = asyncio.create_task(self._give_back())

    async def _give_back(self) -> None:
        with suppress(ConnectorException):  # the clock of another one finds them
            await self._announced.give_back()

    async def _shutdown(self, side_tasks: list[asyncio.Task[Any]]) -> None:
        self.stop()  # it begins nothing more, whatever has ended its loop
        await self._give_back()
        await super()._shutdown(side_tasks)

    async def _handle_notification(
        self, *, channel: str, notification: queue_jobs.Notification
    ) -> None:
        if notification["type"] == "job_inserted":
            self._announced.waiting.add(notification["job_id"])
        told = cast("Mapping[str, Any]", notification)
        if told["type"] == STOPPED:
            self._announced.stopped(told["conversation"])
        if told["type"] in (STOPPED, ANSWERED):
            self._announced.answered(told["conversation"])
        await super()._handle_notification(channel=channel, notification=notification)

    async def _fetch_and_process_jobs(self) -> None:
        known = self._announced
        # many that are announced or handed must not keep the others waiting
        is_late = time.monotonic() - known.last_look > self.fetch_job_polling_interval
        known.looks_further = is_late or not (known.waiting or known.handed)
        try:
            await super()._fetch_and_process_jobs()
            # announced or handed over during the last look
            while (known.waiting or known.handed) and not self._stop_event.is_set():
                await super()._fetch_and_process_jobs()
        except ConnectorException as error:
            _let_pass(error)
        known.passed &= bool(self._running_jobs)
        poll = POLL_BUSY if known.passed else POLL_IDLE
        self.fetch_job_polling_interval = poll

    def _log_extra(self, action: str, *about: Any, **more: Any) -> dict[str, Any]:
        if action in _QUIET and not self.logger.isEnabledFor(logging.INFO):
            return {}
        return super()._log_extra(action, *about, **more)

    async def _update_heartbeat(self) -> NoReturn:
        number = cast("int", self.worker_id)
        while True:
            await asyncio.sleep(self.update_heartbeat_interval)
            try:
                await self.app.job_manager.update_heartbeat(number)
                self.last_beat = time.monotonic()
            except ConnectorException as error:
                _let_pass(error)


def _let_pass(error: ConnectorException) -> None:
    """Go on after trouble that passes; a worker stops at all other, and starts anew."""
    cause = error.__cause__
    if not isinstance(cause, TRANSIENT):
        raise error
    log.warning(
        "the job queue cannot be reached, trying again",
        action="queue_waits",
        error=type(cause).__name__,
    )


class Workers:
    """Keeps a worker on the queue, in the background."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._task: asyncio.Task[None] | None = None
        self._worker: KnownWorker | None = None
        self._stopping = False

    @property
    def trouble(self) -> str:
        """A sentence on what keeps the queue from being worked off; "" if nothing."""
        if self._worker is None:
            return operation.NO_WORKERS
        silent = time.monotonic() - self._worker.last_beat
        return operation.no_heartbeat(silent) if silent > limits().stalled else ""

    def held(self) -> dict[int, frozenset[int]]:
        """The worker's number in the database, and what it is at."""
        worker = self._worker
        if worker is None or worker.worker_id is None:
            return {}
        return {worker.worker_id: worker.jobs}

    def start(self) -> None:
        """Begin in the background."""
        self._task = asyncio.create_task(self._keep_working(), name="worker")

    async def stop(self) -> None:
        """Fetch nothing new, let running jobs end, give the rest back.

        Told and not cancelled: a cancellation that meets a query of theirs can get
        lost (Python 3.11's `asyncio.wait_for` returns the result in its place).
        """
        self._stopping = True
        if self._worker is not None:
            self._worker.stop()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    async def _keep_working(self) -> None:
        while not self._stopping:
            self._worker = self._new_worker()
            try:
                await self._worker.run()
            except Exception as error:
                log.warning(
                    "worker stopped, starts again",
                    action="worker_restart",
                    queue=RUNS,
                    error=type(error).__name__,
                )
            finally:
                self._worker = None
            if not self._stopping:
                await asyncio.sleep(RESTART)

    def _new_worker(self) -> KnownWorker:
        return KnownWorker(
            self._queue.app,
            self._queue.announced,
            queues=[RUNS],
            name=RUNS,
            concurrency=CONCURRENCY,
            fetch_job_polling_interval=POLL_IDLE,
            install_signal_handlers=False,
            delete_jobs="successful",
            update_heartbeat_interval=limits().heartbeat,
            stalled_worker_timeout=limits().stalled,
            shutdown_graceful_timeout=DRAIN,
        )
