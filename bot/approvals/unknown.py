"""Tell the people of a request that nobody knows what became of its action."""

from __future__ import annotations

import uuid

from bot.approvals import store
from bot.approvals.audit import SQL
from bot.approvals.ports import Jobs, deliver_job
from bot.database.pool import Connection


async def announce_unknown(connection: Connection, jobs: Jobs, request: str) -> None:
    """Redraw a request's messages, and call its people to the card."""
    touched = [*await store.touch(connection, request)]
    delivery = str(uuid.uuid4())
    placed = await connection.execute(
        SQL["place_unknown"], {"id": request, "delivery": delivery}
    )
    if await placed.fetchone():  # what no person approved has no card
        found = await store.load(connection, request)
        await store.show_in(connection, delivery, [found] if found else [])
        touched.append(delivery)
    await jobs.defer(connection, [deliver_job(each) for each in touched])
