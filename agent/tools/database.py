"""The database tools: `query`, `execute` and `change_schema`, for one SQL database."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, LiteralString, Protocol, cast
from urllib.parse import quote

import psycopg
from langchain_core.tools import BaseTool, ToolException
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, create_model

from agent import named_statements
from agent.gate import FilledTool, OutcomeUnknown
from agent.phrases import results
from agent.safe_text import clean_text
from agent.tool_arguments import titled
from agent.tools.statements import Dialect, Kind, require

MAX_ROWS = 200
MAX_RESULT = 20_000  # characters
MAX_CELL = 500  # characters
MAX_REASON = 500  # characters of the database's own message
SQL = named_statements(Path(__file__).with_name("database.sql"))
IsOwn = Callable[["psycopg.AsyncConnection[Any]"], Awaitable[bool]]


@dataclass(frozen=True)
class Patience:
    """Seconds for a connection, a statement and a lock."""

    connect: float = 10
    statement: float = 30
    lock: float = 5


@dataclass(frozen=True)
class Found:
    """The first rows of a result, at most `MAX_ROWS` and one."""

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]


class Database(Protocol):
    """A database; each method is one transaction, with a limit of time.

    Raises `DatabaseError`, and `OutcomeUnknown` where a change was not confirmed.
    """

    dialect: Dialect

    async def check(self) -> None:
        """Connect once; raises OwnDatabase where that leads to the bot's own."""
        ...

    async def read(self, statement: str) -> Found:
        """Run a statement where nothing can be written."""
        ...

    async def change(self, statement: str, approved: int | None) -> int:
        """Run a statement and return its number of rows; rolled back for another."""
        ...

    async def change_schema(self, statement: str) -> None:
        """Run a statement that changes tables."""
        ...


class DatabaseError(ToolException):
    """Nothing was done; the text is a sentence for the model."""


class OwnDatabase(DatabaseError):
    """It is the bot's own database."""

    def __init__(self) -> None:
        super().__init__(results.DATABASE_IS_OWN)


def open_database(
    url: str, is_own: IsOwn | None = None, patience: Patience | None = None
) -> Database:
    """Open the database of SQL_URL; nothing is connected yet.

    Args:
        is_own: tells of a connection whether it leads to the bot's own database.
    """
    patience = patience or Patience()
    if url.startswith("sqlite:"):
        return SqliteDatabase(Path(sqlite_path(url)), patience)
    return PostgresDatabase(url, is_own, patience)


def sqlite_path(url: str) -> str:
    """The path in `sqlite:PATH` or `sqlite:///PATH`."""
    return url.removeprefix("sqlite:").removeprefix("///")


def make_database_tools(database: Database) -> list[BaseTool]:
    """Make the three tools."""
    dialect = database.dialect

    async def query(statement: str) -> str:
        """Read from the database with one SELECT. Nothing can be changed with it."""
        found = await database.read(require(statement, dialect, Kind.READ).text)
        return as_text(found)

    async def execute(statement: str, rows: int | str | None = None) -> str:
        """Change rows of the database, with one statement that adds or changes some."""
        approved = rows if isinstance(rows, int) else None
        written = require(statement, dialect, Kind.WRITE)
        changed = await database.change(written.text, approved)
        return results.changed_rows(changed)

    async def change_schema(statement: str) -> str:
        """Change the database's tables: make, alter, empty or drop one."""
        written = require(statement, dialect, Kind.SCHEMA)
        await database.change_schema(written.text)
        return results.SCHEMA_CHANGED

    reading, writing, changing = (_arguments(dialect, kind) for kind in Kind)
    read = partial(_as_it_runs, dialect, Kind.READ)
    return [
        FilledTool.from_function(coroutine=query, args_schema=reading, fill=read),
        FilledTool.from_function(
            coroutine=execute,
            args_schema=writing,
            fill=partial(_with_rows, database),
            metadata=titled("execute"),
        ),
        FilledTool.from_function(
            coroutine=change_schema,
            args_schema=changing,
            fill=partial(_as_it_runs, dialect, Kind.SCHEMA),
            metadata=titled("change_schema"),
        ),
    ]


async def _as_it_runs(
    dialect: Dialect, kind: Kind, args: dict[str, Any]
) -> dict[str, Any]:
    """The statement alone: what a comment says is for no rule and nobody to go by."""
    return {"statement": require(args["statement"], dialect, kind).text}


def _arguments(dialect: Dialect, kind: Kind) -> type[BaseModel]:
    def fits(statement: str) -> str:
        require(statement, dialect, kind)
        return statement

    fields: dict[str, Any] = {
        "statement": (
            Annotated[str, AfterValidator(fits)],
            Field(description=f"One statement, in the SQL of {_NAMES[dialect]}."),
        )
    }
    if kind is Kind.WRITE:
        fields["rows"] = (
            int | str | None,
            Field(
                None,
                description="Leave it out: the number of rows that it would change is "
                "counted and filled in before anybody is asked.",
            ),
        )
    config = ConfigDict(extra="forbid", strict=True)
    return create_model(f"{kind.name.title()}Statement", __config__=config, **fields)


