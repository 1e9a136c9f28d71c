"""The job queue: procrastinate on our own PostgreSQL."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import psycopg
from procrastinate import (
    App,
    BaseRetryStrategy,
    JobContext,
    PsycopgConnector,
    RetryDecision,
)
from procrastinate import jobs as queue_jobs

from bot.approvals.ports import Job
from bot.database.pool import Connection
from bot.errors import TRANSIENT, RetryLater

RUNS = "runs"
DELIVERIES = "deliveries"
QUEUES = {"turn": RUNS, "resume": RUNS, "deliver": DELIVERIES}
LONGEST_WAIT = 60  # seconds between two tries
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
        wait = min(2 ** min(job.attempts, 10), LONGEST_WAIT)
        return RetryDecision(retry_in={"seconds": wait})


class Queue:
    """Defers jobs, and knows which code does them."""

    def __init__(self, url: str) -> None:
        connector = PsycopgConnector(
            conninfo=url,
            kwargs={
                "prepare_threshold": None,
                "connect_timeout": 5,
                "application_name": "approval-bot jobs",
            },
            min_size=1,
            max_size=6,
            timeout=5,
            configure=_one_statement_at_a_time,
        )
        self.app = App(connector=connector)

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
        if jobs:
            await self.app.job_manager.batch_defer_jobs_async(
                jobs=[_stored(job) for job in jobs], connection=connection
            )


async def _one_statement_at_a_time(connection: psycopg.AsyncConnection[Any]) -> None:
    # not a keyword of `connect`: procrastinate gives that one itself where it listens
    await connection.set_autocommit(True)


def _stored(job: Job) -> queue_jobs.Job:
    return queue_jobs.Job(
        task_name=job.name,
        queue=QUEUES[job.name],
        lock=job.lock,
        queueing_lock=None,
        task_kwargs=dict(job.arguments),
    )
