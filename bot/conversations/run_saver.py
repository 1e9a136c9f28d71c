"""The checkpoints of one run: kept as long as it is the conversation's own."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import math
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, cast

from langchain_core.messages import ToolMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    get_checkpoint_id,
    get_serializable_checkpoint_metadata,
)
from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.types import Send
from psycopg import AsyncCursor
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb
from pydantic import BaseModel

from agent.safe_text import clean_text
from bot.approvals.run import LostRun, Rows, Run, Storing
from bot.conversations import SQL
from bot.conversations.graph_loop import at_home
from bot.conversations.inspect_graph import MESSAGES
from bot.database.pool import Pool

CURRENT = 4  # the format of checkpoints that are read in one statement
PLACE = ("thread_id", "checkpoint_ns", "checkpoint_id")
# The columns of LangGraph's rows behind those of their place, in their order; a blob
# comes after them.
CHECKPOINT = ("id", "parent", "checkpoint", "metadata")
VALUE = ("channel", "version", "type")
WRITE = ("task", "path", "number", "channel", "type")
Row = Sequence[Any]
Saving = asyncio.Task[None]
Held = tuple[RunnableConfig, Sequence[tuple[str, Any]], str, str]


class Unstorable(Exception):
    """A value of a graph cannot be kept; the text is the name of its type."""


class RunSaver(AsyncPostgresSaver):
    """Saves for one run, as long as that has not been replaced.

    A process that stood still for longer than its jobs are waited for goes on where it
    was; what it would write then would lie over what its successor has written.

    Args:
        holds: whether a checkpoint may wait for what follows from it, see `_hold`; and
            what a task has written for the next checkpoint, which contains it, or for
            the end of the run. For our own agent: each of its tasks may run again,
            since what it does is claimed and its result stored.
        saved: hears, in the saver's loop, of the values of each checkpoint of the graph
            itself, before its next step begins.
    """

    def __init__(
        self,
        pool: Pool,
        run: Run,
        *,
        holds: bool = False,
        saved: Callable[[Mapping[str, Any]], None] | None = None,
    ) -> None:
        super().__init__(cast("Any", pool))
        self._run = run
        self._saved = saved
        self._holds = holds
        # never others: LangGraph works on a copy of the saver, which shares these
        self._held: list[Held] = []
        self._ended = set[str]()  # claimed calls whose result a checkpoint has

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Read the latest checkpoint, or a named one."""
        await self.save()
        place = config.get("configurable", {})
        if self._run.latest and not (
            place.get("checkpoint_ns") or get_checkpoint_id(config)
        ):
            [row], self._run.latest = self._run.latest, ()
            if row is None:
                return None
            if row["checkpoint"]["v"] >= CURRENT:
                # without the thread that an `AsyncPostgresSaver` takes for a moment
                load = cast("Any", PostgresSaver)._load_checkpoint_tuple
                return load(self, dict(row))
        return await at_home(self.loop, super().aget_tuple(config))

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Save what a task has written."""
        if self._holds:
            self._held.append((config, writes, task_id, task_path))
            return
        saved = super().aput_writes(config, writes, task_id, task_path)
        await at_home(self.loop, saved)

    def leave_writes(self) -> None:
        """Leave what was held, and no checkpoint has, for the end of the run.

        The run has stopped within a step, since it asks.
        """
        for config, writes, task, path in self._held:
            place = config.get("configurable", {})
            thread, name, step = (place[key] for key in PLACE)
            rows = self._dump_writes(thread, name, step, task, path, writes)
            self._run.written += rows

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
        # what else stands in `configurable` would be kept with each checkpoint, and
        # AGENT_CONTEXT may hold secrets
        place = config.get("configurable", {})
        config = {"configurable": {k: v for k, v in place.items() if k in PLACE}}
        values = checkpoint["channel_values"].items()
        apart = {key: _Odd(v) if _is_odd(v) else v for key, v in values}
        checkpoint = {**checkpoint, "channel_values": apart}
        if self._holds:
            return await self._hold(config, checkpoint, metadata)
        saved = super().aput(config, checkpoint, metadata, new_versions)
        is_whole = not config.get("configurable", {}).get("checkpoint_ns")
        told = self._tell(saved, checkpoint) if self._saved and is_whole else saved
        return await at_home(self.loop, told)

    async def _hold(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
    ) -> RunnableConfig:
        """Save a checkpoint of our own agent when it has to be.

        One with results is written while the model is asked; it waits for the disk, see
        `_is_quick`. Any other waits for the next one, which has all that it has, or for
        a claim, a question or the end of the run, or until its turn takes long: where
        the process dies before, the turn begins anew.
        """
        self._run.latest = ()
        self._run.unsaved = partial(self._rows_of, config, checkpoint, metadata)
        said = checkpoint["channel_values"].get(MESSAGES) or [None]
        if isinstance(said[-1], ToolMessage):
            is_quick = self._is_quick
            self._begin_to_save()
            if is_quick:  # a run that was replaced ends here, before it asks the model
                await self.save()
        before = get_checkpoint_id(config)
        self._held[:] = [h for h in self._held if get_checkpoint_id(h[0]) != before]
        place = config.get("configurable", {})
        return {"configurable": {**place, "checkpoint_id": checkpoint["id"]}}

    def _rows_of(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
    ) -> Rows:
        """The rows of a checkpoint as LangGraph writes them, made without a thread.

        It has all values, not only the new ones: the one that has the others may not be
        stored, or a crash of the server may take it back, and this run goes on.
        """
        place, values = config.get("configurable", {}), checkpoint["channel_values"]
        thread, name = place["thread_id"], place["checkpoint_ns"]
        blobs = {key: v for key, v in values.items() if not _is_simple(v)}
        known = checkpoint["channel_versions"]
        versions = {key: v for key, v in known.items() if key in blobs}
        simple = {key: v for key, v in values.items() if key not in blobs}
        own = (thread, name, checkpoint["id"], get_checkpoint_id(config))
        rest = {**checkpoint, "channel_values": simple}
        about = get_serializable_checkpoint_metadata(config, metadata)
        return {
            self.UPSERT_CHECKPOINT_BLOBS_SQL: self._dump_blobs(
                thread, name, blobs, versions
            ),
            self.UPSERT_CHECKPOINTS_SQL: [(*own, Jsonb(rest), Jsonb(about))],
        }

    async def save(self) -> None:
        """Save what was held, before anything that follows from it.

        Raises:
            LostRun: another run has taken the conversation over.
        """
        self._begin_to_save()
        if self._run.saving:
            await asyncio.shield(self._run.saving)

    def save_late(self) -> None:
        """Begin to save what was held; if that fails, the next save raises it."""
        with suppress(Exception):
            self._begin_to_save()

    async def keep(self, end: Storing) -> None:
        """Begin to store the end of a call; the model may be asked meanwhile.

        Nothing follows from it unstored: all that is saved or claimed, and the end of
        the run, come after it, or not at all where it fails.
        """
        self._go_on(_together(self._run.saving, end))

    def _begin_to_save(self) -> None:
        run = self._run
        if run.unsaved:
            saved, run.unsaved = run.unsaved(), None
            self._go_on(self._go_on_saving(run.saving, saved, self._is_quick))
            self._ended.update(run.claimed)

    def _go_on(self, saving: Storing) -> None:
        self._run.saving = asyncio.create_task(saving)
        self._run.saving.add_done_callback(_look_at)

    async def _go_on_saving(
        self, before: Saving | None, saved: Rows, quick: bool
    ) -> None:
        if before:  # what did not get there keeps all that comes after it
            await before
        async with super()._cursor() as cursor:
            await self._write(cursor, saved, quick=quick)

    async def _tell(
        self, saved: Awaitable[RunnableConfig], checkpoint: Checkpoint
    ) -> RunnableConfig:
        done = await saved
        if self._saved:
            self._saved(checkpoint["channel_values"])
        return done

    def _dump_blobs(
        self,
        thread_id: str,
        checkpoint_ns: str,
        values: dict[str, Any],
        versions: ChannelVersions,
    ) -> Any:
        dump = super()._dump_blobs
        odd = {key: v.value for key, v in values.items() if isinstance(v, _Odd)}
        values = {**values, **odd}
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
        """Yield a cursor; where LangGraph would write row by row, one that collects."""
        if not pipeline:
            async with super()._cursor() as cursor:
                yield cursor
            return
        rows = _Rows()
        yield cast("AsyncCursor[DictRow]", rows)
        async with super()._cursor() as cursor:
            await self._write(cursor, rows.by_statement)

    @property
    def _is_quick(self) -> bool:
        """Return whether a checkpoint need not wait for the disk.

        The claim of a call and the end of a run wait, and with them all that is before
        them in the log; nothing leaves the process earlier. But where the server alone
        crashes, this process goes on, with the results it knows: so their ends, which
        did not wait, have to be on the disk before that comes to anything.
        """
        return self._run.claimed <= self._ended

    async def _write(
        self,
        cursor: AsyncCursor[DictRow],
        rows: Rows,
        *,
        quick: bool = False,
    ) -> None:
        """Write checkpoints, or what a task has written, in one statement.

        Raises:
            LostRun: another run has taken the conversation over.
        """
        self._run.latest = ()
        if checkpoints := rows.get(AsyncPostgresSaver.UPSERT_CHECKPOINTS_SQL):
            statement, shared = SQL["put_checkpoints"], checkpoints[0]
            given = {**checkpoint_of(rows), "quick": quick}
        else:
            [writes] = rows.values()
            statement, shared = SQL["put_writes"], writes[0]
            given = writes_of(writes)
        place = dict(zip(PLACE, shared, strict=False))
        own = {**place, **given, "generation": self._run.generation}
        await cursor.execute(statement, own)
        if await cursor.fetchone() is None:
            raise LostRun(self._run.conversation)
        if checkpoints:
            self._run.unsynced = checkpoints[-1][2] if quick else ""


def checkpoint_of(rows: Rows | None) -> dict[str, Any]:
    """A checkpoint and its values, as `save_checkpoints` wants them."""
    if not rows:
        return {"saved": None, "blobs": None}
    checkpoints = rows[AsyncPostgresSaver.UPSERT_CHECKPOINTS_SQL]
    values = rows.get(AsyncPostgresSaver.UPSERT_CHECKPOINT_BLOBS_SQL, ())
    whole = [(*row[2:4], row[4].obj, row[5].obj) for row in checkpoints]
    held = [row[2:-1] for row in values]
    saved = {"checkpoints": _named(CHECKPOINT, whole), "values": _named(VALUE, held)}
    return {"saved": Jsonb(saved), "blobs": [row[-1] for row in values]}


def writes_of(rows: Sequence[Row]) -> dict[str, Any]:
    """Put what the tasks of a step have written into the form of `save_writes`.

    A task that asks twice writes its answers twice: the last have all.
    """
    if not rows:
        return {"step": None, "written": None, "written_blobs": None}
    last = [*{tuple(row[:6]): row for row in rows}.values()]
    written = Jsonb(_named(WRITE, [row[3:-1] for row in last]))
    blobs = [row[-1] for row in last]
    return {"step": last[0][2], "written": written, "written_blobs": blobs}


def _named(names: Sequence[str], rows: Sequence[Row]) -> list[dict[str, Any]]:
    return [dict(zip(names, row, strict=True)) for row in rows]


async def _together(before: Saving | None, end: Storing) -> None:
    try:
        await end
    finally:
        if before:  # where that has failed, nothing may follow from this either
            await before


def _look_at(saving: Saving) -> None:
    """Keep asyncio from warning of an error that the next save raises."""
    if not saving.cancelled():
        saving.exception()


class _Rows:
    """Collects the rows of one save, by LangGraph's own statement for each."""

    def __init__(self) -> None:
        self.by_statement: dict[str, Sequence[Row]] = {}

    async def execute(self, statement: str, row: Row) -> None:
        self.by_statement[statement] = [row]

    async def executemany(self, statement: str, rows: Sequence[Row]) -> None:
        self.by_statement[statement] = rows


@dataclasses.dataclass(frozen=True)
class _Odd:
    """A simple value that a JSON column does not take."""

    value: Any


def _is_simple(value: object) -> bool:
    """Return whether a checkpoint's own JSON holds a value."""
    return value is None or isinstance(value, str | int | float | bool)


def _is_odd(value: object) -> bool:
    if isinstance(value, str):
        return clean_text(value) != value
    return isinstance(value, float) and not math.isfinite(value)


def _cleaned(value: Any) -> Any:
    match value:
        case str():
            return clean_text(value)
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
    """The parts of a value."""
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
