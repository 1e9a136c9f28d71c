"""The clock with the duties that belong to the jobs and to what is stored."""

from __future__ import annotations

from collections.abc import Sequence

from bot.database.pool import Pool
from bot.jobs.clock import Clock, Duty, seldom
from bot.jobs.lost_jobs import LostJobs
from bot.jobs.queue import Queue
from bot.jobs.retention import Retention
from bot.jobs.workers import Workers
from bot.settings import Settings


def make_clock(
    settings: Settings,
    pool: Pool,
    queue: Queue,
    workers: Workers,
    duties: Sequence[Duty],
) -> Clock:
    """Build the clock; `duties` are done before the ones that it has by itself."""
    own = (
        LostJobs(pool, queue, workers.held).look,
        seldom(Retention(pool, settings.retention).sweep),
    )
    return Clock(settings.sweep_interval, pool, queue, (*duties, *own))
