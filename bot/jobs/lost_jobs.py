"""Jobs that a living worker is said to be at, and is not: they would never end.

A worker whose connection is cut while it fetches a job, or while it stores a job's end,
goes on with the next one. The job stays its own, and with it the job's lock.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import structlog

from bot.database.pool import Pool
from bot.database.statements import load_statements
from bot.jobs.queue import Queue
from bot.time_limits import limits

log = structlog.get_logger(__name__)
SQL = load_statements("bot.jobs", "lost_jobs.sql")
Held = Callable[[], Mapping[int, frozenset[int]]]


class LostJobs:
    """Gives such jobs of this process back to the queue; jobs may repeat freely."""

    def __init__(self, pool: Pool, queue: Queue, held: Held) -> None:
        """`held`: the numbers of this process's workers, and what each is at."""
        self._pool = pool
        self._queue = queue
        self._held = held
        self._missing: dict[int, float] = {}  # since when; by job

    async def look(self) -> None:
        """Give back what has been missing for a while."""
        missing = await self._find()
        now = time.monotonic()
        self._missing = {job: self._missing.get(job, now) for job in missing}
        for job, since in list(self._missing.items()):
            if now - since < limits().job_missing:
                continue
            await self._queue.give_back(job, datetime.now(UTC))
            del self._missing[job]
            log.warning("job given back", action="job_lost", job=job)

    async def _find(self) -> set[int]:
        held = self._held()
        if not held:
            return set()
        async with self._pool.connection() as connection:
            found = await connection.execute(SQL["held"], {"workers": [*held]})
            rows = await found.fetchall()
        return {row["id"] for row in rows if row["id"] not in held[row["worker_id"]]}
