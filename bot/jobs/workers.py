"""Work the queues off, and start over when the database has been away."""

from __future__ import annotations

import asyncio

import structlog
from procrastinate.worker import Worker

from bot.jobs.queue import DELIVERIES, LATER, NOTICES, RUNS, Queue
from bot.time_limits import limits

log = structlog.get_logger(__name__)
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
        """Whether every queue is being worked off."""
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
