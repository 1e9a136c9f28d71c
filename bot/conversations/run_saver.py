"""The checkpoints of one run: kept as long as it is the conversation's own."""

from __future__ import annotations

import copy
import dataclasses
import math
import re
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
)
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.types import Send
from psycopg import AsyncCursor
from psycopg.errors import NotNullViolation
from psycopg.rows import DictRow
from pydantic import BaseModel

from bot.approvals.grants import LostRun, Run
from bot.conversations.graph_loop import at_home
from bot.conversations.inbox import clean
from bot.database.pool import Pool

PLACE = ("thread_id", "checkpoint_ns", "checkpoint_id")


class Unstorable(Exception):
    """A value of a graph cannot be kept; the text is the name of its type."""


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

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Read the latest checkpoint, or a named one."""
        return await at_home(self.loop, super().aget_tuple(config))

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Save what a task has written."""
        saved = super().aput_writes(config, writes, task_id, task_path)
        await at_home(self.loop, saved)

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Save a checkpoint.

        Simple values stand in a JSON column, which takes no NUL, no half of a character
        and no NaN. Those go where values with a structure go.

        Raises:
            Unstorable: one of the values has a type that cannot be kept.
        """
        saved = self._put(config, checkpoint, metadata, new_versions)
        return await at_home(self.loop, saved)

    async def _put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        # what else stands in `configurable` would be kept with each checkpoint, and
        # AGENT_CONTEXT may hold secrets
        place = config.get("configurable", {})
        config = {"configurable": {k: v for k, v in place.items() if k in PLACE}}
        values = checkpoint["channel_values"]
        odd = {key: value for key, value in values.items() if _is_odd(value)}
        if odd:
            await self._put_apart(config, odd, new_versions)
            rest = {key: value for key, value in values.items() if key not in odd}
            checkpoint = {**checkpoint, "channel_values": rest}
        return await super().aput(config, checkpoint, metadata, new_versions)

    async def _put_apart(
        self, config: RunnableConfig, odd: dict[str, Any], new: ChannelVersions
    ) -> None:
        place = config.get("configurable", {})
        versions = {key: version for key, version in new.items() if key in odd}
        rows = self._dump_blobs(
            place["thread_id"], place.get("checkpoint_ns", ""), odd, versions
        )
        async with self._cursor(pipeline=True) as cursor:
            await cursor.executemany(self.UPSERT_CHECKPOINT_BLOBS_SQL, rows)

    def _dump_blobs(
        self,
        thread_id: str,
        checkpoint_ns: str,
        values: dict[str, Any],
        versions: ChannelVersions,
    ) -> Any:
        dump = super()._dump_blobs
        try:
            return dump(thread_id, checkpoint_ns, values, versions)
        except TypeError:
            return dump(thread_id, checkpoint_ns, self._fit(values), versions)

    def _dump_writes(
        self,
        thread_id: str,
        checkpoint_ns: str,
        checkpoint_id: str,
        task_id: str,
        task_path: str,
        writes: Sequence[tuple[str, Any]],
    ) -> Any:
        dump = super()._dump_writes
        place = (thread_id, checkpoint_ns, checkpoint_id, task_id, task_path)
        try:
            return dump(*place, writes)
        except TypeError:
            return dump(*place, [(key, self._fit(value)) for key, value in writes])

    def _fit(self, value: Any) -> Any:
        """A value as it can be kept: a text anywhere in it without what nobody stores.

        Raises:
            Unstorable: its type, or that of something in it, cannot be kept.
        """
        whole = _cleaned(value)
        try:
            self.serde.dumps_typed(whole)
        except TypeError as error:
            raise Unstorable(self._culprit(whole)) from error
        return whole

    def _culprit(self, value: Any) -> str:
        """The name of the type that cannot be kept, as deep inside as can be seen."""
        for part in _parts(value):
            try:
                self.serde.dumps_typed(part)
            except TypeError:
                return self._culprit(part)
        return type(value).__name__

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


def _is_odd(value: object) -> bool:
    if isinstance(value, str):
        return clean(value) != value
    return isinstance(value, float) and not math.isfinite(value)


def _cleaned(value: Any) -> Any:
    match value:
        case str():
            return clean(value)
        case dict():
            items = cast("dict[Any, Any]", value).items()
            return {_cleaned(key): _cleaned(inner) for key, inner in items}
        case list():
            return [*map(_cleaned, cast("list[Any]", value))]
        case tuple():
            return (*map(_cleaned, cast("tuple[Any, ...]", value)),)
        case _:
            return _copied(value)


def _copied(value: Any) -> Any:
    """A copy of an object with its fields cleaned; what has none is left as it is."""
    if not (names := _names(value)):
        return value
    copied: Any = copy.copy(value)
    for name in names:
        object.__setattr__(copied, name, _cleaned(getattr(value, name, None)))
    return copied


def _parts(value: Any) -> list[Any]:
    """What a value holds."""
    match value:
        case dict():
            return [*cast("dict[Any, Any]", value).values()]
        case list() | tuple() | set():
            return [*cast("Iterable[Any]", value)]
        case _:
            return [getattr(value, name, None) for name in _names(value)]


def _names(value: Any) -> list[str]:
    """The names of an object's fields, where those are what is kept of it."""
    if isinstance(value, BaseModel):
        return [*type(value).model_fields]
    if isinstance(value, Send):
        return ["node", "arg"]
    is_record = dataclasses.is_dataclass(value) and not isinstance(value, type)
    return [field.name for field in dataclasses.fields(value)] if is_record else []
