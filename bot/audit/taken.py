"""An export that was taken is itself on the trail."""

from __future__ import annotations

import datetime as dt

from psycopg.errors import ReadOnlySqlTransaction

from bot.approvals.audit import Fact, append
from bot.audit.stored import SQL
from bot.database.pool import Connection


async def note_export(
    connection: Connection,
    operator: str,
    form: str,
    since: dt.datetime | None,
    until: dt.datetime | None,
) -> bool:
    """Note it in every workspace's chain; False where the database takes no rows."""
    found = await connection.execute(SQL["teams"])
    detail = {
        "format": form,
        "since": since.isoformat() if since else None,
        "until": until.isoformat() if until else None,
    }
    facts = [
        Fact(row["team"], "exported", actor=operator, via="cli", detail=detail)
        for row in await found.fetchall()
    ]
    try:
        async with connection.transaction():
            await append(connection, facts)
    except ReadOnlySqlTransaction:
        return False
    return True
