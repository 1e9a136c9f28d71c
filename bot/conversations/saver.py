"""LangGraph's saver, for one run: a run that was replaced writes nothing more."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from psycopg import AsyncCursor
from psycopg.errors import NotNullViolation
from psycopg.rows import DictRow

from bot.approvals.grants import LostRun, Run
from bot.database.pool import Pool

# In the place of the thread's id: the same where the run is still the conversation's
# own, and otherwise nothing, which the column refuses. The lock makes whoever begins
# the next run wait for this commit. So the check costs no statement of its own.
OWN = (
    "VALUES ((SELECT c.id::text FROM conversations c"
    " WHERE c.id = %s::uuid AND c.generation = %s FOR SHARE),"
)


def _guarded(statement: str) -> str:
    found, count = re.subn(r"VALUES \(%s,", OWN, statement)
    if count != 1:
        raise RuntimeError("LangGraph's saver writes in another way than it did")
    return found


class RunSaver(AsyncPostgresSaver):
    """Saves for one run, as long as that has not been replaced.

    A process that stood still for longer than its jobs are waited for goes on where it
    was; what it would write then would lie over what its successor has written.
    """

    UPSERT_CHECKPOINTS_SQL = _guarded(AsyncPostgresSaver.UPSERT_CHECKPOINTS_SQL)
    UPSERT_CHECKPOINT_WRITES_SQL = _guarded(
        AsyncPostgresSaver.UPSERT_CHECKPOINT_WRITES_SQL
    )
    INSERT_CHECKPOINT_WRITES_SQL = _guarded(
        AsyncPostgresSaver.INSERT_CHECKPOINT_WRITES_SQL
    )

    def __init__(self, pool: Pool, run: Run) -> None:
        super().__init__(cast("Any", pool))
        self._run = run

    @asynccontextmanager
    async def _cursor(
        self, *, pipeline: bool = False
    ) -> AsyncGenerator[AsyncCursor[DictRow]]:
        try:
            async with super()._cursor(pipeline=pipeline) as cursor:
                own = _OwnCursor(cursor, self._run.generation) if pipeline else cursor
                yield cast("AsyncCursor[DictRow]", own)
        except NotNullViolation as error:
            raise LostRun(self._run.conversation) from error


class _OwnCursor:
    """Gives the guarded statements the number of the run, behind the thread's id."""

    def __init__(self, cursor: AsyncCursor[DictRow], generation: int) -> None:
        self._cursor = cursor
        self._generation = generation

    async def execute(self, statement: Any, values: Sequence[Any]) -> None:
        await self._cursor.execute(statement, self._own(statement, values))

    async def executemany(self, statement: Any, rows: Iterable[Sequence[Any]]) -> None:
        await self._cursor.executemany(
            statement, [self._own(statement, row) for row in rows]
        )

    def _own(self, statement: str, values: Sequence[Any]) -> Sequence[Any]:
        if OWN not in statement:
            return values
        thread, *rest = values
        return (thread, self._generation, *rest)
