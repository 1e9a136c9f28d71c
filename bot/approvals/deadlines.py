"""Silence: close the requests whose time is over."""

from __future__ import annotations

from bot.approvals import store
from bot.approvals.audit import SQL
from bot.approvals.ports import Jobs
from bot.approvals.verdicts import expire
from bot.database.pool import Pool, transaction

BATCH = 100


async def expire_due(pool: Pool, jobs: Jobs, batch: int = BATCH) -> int:
    """Reject what is overdue by the database's clock; return how many it was.

    Replicas share the work: each skips the rows that another has locked.
    """
    total = 0
    while True:
        async with transaction(pool) as connection:
            found = await connection.execute(SQL["select_due"], {"limit": batch})
            due = [row["id"] for row in await found.fetchall()]
            for request_id in due:
                request = await store.load(connection, request_id)
                if request is not None:
                    await expire(connection, jobs, request)
        total += len(due)
        if len(due) < batch:
            return total
