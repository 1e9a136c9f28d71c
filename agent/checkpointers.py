"""The storage of a terminal's conversations: memory, SQLite or PostgreSQL."""

# LangGraph ships its types without the marker that pyright looks for.
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import logging
import sqlite3
from collections.abc import AsyncGenerator, Collection
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import aiosqlite
import psycopg
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from agent.kept_grants import KeptGrants, Postgres, Sqlite
from agent.options import ALLOWED
from agent.phrases import chat
from agent.visible import harmless

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
    raise CheckpointerError(chat.no_checkpointer(ALLOWED))


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
        saver, grants = (
            AsyncSqliteSaver(for_saver),
            KeptGrants(Sqlite(for_grants), free),
        )
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
        saver, grants = (
            AsyncPostgresSaver(cast("Any", pool)),
            KeptGrants(Postgres(pool), free),
        )
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
