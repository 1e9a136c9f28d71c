"""Connection pools: how every part of the bot reaches PostgreSQL.

Anything in between can close a connection, reset it or silently drop it: so each wait
has a limit, and after a dead connection all idle ones are replaced.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Self

from psycopg import AsyncConnection, InterfaceError, OperationalError
from psycopg.abc import RV, PQGen
from psycopg.errors import Diagnostic
from psycopg.pq import PipelineStatus, TransactionStatus
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import set_json_loads
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from bot.base.errors import DatabaseUnavailable, SlackUnavailable
from bot.base.quick_json import quick_loads
from bot.base.time_limits import limits

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


async def leads_here(pool: Pool, other: AsyncConnection[Any]) -> bool:
    """Return whether another connection leads to the pool's own database.

    By what the server knows, since one database has many addresses: a lock that one of
    the two holds is refused to the other in the same database alone.
    """
    key = [secrets.randbits(62)]
    async with pool.connection() as own, own.transaction():
        await own.execute(_LOCK, key)
        async with other.transaction():
            row = await (await other.execute(_LOCK, key)).fetchone()
    return row is not None and not row[0]


_LOCK = "SELECT pg_try_advisory_xact_lock(%s)"


class Connection(AsyncConnection[DictRow]):
    """A connection that waits for no answer longer than its patience.

    It knows what follows once its transaction stands.

    Attributes:
        patience: seconds for one statement; None: as long as it takes.
        last_used: when the server last answered, by `time.monotonic()`.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # its own, whatever a graph has set for the rest of the process
        set_json_loads(quick_loads, self)
        self.after_commit: list[Callable[[], None]] = []
        self.patience: float | None = limits().statement
        self.made = time.monotonic()
        self.last_used = 0.0
        self._unflushed = unflushed = list[str]()
        # a method of this object would keep it alive
        self.add_notice_handler(lambda notice: _note_unflushed(notice, unflushed))

    async def wait(
        self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None
    ) -> RV:
        """Wait as psycopg does, and close the connection where no answer comes.

        A commit has reached the disk then, unless its own statements let that be. A
        cancelled statement would have psycopg ask the server to stop it, and wait for
        the answer: 10 seconds more, where the server is gone.

        Raises:
            psycopg.OperationalError: the server has not answered.
        """
        limit = self.patience if timeout is None else timeout
        try:
            found = await super().wait(gen, interval, limit)
            if self._unflushed and self._is_idle:
                self._unflushed.clear()
                await super().wait(self._exec_command(_FLUSH), interval, limit)
        except OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.pgconn.finish()
            raise
        self.last_used = time.monotonic()
        return found

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
        status = self.pgconn.transaction_status, self.pgconn.pipeline_status
        return status == (TransactionStatus.IDLE, PipelineStatus.OFF)

    @property
    def is_trusted(self) -> bool:
        """Return whether its last answer is too recent to ask the server again."""
        return time.monotonic() - self.last_used <= TRUSTED

    def belong_to(self, pool: Pool) -> Self:
        """Be a connection of this pool's that is in use."""
        self._pool = pool
        return self

    async def check(self) -> None:
        """Ask the server for a sign of life, which a living one gives at once.

        Raises:
            psycopg.Error: there is none.
        """
        usual, self.patience = self.patience, limits().sign_of_life
        try:
            await self.execute("")
        finally:
            self.patience = usual


UNFLUSHED = "01A01"  # of migration 0032: a commit that does not wait for the disk
# A commit of its own, which waits as the server is told to; then all that is before it
# in the log of the database is on the disk, too.
_FLUSH = b"SELECT pg_logical_emit_message(true, 'approval-bot', 'commit')"


def _note_unflushed(notice: Diagnostic, unflushed: list[str]) -> None:
    if notice.sqlstate == UNFLUSHED:
        unflushed.append(UNFLUSHED)


