"""Read requests, and write what has become of them, on one connection."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from bot.approvals.audit import SQL
from bot.approvals.model import Request
from bot.approvals.rows import request_from, utc
from bot.database.pool import Connection


async def load(connection: Connection, request: str) -> Request | None:
    """One request as it is now."""
    found = await load_with_clock(connection, request)
    return found[0] if found else None


async def load_with_clock(
    connection: Connection, request: str
) -> tuple[Request, datetime] | None:
    """One request as it is now, by its id or a button's token, and the clock."""
    found = await connection.execute(SQL["find_request"], {"id": request})
    row = await found.fetchone()
    return await _whole(connection, row["id"]) if row else None


async def _whole(
    connection: Connection, request: str
) -> tuple[Request, datetime] | None:
    found = await connection.execute(SQL["select_request"], {"id": request})
    row = await found.fetchone()
    return (request_from(row), utc(row["now"])) if row else None


async def clock(connection: Connection) -> datetime:
    """The database's clock."""
    row = await (await connection.execute(SQL["clock"])).fetchone()
    return utc(cast("dict[str, Any]", row)["now"])


async def load_locked(
    connection: Connection, request: str
) -> tuple[Request, datetime] | None:
    """Lock a request by its id or a button's token, then read it.

    Two statements, because a row that was waited for is read with the old snapshot of
    all other tables.
    """
    locked = await connection.execute(SQL["lock_request"], {"id": request})
    row = await locked.fetchone()
    return await _whole(connection, row["id"]) if row else None


async def find(
    connection: Connection,
    *,
    status: str | None = None,
    code: str | None = None,
    limit: int = 1000,
) -> list[Request]:
    """Requests of a status, of a code; at most the newest `limit`, oldest first."""
    key = {"status": status, "code": code, "limit": limit}
    found = await connection.execute(SQL["select_requests"], key)
    return [request_from(row) for row in reversed(await found.fetchall())]


async def named(connection: Connection, ids: Sequence[str]) -> list[Request]:
    """Requests by their ids, in this order."""
    found = await connection.execute(SQL["select_requests_named"], {"ids": list(ids)})
    return [request_from(row) for row in await found.fetchall()]


async def shown_by(connection: Connection, delivery: str) -> list[Request]:
    """The requests that a card or a notice shows, in call order."""
    key = {"delivery": delivery}
    found = await connection.execute(SQL["select_requests_shown"], key)
    return [request_from(row) for row in await found.fetchall()]


async def shown_at(
    connection: Connection, channel: str, ts: str, card: str
) -> list[Request]:
    """The requests of the card at a place, or with the id that its metadata names."""
    key = {"channel": channel, "ts": ts, "card": card}
    row = await (await connection.execute(SQL["find_card"], key)).fetchone()
    return await shown_by(connection, row["id"]) if row else []


async def unresumed(connection: Connection, conversation: str) -> list[Request]:
    """What a conversation's graph waits for, oldest first."""
    key = {"conversation": conversation}
    found = await connection.execute(SQL["select_requests_unresumed"], key)
    return [request_from(row) for row in await found.fetchall()]


async def show_in(
    connection: Connection, delivery: str, requests: Sequence[Request]
) -> None:
    """Have a message drawn again whenever one of these requests changes."""
    await connection.execute(
        SQL["show_in"], {"delivery": delivery, "requests": [r.id for r in requests]}
    )


async def add_delivery(
    connection: Connection,
    *,
    kind: str,
    team: str,
    channel: str,
    thread_ts: str | None = None,
    user: str | None = None,
    text: str | None = None,
) -> str:
    """Note something that is to be sent, and return its id."""
    delivery = str(uuid.uuid4())
    await connection.execute(
        SQL["insert_delivery"],
        {
            "id": delivery,
            "kind": kind,
            "team": team,
            "channel": channel,
            "thread_ts": thread_ts,
            "user": user,
            "text": text,
        },
    )
    return delivery


async def touch(connection: Connection, request: str) -> Sequence[str]:
    """Say that the request's messages are out of date; return their ids."""
    found = await connection.execute(SQL["touch_deliveries"], {"id": request})
    return [str(row["id"]) for row in await found.fetchall()]
