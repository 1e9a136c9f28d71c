"""The storage of a terminal's conversations and grants: memory, SQLite, PostgreSQL."""

# LangGraph ships its types without the marker that pyright looks for.
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import json
import logging
import re
import sqlite3
from collections.abc import AsyncGenerator, Collection, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, LiteralString, Protocol, cast

import aiosqlite
import psycopg
import rfc8785
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from agent import named_statements
from agent.grant_protocol import Call, Claim, Outcome, Permission
from agent.phrases import chat
from agent.phrases.tool_calls import NOT_APPROVED, RUNNING
from agent.safe_text import harmless

POSTGRES = ("postgresql://", "postgres://")
IN_MEMORY = ":memory:"  # SQLite's own name for a database without a file
TIMEOUT = 5  # seconds for a connection
TROUBLE = (sqlite3.Error, psycopg.Error, PoolTimeout, PoolClosed)


class CheckpointerError(Exception):
    """The checkpointer cannot be used; the text is a sentence for a person."""


@dataclass(frozen=True)
class Kept:
    """A checkpointer, and the grants beside it.

    Attributes:
        lasts: whether anything is left when the process ends.
    """

    saver: BaseCheckpointSaver[str]
    grants: KeptGrants
    lasts: bool


@asynccontextmanager
async def open_checkpointer(words: str, free: Collection[str]) -> AsyncGenerator[Kept]:
    """Open `memory`, `sqlite:PATH` or `postgresql://…`, and make what is missing there.

    Args:
        words: which of the three.
        free: names of the tools that need nobody.

    Raises:
        CheckpointerError: other words, it cannot be reached or written, or what it
            holds could run code.
    """
    if not is_strict():
        raise CheckpointerError(chat.LAX)
    async with AsyncExitStack() as stack:
        try:
            kept = await stack.enter_async_context(_named(words, free))
        except TROUBLE as error:
            raise CheckpointerError(_sentence(words, error)) from None
        yield kept


def _named(words: str, free: Collection[str]) -> AbstractAsyncContextManager[Kept]:
    if words == "memory":
        return _sqlite(IN_MEMORY, free)
    if words.startswith("sqlite:") and words != "sqlite:":
        return _sqlite(words.removeprefix("sqlite:"), free)
    if words.startswith(POSTGRES):
        return _postgres(words, free)
    # A URL of another kind may hold a password, so it is not repeated.
    raise CheckpointerError(chat.no_checkpointer())


def _sentence(words: str, error: Exception) -> str:
    if isinstance(error, sqlite3.Error):
        return chat.sqlite_unusable(harmless(words), error)
    return chat.postgres_unusable(first_line(error))


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, harmless to a terminal."""
    return harmless((str(error).strip() or type(error).__name__).splitlines()[0])


@asynccontextmanager
async def _sqlite(path: str, free: Collection[str]) -> AsyncGenerator[Kept]:
    # aiosqlite's thread complains aloud when it cannot open its file.
    sqlite3.connect(path).close()
    # Two connections, so that a grant is never part of the saver's transaction.
    async with (
        aiosqlite.connect(path) as for_saver,
        aiosqlite.connect(path, isolation_level=None) as for_grants,
    ):
        saver = AsyncSqliteSaver(for_saver)
        grants = KeptGrants(Sqlite(for_grants), free)
        await saver.setup()
        await grants.set_up()
        yield Kept(saver, grants, lasts=path != IN_MEMORY)


@asynccontextmanager
async def _postgres(url: str, free: Collection[str]) -> AsyncGenerator[Kept]:
    await _try_once(url)
    pool: AsyncConnectionPool[AsyncConnection[Any]] = AsyncConnectionPool(
        url,
        # The saver needs autocommit; a proxy in between may not know what was prepared.
        kwargs={"autocommit": True, "prepare_threshold": None},
        min_size=1,
        max_size=2,
        timeout=TIMEOUT,
        open=False,
        # A person may think for hours, and the server be restarted meanwhile.
        check=AsyncConnectionPool.check_connection,
    )
    async with pool:
        saver = AsyncPostgresSaver(cast("Any", pool))
        grants = KeptGrants(Postgres(pool), free)
        await saver.setup()
        await grants.set_up()
        yield Kept(saver, grants, lasts=True)


async def _try_once(url: str) -> None:
    """Connect without the pool, which would only say that it took too long."""
    try:
        conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        # libpq's words can repeat parts of the URL, so they stay inside.
        raise CheckpointerError(chat.NO_ADDRESS) from None
    async with await AsyncConnection.connect(url, connect_timeout=TIMEOUT):
        pass


_SERDE_LOG = logging.getLogger("langgraph.checkpoint.serde.jsonplus")


@dataclass
class _Witness:
    """A class that no list of allowed ones names."""

    word: str = "made"


def is_strict() -> bool:
    """Try it: the variable counts only if it was set before LangGraph's import."""
    serde = JsonPlusSerializer()
    was, _SERDE_LOG.disabled = _SERDE_LOG.disabled, True  # it tells each refusal
    try:
        return not isinstance(
            serde.loads_typed(serde.dumps_typed(_Witness())), _Witness
        )
    finally:
        _SERDE_LOG.disabled = was