class Pool(AsyncConnectionPool[Connection]):
    """Connections that are replaced at once, all idle ones, where one is found dead.

    psycopg's own pool replaces one after the other, with a growing wait in between.
    """

    def __init__(self, url: str, **options: Any) -> None:
        super().__init__(
            url,
            connection_class=Connection,
            check=self._check_if_idle,
            open=False,
            **options,
        )
        self._replaced = 0.0
        self._turns = asyncio.Semaphore(self.max_size)

    def connection(self, timeout: float | None = None) -> Use:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Use a connection, as of psycopg's own pool, whose generator costs more."""
        return Use(self, timeout)

    async def getconn(self, timeout: float | None = None) -> Connection:
        """Take a connection in turn; psycopg's own pool has a task for each who waits.

        Args:
            timeout: seconds to wait for one; None: as the pool was made.

        Raises:
            psycopg_pool.PoolTimeout, psycopg_pool.PoolClosed: there is none.
        """
        until = time.monotonic() + (self.timeout if timeout is None else timeout)
        await self._wait_for_turn(until)
        try:
            left = until - time.monotonic()
            return self._used_just_now() or await super().getconn(left)
        except BaseException:
            self._turns.release()
            raise

    async def putconn(self, conn: Connection) -> None:
        """Take a connection back."""
        try:
            if conn.closed:
                await self._replace_idle(conn)
            await super().putconn(conn)
        finally:
            self._turns.release()

    async def _wait_for_turn(self, until: float) -> None:
        if not self._turns.locked():  # a time limit costs more than a turn
            await self._turns.acquire()
            return
        try:
            async with asyncio.timeout(until - time.monotonic()):
                await self._turns.acquire()
        except TimeoutError as error:
            raise PoolTimeout from error

    def _used_just_now(self) -> Connection | None:
        """Take an idle connection without asking whether it lives, if that is known."""
        if not (self._pool and self._pool[-1].is_trusted):
            return None
        taken = self._pool.pop().belong_to(self)
        self._nconns_min = min(self._nconns_min, len(self._pool))  # no more are spare
        return taken

    async def _get_ready_connection(self, timeout: float | None) -> Connection | None:
        """Take the connection used last: its session has planned and read the most.

        psycopg's own pool takes the one that has been idle longest.
        """
        self._pool.rotate(1)
        return await super()._get_ready_connection(timeout)

    async def _check_if_idle(self, connection: Connection) -> None:
        """Ask the server only where the last use is a while ago."""
        if connection.is_trusted:
            return
        try:
            await connection.check()
        except Exception:
            await self._replace_idle(connection)
            raise

    async def _replace_idle(self, dead: Connection) -> None:
        """Replace all that are idle, unless that was done since this one was made."""
        if dead.made > self._replaced:
            self._replaced = time.monotonic()
            await self.drain()


class Use:
    """One use of a pool's connection, in which each statement is a transaction.

    What is to follow the commit follows once the connection is given back.
    """

    def __init__(self, pool: Pool, timeout: float | None) -> None:
        self._pool, self._timeout = pool, timeout

    async def __aenter__(self) -> Connection:
        self._connection = await self._pool.getconn(self._timeout)
        return self._connection

    async def __aexit__(self, *error: Any) -> None:
        connection = self._connection
        try:
            await connection.__aexit__(*error)
            due = [] if error[0] else connection.after_commit[:]
        finally:
            connection.after_commit.clear()
            await self._pool.putconn(connection)
        for act in due:
            act()


PREPARE_AFTER = 1  # uses of a statement; psycopg's own default is 5
# The saver of LangGraph needs autocommit. Nothing is prepared (0 would mean "at once")
# until it is known that no proxy with transaction pooling is in between. The rest is
# for where TCP itself knows that nobody is at the other end; libpq sends none of it.
# https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-KEEPALIVES
SETTINGS: dict[str, Any] = {
    "prepare_threshold": None,
    "row_factory": dict_row,
    "connect_timeout": 3,  # seconds
    "keepalives_idle": 10,  # seconds
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 8_000,  # milliseconds
}
# So that the server, too, lets go of a session whose other end is gone: of its locks,
# and of its place among `max_connections`, which it would otherwise keep for hours.
AT_THE_SERVER: Mapping[str, str] = {
    "tcp_keepalives_idle": "30s",
    "tcp_keepalives_interval": "10s",
    "tcp_keepalives_count": "3",
}