_NAMES: dict[Dialect, str] = {"postgres": "PostgreSQL", "sqlite": "SQLite"}


async def _with_rows(database: Database, args: dict[str, Any]) -> dict[str, Any]:
    """The statement as it is run, and how many rows it would change.

    Nothing but a SELECT that only reads is run to find out.
    """
    written = require(args["statement"], database.dialect, Kind.WRITE)
    rows: int | str | None = results.NOT_COUNTED
    if isinstance(written.counting, int):
        rows = written.counting
    elif written.counting is not None:
        try:
            found = await database.read(written.counting)
            rows = cast("int", found.rows[0][0])
        except DatabaseError:
            rows = results.NOT_COUNTED_NOW
    return {"statement": written.text, "rows": rows}


def as_text(found: Found) -> str:
    """A result for the model: a line of names, then a line for each row."""
    if not found.rows:
        return results.NO_ROWS
    shown = [" | ".join(map(_cell, row)) for row in found.rows[:MAX_ROWS]]
    text = "\n".join([" | ".join(found.columns), *shown])
    if len(text) > MAX_RESULT:
        return f"{text[:MAX_RESULT]}\n{results.result_cut(MAX_RESULT)}"
    if len(found.rows) > MAX_ROWS:
        return f"{text}\n{results.rows_cut(MAX_ROWS)}"
    return text


def _cell(value: object) -> str:
    if isinstance(value, bytes):
        return results.binary(len(value))
    text = " ".join(clean_text("NULL" if value is None else str(value)).splitlines())
    return text if len(text) <= MAX_CELL else f"{text[:MAX_CELL]}…"


class PostgresDatabase:
    """A connection for each statement: they are few, and none is left behind."""

    dialect: Dialect = "postgres"

    def __init__(self, url: str, is_own: IsOwn | None, patience: Patience) -> None:
        self._url = url
        self._is_own = is_own
        self._patience = patience

    async def read(self, statement: str) -> Found:
        """Run a statement in a transaction that PostgreSQL itself keeps read-only."""
        async with self._connected(read_only=True) as connection:
            async with connection.cursor(name="found") as cursor:
                await cursor.execute(cast("LiteralString", statement))
                rows = await cursor.fetchmany(MAX_ROWS + 1)
                columns = [each.name for each in cursor.description or ()]
            await connection.rollback()
            return Found(columns, rows)

    async def change(self, statement: str, approved: int | None) -> int:
        """Run a statement; keep it where it changed as many rows as were approved."""
        async with self._connected() as connection:
            rows = (await self._run(connection, statement)).rowcount
            if approved is not None and rows != approved:
                await connection.rollback()
                raise DatabaseError(results.other_rows(approved, rows))
            return rows

    async def change_schema(self, statement: str) -> None:
        """Run a statement that changes tables."""
        async with self._connected() as connection:
            await self._run(connection, statement)

    async def check(self) -> None:
        """Connect once.

        Raises:
            OwnDatabase, DatabaseError: it is the bot's own, or cannot be reached.
        """
        async with self._connected(read_only=True) as connection:
            await connection.rollback()

    @asynccontextmanager
    async def _connected(
        self, *, read_only: bool = False
    ) -> AsyncGenerator[psycopg.AsyncConnection[Any]]:
        limits, most = self._patience, self._patience.connect
        try:
            connection = await psycopg.AsyncConnection.connect(
                self._url, connect_timeout=int(most), prepare_threshold=None
            )
        except psycopg.Error as error:
            raise DatabaseError(results.DATABASE_AWAY) from error
        try:
            async with asyncio.timeout(limits.statement + limits.connect):
                if self._is_own and await self._is_own(connection):
                    raise OwnDatabase
                await connection.rollback()
                await connection.set_read_only(read_only)
                await connection.execute(SQL["limit_time"], _milliseconds(limits))
                yield connection
            if not read_only:  # beyond that limit, at which nothing was changed
                await _commit(connection, most)
        except (psycopg.errors.QueryCanceled, TimeoutError) as error:
            raise DatabaseError(results.DATABASE_SLOW) from error
        except psycopg.OperationalError as error:
            raise DatabaseError(results.DATABASE_AWAY) from error
        except psycopg.Error as error:
            raise DatabaseError(_refused(error)) from error
        finally:
            await connection.close()

    @staticmethod
    async def _run(
        connection: psycopg.AsyncConnection[Any], statement: str
    ) -> psycopg.AsyncCursor[Any]:
        # Binary, it goes by the protocol that takes one statement and no more, whatever
        # a parser has made of it.
        return await connection.execute(cast("LiteralString", statement), binary=True)


