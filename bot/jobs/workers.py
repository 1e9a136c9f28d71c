"""Work the queues off, and start over when the database has been away."""

from __future__ import annotations

import asyncio

import structlog

from bot.jobs.queue import DELIVERIES, RUNS, Queue

log = structlog.get_logger(__name__)
HEARTBEAT = 5.0  # seconds
STALLED = 20.0  # seconds without a heartbeat: the worker is gone
DRAIN = 20.0  # seconds that running jobs get at a shutdown
RESTART = 1.0  # seconds
CONCURRENCY = {RUNS: 32, DELIVERIES: 16}


class Workers:
    """One worker for each queue, so that cards never wait behind agents."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._tasks: list[asyncio.Task[None]] = []
        self._working: set[str] = set()

    @property
    def working(self) -> bool:
        """Whether every queue is being worked off."""
        return self._working == set(CONCURRENCY)

    def start(self) -> None:
        """Begin in the background."""
        self._tasks = [
            asyncio.create_task(self._keep_working(name), name=f"worker {name}")
            for name in CONCURRENCY
        ]

    async def stop(self) -> None:
        """Fetch nothing new, let running jobs end, give the rest back."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def _keep_working(self, name: str) -> None:
        while True:
            self._working.add(name)
            try:
                await self._work(name)
            except asyncio.CancelledError:
                raise
            except Exception as error:
                log.warning(
                    "worker stopped, starts again",
                    action="worker_restart",
                    queue=name,
                    error=type(error).__name__,
                )
            finally:
                self._working.discard(name)
            await asyncio.sleep(RESTART)

    async def _work(self, name: str) -> None:
        await self._queue.app.run_worker_async(
            queues=[name],
            name=name,
            concurrency=CONCURRENCY[name],
            install_signal_handlers=False,
            delete_jobs="successful",
            update_heartbeat_interval=HEARTBEAT,
            stalled_worker_timeout=STALLED,
            shutdown_graceful_timeout=DRAIN,
        )