# --- The grants: a table beside the checkpoints ---------------------------------------

Values = Mapping[str, str | None]
SQL = named_statements(Path(__file__).with_name("grants.sql"))


class Database(Protocol):
    """The database that holds the table; each statement is its own transaction."""

    async def change(self, statement: LiteralString, values: Values) -> int:
        """Run a statement and return how many rows it changed."""
        ...

    async def find(self, statement: LiteralString, values: Values) -> Any:
        """Return the first row, or None."""
        ...


class Sqlite:
    """A `Database` over a connection in autocommit mode (`isolation_level=None`)."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    async def change(self, statement: LiteralString, values: Values) -> int:
        async with self._connection.execute(statement, values) as cursor:
            return cursor.rowcount

    async def find(self, statement: LiteralString, values: Values) -> Any:
        async with self._connection.execute(statement, values) as cursor:
            return await cursor.fetchone()


class Postgres:
    """A `Database` over a pool of connections in autocommit mode."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection[Any]]) -> None:
        self._pool = pool

    async def change(self, statement: LiteralString, values: Values) -> int:
        async with self._pool.connection() as connection:
            return (await connection.execute(_for_psycopg(statement), values)).rowcount

    async def find(self, statement: LiteralString, values: Values) -> Any:
        async with self._pool.connection() as connection:
            found = await connection.execute(_for_psycopg(statement), values)
            return await found.fetchone()


def _for_psycopg(statement: LiteralString) -> LiteralString:
    """`:name`, as SQLite writes a parameter, in psycopg's form."""
    return cast("LiteralString", re.sub(r":(\w+)", r"%(\1)s", statement))


class KeptGrants:
    """Implements `Grants`: at most once over all processes that share the table.

    Args:
        database: where the table is, or will be made by `set_up`.
        free: names of the tools that need nobody; all others need a person.
    """

    def __init__(self, database: Database, free: Collection[str]) -> None:
        self._database = database
        self._free = frozenset(free)

    async def set_up(self) -> None:
        """Make the table if it is missing."""
        await self._database.change(SQL["kept_table"], {})

    async def open(self, call: Call) -> Permission:
        """The first ruling on a call, whatever is free now."""
        ruling = "waived" if call.name in self._free else "ask"
        values = _key(call) | {"ruling": ruling, "args": _canonical(call.args)}
        await self._database.change(SQL["kept_open"], values)
        first, *_ = await self._database.find(SQL["kept_find"], _key(call))
        return Permission(first)

    async def decide(
        self, thread_id: str, tool_call_id: str, approved: dict[str, Any] | None
    ) -> bool:
        """Keep what a person decided; None approves nothing.

        False where it is too late: the call has begun, or nothing is known of it.
        """
        text = None if approved is None else _canonical(approved)
        values = {
            "thread_id": thread_id,
            "tool_call_id": tool_call_id,
            "approved": text,
        }
        return await self._database.change(SQL["kept_decide"], values) == 1

    async def begun(
        self, thread_id: str, tool_call_id: str
    ) -> tuple[dict[str, Any], bool] | None:
        """The arguments of a call that has begun, and whether its end is known."""
        values = {"thread_id": thread_id, "tool_call_id": tool_call_id}
        row = await self._database.find(SQL["kept_find"], values)
        if row is None or row[2] == "open" or row[1] is None:
            return None
        return json.loads(row[1]), row[2] != "executing"

    async def claim(self, call: Call, ruling: Permission) -> Claim:
        """Take the right to run a call, in the table."""
        del ruling  # the stored one counts
        values = _key(call) | {"args": _canonical(call.args)}
        if await self._database.change(SQL["kept_claim"], values):
            return Claim(won=True)
        row = await self._database.find(SQL["kept_find"], _key(call))
        return _lost(*row[2:]) if row else Claim(won=False, refusal=NOT_APPROVED)

    async def finish(self, call: Call, outcome: Outcome) -> None:
        """Store what came of it."""
        end = {"state": outcome.status, "content": outcome.content}
        await self._database.change(SQL["kept_finish"], _key(call) | end)


def _lost(
    state: Literal["open", "executing", "done", "failed", "unknown"],
    content: str | None,
) -> Claim:
    if state == "done" or state == "failed" or state == "unknown":
        return Claim(won=False, result=content, status=state)
    return Claim(won=False, refusal=RUNNING if state == "executing" else NOT_APPROVED)


def _key(call: Call) -> dict[str, str | None]:
    return {"thread_id": call.thread_id, "tool_call_id": call.tool_call_id}


def _canonical(args: dict[str, Any]) -> str:
    return rfc8785.dumps(args).decode()
