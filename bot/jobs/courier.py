"""Send deliveries at once, in the process that caused them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from bot.approvals.ports import deliver_job
from bot.database.pool import Pool
from bot.errors import RetryLater
from bot.jobs.queue import Queue

log = structlog.get_logger(__name__)
AT_ONCE = 16
MOMENT = 0.05  # seconds that an edit gives to what people wait for
DRAIN = 5.0  # seconds that sending gets at a shutdown
TIDY = 1.0  # seconds between two looks for jobs whose work is done; below their grace


class Courier:
    """Brings deliveries to Slack without a detour through the queue."""

    def __init__(
        self, pool: Pool, queue: Queue, deliver: Callable[[str], Awaitable[None]]
    ) -> None:
        self._pool = pool
        self._queue = queue
        self._deliver = deliver
        self._free = asyncio.Semaphore(AT_ONCE)
        self._under_way: dict[str, asyncio.Task[bool]] = {}
        self._changed: set[str] = set()  # under way, and changed since it began
        self._done: set[int] = set()  # jobs that need not run any more
        self._tidier: asyncio.Task[None] | None = None

    def send(self, delivery: str, job: int, can_wait: bool) -> None:
        """Begin to send; `job` is the number of the delivery's durable job."""
        task = self._under_way.get(delivery)
        if task is not None and not task.done():  # a done one looks no more
            self._changed.add(delivery)
        else:
            task = asyncio.create_task(self._bring(delivery, can_wait))
            self._under_way[delivery] = task
            task.add_done_callback(lambda task: self._forget(delivery, task))
        task.add_done_callback(lambda task: self._end(task, job))

    def _forget(self, delivery: str, task: asyncio.Task[bool]) -> None:
        if self._under_way.get(delivery) is task:
            del self._under_way[delivery]

    async def stop(self) -> None:
        """Wait for what is under way; what is not done then is left to the jobs."""
        under_way = set(self._under_way.values())
        if under_way:
            await asyncio.wait(under_way, timeout=DRAIN)
        for task in under_way:
            task.cancel()
        if self._tidier is not None:
            self._tidier.cancel()
        await self._tidy()

    async def _bring(self, delivery: str, can_wait: bool) -> bool:
        """Deliver it; return whether its stored job is no longer needed."""
        try:
            await asyncio.sleep(MOMENT if can_wait else 0)
            async with self._free:
                await self._deliver(delivery)
                while delivery in self._changed:
                    self._changed.discard(delivery)
                    await self._deliver(delivery)
            return True
        except Exception as error:
            log.info(
                "left to its job",
                action="delivery_later",
                delivery=delivery,
                error=type(error).__name__,
            )
            wait = error.seconds if isinstance(error, RetryLater) else 0
            return await self._hurry(delivery, wait)
        finally:
            self._changed.discard(delivery)

    async def _hurry(self, delivery: str, wait: int) -> bool:
        """Have a job try sooner than the stored one; whether that could be stored."""
        try:
            await self._queue.defer_alone(deliver_job(delivery), wait)
            return True
        except Exception as error:
            log.warning(
                "waits for its job",
                action="delivery_waits",
                delivery=delivery,
                error=type(error).__name__,
            )
            return False

    def _end(self, task: asyncio.Task[bool], job: int) -> None:
        """A job whose delivery was tried here is done, or has another in its place."""
        if task.cancelled() or task.exception() is not None or not task.result():
            return
        self._done.add(job)
        if self._tidier is None or self._tidier.done():
            self._tidier = asyncio.create_task(self._tidy_soon())

    async def _tidy_soon(self) -> None:
        await asyncio.sleep(TIDY)
        await self._tidy()

    async def _tidy(self) -> None:
        done, self._done = self._done, set()
        try:
            if done:
                async with self._pool.connection() as connection:
                    await self._queue.done(connection, done)
        except Exception as error:  # they run, and find nothing to do
            log.info("jobs stay", action="tidy_failed", error=type(error).__name__)
