"""Connection pools: how every part of the bot reaches PostgreSQL."""

from __future__ import annotations

from typing import Any, cast

from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

Connection = AsyncConnection[DictRow]
Pool = AsyncConnectionPool[Connection]

# The saver of LangGraph needs autocommit; `prepare_threshold=None` keeps proxies with
# transaction pooling working, where 0 would mean "at once".
SETTINGS: dict[str, Any] = {
    "autocommit": True,
    "prepare_threshold": None,
    "row_factory": dict_row,
    "connect_timeout": 5,  # seconds
}


async def connect(url: str) -> Connection:
    """Open one connection of its own; close it with `async with`.

    Raises:
        psycopg.OperationalError: the database cannot be reached.
    """
    return await Connection.connect(url, **SETTINGS)


def make_pool(
    url: str, *, name: str, size: int, timeout: float, smallest: int = 1
) -> Pool:
    """Build a closed pool; open it with `await pool.open()`.

    Args:
        url: libpq connection string.
        size: most connections at once.
        timeout: seconds to wait for a free connection before `PoolTimeout`.

    `check` replaces connections that a restart of the server has cut.
    """
    return AsyncConnectionPool(
        url,
        connection_class=Connection,
        kwargs={**SETTINGS, "application_name": f"approval-bot {name}"},
        min_size=min(smallest, size),
        max_size=size,
        timeout=timeout,
        open=False,
        name=name,
        check=cast(Any, AsyncConnectionPool.check_connection),
        reconnect_timeout=10,
    )