def _milliseconds(limits: Patience) -> dict[str, str]:
    most, lock = limits.statement, limits.lock
    return {"most": str(int(most * 1000)), "lock": str(int(lock * 1000))}


async def _commit(connection: psycopg.AsyncConnection[Any], most: float) -> None:
    try:
        async with asyncio.timeout(most):
            await connection.commit()
    except (psycopg.OperationalError, TimeoutError) as error:
        raise OutcomeUnknown(results.CHANGE_UNCONFIRMED) from error


def _refused(error: psycopg.Error | sqlite3.Error) -> str:
    said = str(error)
    if isinstance(error, psycopg.Error):
        said = error.diag.message_primary or type(error).__name__
    return results.database_refused(clean_text(said)[:MAX_REASON])


class SqliteDatabase:
    """A file; each call opens it anew, in a thread."""

    dialect: Dialect = "sqlite"

    def __init__(self, path: Path, patience: Patience) -> None:
        self._path = path
        self._patience = patience

    async def check(self) -> None:
        """Connect once."""
        await asyncio.to_thread(self._check)

    async def read(self, statement: str) -> Found:
        """Run a statement where the file is open for reading alone."""
        return await asyncio.to_thread(self._read, statement)

    async def change(self, statement: str, approved: int | None) -> int:
        """Run a statement; keep it where it changed as many rows as were approved."""
        return await asyncio.to_thread(self._change, statement, approved, _NO_SCHEMA)

    async def change_schema(self, statement: str) -> None:
        """Run a statement that changes tables."""
        await asyncio.to_thread(self._change, statement, None, _NO_OTHER_FILE)

    def _check(self) -> None:
        with self._connected("ro") as connection:
            connection.execute(SQL["only_read"])

    def _read(self, statement: str) -> Found:
        with self._connected("ro") as connection:
            connection.execute(SQL["only_read"])
            connection.set_authorizer(_only(_READ))
            cursor = connection.execute(statement)
            columns = [each[0] for each in cursor.description or ()]
            return Found(columns, cursor.fetchmany(MAX_ROWS + 1))

    def _change(
        self, statement: str, approved: int | None, refused: frozenset[int]
    ) -> int:
        with self._connected("rw") as connection:
            connection.execute(SQL["keep_foreign_keys"])
            connection.execute(SQL["begin_writing"])
            connection.set_authorizer(_but(refused))
            for _ in connection.execute(statement):  # it ends with its last row
                continue
            connection.set_authorizer(None)
            [rows] = connection.execute(SQL["count_changes"]).fetchone()
            if approved is not None and rows != approved:
                raise DatabaseError(results.other_rows(approved, rows))
            connection.commit()
            return rows

    @contextmanager
    def _connected(self, mode: str) -> Generator[sqlite3.Connection]:
        place = f"file:{quote(str(self._path.absolute()))}?mode={mode}"
        try:
            connection = sqlite3.connect(
                place, uri=True, timeout=self._patience.lock, isolation_level=None
            )
        except sqlite3.Error as error:
            raise DatabaseError(results.DATABASE_AWAY) from error
        end = time.monotonic() + self._patience.statement
        # Closing without the commit undoes all.
        with closing(connection):
            connection.set_progress_handler(lambda: time.monotonic() > end, 10_000)
            try:
                yield connection
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                    raise DatabaseError(results.DATABASE_SLOW) from error
                raise DatabaseError(_refused(error)) from error
            except sqlite3.Error as error:
                raise DatabaseError(_refused(error)) from error


_READ = frozenset(
    {
        sqlite3.SQLITE_SELECT,
        sqlite3.SQLITE_READ,
        sqlite3.SQLITE_FUNCTION,
        sqlite3.SQLITE_RECURSIVE,
    }
)
_NO_OTHER_FILE = frozenset(
    {sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH, sqlite3.SQLITE_PRAGMA}
)
_NO_SCHEMA = _NO_OTHER_FILE | frozenset(
    code
    for name, code in vars(sqlite3).items()
    if name.startswith(("SQLITE_CREATE_", "SQLITE_DROP_", "SQLITE_ALTER_"))
)
Authorizer = Callable[[int, str | None, str | None, str | None, str | None], int]


def _only(allowed: frozenset[int]) -> Authorizer:
    def authorize(action: int, *_: str | None) -> int:
        return sqlite3.SQLITE_OK if action in allowed else sqlite3.SQLITE_DENY

    return authorize


def _but(refused: frozenset[int]) -> Authorizer:
    def authorize(action: int, *_: str | None) -> int:
        return sqlite3.SQLITE_DENY if action in refused else sqlite3.SQLITE_OK

    return authorize
