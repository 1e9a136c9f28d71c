"""Connection pools: how every part of the bot reaches PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

from psycopg import AsyncConnection, InterfaceError, OperationalError
from psycopg.pq import PipelineStatus, TransactionStatus
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from bot.base.errors import DatabaseUnavailable, SlackUnavailable

TRUSTED = 1.0  # seconds that a connection is taken for alive after its last use
# Trouble that passes: the work is kept and tried again.
TRANSIENT = (
    OperationalError,
    InterfaceError,
    PoolTimeout,
    PoolClosed,
    DatabaseUnavailable,
    SlackUnavailable,
)


class Connection(AsyncConnection[DictRow]):
    """A connection that knows what follows once its transaction stands."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.after_commit: list[Callable[[], None]] = []
        self.last_used = 0.0  # time.monotonic()

    async def commit(self) -> None:
        """Commit, where anything is open: each use of a pool ends with this."""
        if not self._is_idle:
            await super().commit()

    async def rollback(self) -> None:
        """Roll back, where anything is open."""
        if not self._is_idle:
            await super().rollback()

    @property
    def _is_idle(self) -> bool:
        status = self.info.transaction_status, self.info.pipeline_status
        return status == (TransactionStatus.IDLE, PipelineStatus.OFF)


Pool = AsyncConnectionPool[Connection]
PREPARE_AFTER = 5  # uses of a statement, psycopg's own default
# The saver of LangGraph needs autocommit. Nothing is prepared (0 would mean "at once")
# until it is known that no proxy with transaction pooling is in between.
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

    A connection that has been idle is checked before it is used, so that those which
    a restart of the server has cut are replaced.
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
        configure=prepare_if_direct,
        check=check_if_idle,
        reset=note_use,
        reconnect_timeout=10,
    )


@asynccontextmanager
async def statement(pool: Pool) -> AsyncGenerator[Connection]:
    """A connection for one statement, a transaction of its own; then what follows it.

    Raises:
        psycopg.Error, psycopg_pool.PoolTimeout: nothing was written.
    """
    async with pool.connection() as connection:
        connection.after_commit.clear()
        yield connection
        due = connection.after_commit[:]
    for act in due:
        act()


@asynccontextmanager
async def transaction(pool: Pool) -> AsyncGenerator[Connection]:
    """One transaction on a connection of its own; then what follows it.

    Raises:
        psycopg.Error, psycopg_pool.PoolTimeout: nothing was written.
    """
    async with statement(pool) as connection, connection.transaction():
        yield connection


async def check_if_idle(connection: Connection) -> None:
    """A pool's `check`: ask the server only where the last use is a while ago."""
    if time.monotonic() - connection.last_used > TRUSTED:
        await AsyncConnectionPool.check_connection(cast(Any, connection))


async def note_use(connection: Connection) -> None:
    """A pool's `reset`, for `check_if_idle`."""
    connection.last_used = time.monotonic()


async def prepare_if_direct(connection: Connection) -> None:
    """A pool's `configure`: prepare statements where the server itself is at the end.

    Planning costs more than running here; behind a pooling proxy a statement may meet
    a server process that does not know what was prepared.
    """
    if await is_direct(connection):
        connection.prepare_threshold = PREPARE_AFTER


async def is_direct(connection: Connection) -> bool:
    """Return whether no proxy in between gives clients process numbers of its own.

    PgBouncer does, and may run each transaction on another server process.
    https://www.postgresql.org/docs/current/protocol-message-formats.html BackendKeyData
    """
    found = await connection.execute("SELECT pg_backend_pid() AS pid")
    row = await found.fetchone()
    return bool(row and row["pid"] == connection.info.backend_pid)
