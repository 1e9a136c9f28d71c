"""Do with one statement what is wanted at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, LiteralString

from psycopg.types.json import Jsonb

from bot.base.quick_json import quick_json
from bot.database.pool import Connection, Pool

MOST = 16  # rows in one statement
TURNS = 3  # of the loop, in which others join: all that a busy one has at hand
LONGEST = 0.5  # seconds to wait for the statement before: its connection may be dead
Row = Mapping[str, Any]  # known by its `id`


class Together:
    """Has rows done: all that come while others are under way, with one statement.

    Nothing waits where nothing is under way, nor long for what hangs.
    """

    def __init__(self, pool: Pool, statement: LiteralString, **given: Any) -> None:
        """Build one that has nothing to do yet.

        Args:
            statement: does `rows`, which are those of `ids`. It leaves out what others
                have locked, as that would hold up all of them, but waits for an id that
                is `alone`.
            given: more for the statement.
        """
        self._pool, self._given = pool, given
        self._statement: LiteralString = statement
        self._rows: list[Row] = []  # that others can join
        self._task: asyncio.Task[dict[str, Row]] | None = None

    async def __call__(self, row: Row) -> Row | None:
        """Have a row done; return what the statement says of it, None if there is none.

        Raises:
            psycopg.Error: of this row alone, not of others.
        """
        task = self._task
        if task is None or task.done() or not 0 < len(self._rows) < MOST:
            self._rows = []
            task = self._task = asyncio.create_task(self._work(self._rows, task))
        rows = self._rows
        rows.append(row)
        try:
            await asyncio.wait({task})
        finally:
            rows.remove(row)
            if not rows:  # nobody waits for it any more, as at a shutdown
                task.cancel()
        return task.result().pop(row["id"], None) or await self._alone(row)

    async def _work(
        self, rows: list[Row], before: asyncio.Task[dict[str, Row]] | None
    ) -> dict[str, Row]:
        if before and not before.done():
            await asyncio.wait({before}, timeout=LONGEST)
        for _ in range(TURNS):
            await asyncio.sleep(0)
        with suppress(Exception):  # each is tried alone then
            async with self._pool.connection() as connection:
                if self._rows is rows:
                    self._rows = []
                return await self._done(connection, rows)
        return {}

    async def _alone(self, row: Row) -> Row | None:
        async with self._pool.connection() as connection:
            done = await self._done(connection, [row], row["id"])
        return done.get(row["id"])

    async def _done(
        self, connection: Connection, rows: Sequence[Row], alone: str | None = None
    ) -> dict[str, Row]:
        stored = Jsonb([*rows], dumps=quick_json)
        given = {"ids": [row["id"] for row in rows], "rows": stored, "alone": alone}
        done = await connection.execute(self._statement, {**given, **self._given})
        return {row["id"]: row for row in await done.fetchall()}