async def connect(url: str, *, patience: float | None = None) -> Connection:
    """Open one connection of its own; close it with `async with`.

    Args:
        patience: seconds for one statement; None: as long as it takes.

    Raises:
        psycopg.OperationalError: the database cannot be reached.
    """
    connection = await Connection.connect(url, autocommit=True, **SETTINGS)
    connection.patience = patience
    return connection


def make_pool(
    url: str,
    *,
    name: str,
    size: int,
    timeout: float,
    smallest: int = 1,
    patience: float | None = None,
    also: Mapping[str, str] | None = None,
) -> Pool:
    """Build a closed pool; open it with `await pool.open()`.

    Args:
        url: libpq connection string.
        size: most connections at once.
        timeout: seconds to wait for a free connection before `PoolTimeout`.
        patience: seconds for one statement, less than usual.
        also: settings of its sessions at the server.
    """
    patience = patience or limits().statement
    settings = {
        **AT_THE_SERVER,
        # the server gives a statement up first, so that the connection lives on
        "approval_bot.shared_until": "0",  # the trail need not wait, see `_FLUSH`
        "statement_timeout": f"{patience * 900:.0f}ms",
        "idle_in_transaction_session_timeout": f"{limits().transaction * 1000:.0f}ms",
        **(also or {}),
    }

    async def configure(connection: Connection) -> None:
        connection.patience = patience
        await connection.set_autocommit(True)
        await _make_use_of_session(connection, settings)

    return Pool(
        url,
        # not `autocommit`: procrastinate gives that one itself where it listens
        kwargs={**SETTINGS, "application_name": f"approval-bot {name}"},
        min_size=min(smallest, size),
        max_size=size,
        timeout=timeout,
        name=name,
        configure=configure,
        # Tries in the background get rarer and rarer; after that each use begins one.
        reconnect_timeout=timeout,
    )


#: For the sessions of the bot itself: to plan a statement, or one inside a function,
#: for the values at hand costs more than to run it, and each call touches a few rows.
#: A plan made while a table is small would still read all of it once it has grown, so
#: none reads a whole table where an index will do, nor gathers by a bitmap all the rows
#: that an index gives in the order wanted. Where no index will do, PostgreSQL before 18
#: takes the plan for so costly that it compiles it, for longer than it runs.
ONE_PLAN: Mapping[str, str] = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "jit": "off",
}


@asynccontextmanager
async def transaction(pool: Pool) -> AsyncGenerator[Connection]:
    """One transaction on a connection of its own; then what follows it.

    Raises:
        psycopg.Error, psycopg_pool.PoolTimeout: nothing was written.
    """
    async with pool.connection() as connection, connection.transaction():
        yield connection


async def _make_use_of_session(
    connection: Connection, settings: Mapping[str, str]
) -> None:
    """A pool's `configure`: prepare statements and set what is the session's own.

    Planning costs more than running here. Behind a proxy with transaction pooling a
    statement may meet another server process, and others what was set: so only where
    no proxy in between gives clients process numbers of its own.
    https://www.postgresql.org/docs/current/protocol-message-formats.html BackendKeyData
    """
    found = await connection.execute(
        "SELECT set_config(name, value, false)"
        " FROM unnest(%s::text[], %s::text[]) AS given (name, value)"
        " WHERE pg_backend_pid() = %s",
        [[*settings], [*settings.values()], connection.info.backend_pid],
    )
    if found.rowcount:
        connection.prepare_threshold = PREPARE_AFTER
