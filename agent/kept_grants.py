"""Grants that outlive the process: a table beside the checkpoints."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Literal, LiteralString, Protocol, cast

import aiosqlite
import rfc8785
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from agent.grant_protocol import Call, Claim, Outcome, Permission
from agent.named_statements import named_statements
from agent.phrases.tool_calls import NOT_APPROVED, RUNNING

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
            return (await connection.execute(_named(statement), values)).rowcount

    async def find(self, statement: LiteralString, values: Values) -> Any:
        async with self._pool.connection() as connection:
            found = await connection.execute(_named(statement), values)
            return await found.fetchone()


def _named(statement: LiteralString) -> LiteralString:
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
