"""What a call was about when people were asked: kept with the request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.approvals import digest
from bot.approvals.audit import SQL
from bot.database.pool import Connection


async def see(
    connection: Connection, request: str, call: str, seen: Mapping[str, Any] | None
) -> None:
    """Keep what a call names now, under its digest; None is nothing to keep."""
    if seen is None:
        return
    what = digest.canonical(dict(seen))
    key = {"request": request, "call_digest": call, "what": what}
    await connection.execute(SQL["see"], key)
