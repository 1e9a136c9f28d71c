"""Run a graph on its conversation's checkpoints, and read where it stopped."""

from __future__ import annotations

import hashlib
import re
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Generator,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, cast

from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    BaseMessage,
    HumanMessage,
    ToolMessage,
    convert_to_messages,
)
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.errors import GraphDrained, UnknownInterruptError
from langgraph.runtime import RunControl
from langgraph.types import Command, Interrupt, StateSnapshot
from psycopg import AsyncCursor
from psycopg.errors import NotNullViolation
from psycopg.rows import DictRow

from agent.gate import Gate, in_force
from agent.graph import in_call_order
from bot.approvals.grants import LostRun, Run
from bot.base.errors import RetryLater
from bot.conversations.dialects import static_breakpoint
from bot.conversations.graphs import with_saver
from bot.conversations.inspect_graph import MESSAGES, Graph
from bot.conversations.stored_grants import current_run
from bot.database.pool import Pool

STEP_LIMIT = 60  # super-steps of one turn, where the graph sets no limit itself
HIGHEST_LIMIT = 1_000  # `create_agent` sets ten thousand, which is as good as none
Look = Callable[[str, Mapping[str, Any]], Awaitable[dict[str, Any] | None]]


async def _blind(tool: str, arguments: Mapping[str, Any]) -> None:
    return None


@dataclass(frozen=True)
class ServedGraph:
    """A compiled graph without a checkpointer, and what is known of it.

    Attributes:
        schemas: JSON schema of each tool's arguments, where known; part of the digest.
        explain: a sentence for people about an exception of the graph, if it is known.
        problem: what a tool itself finds wrong with arguments, beyond their schema; ""
            if nothing is, or nobody can tell.
        look: what a tool says that arguments name at the moment, if it can.
        guards: tools that claim their grant themselves, by our own gate.
        is_own: whether all of its questions come from our own gate, one in each task.
        stops: whether it has static breakpoints.
        version: changes with the structure that its interrupts rest on.
        gate: for tools that were guarded without one.
    """

    graph: Graph
    schemas: Mapping[str, dict[str, Any]]
    explain: Callable[[BaseException], str | None]
    problem: Callable[[str, Mapping[str, Any]], str] = lambda tool, arguments: ""
    look: Look = _blind
    guards: frozenset[str] = frozenset()
    is_own: bool = False
    stops: bool = False
    input_channel: str = MESSAGES
    version: str = ""
    gate: Gate | None = None


class Engine:
    """Runs one served graph.

    A saver serialises all its users, so each run gets a saver and a copy of the graph
    of its own; both are cheap.
    """

    def __init__(self, served: ServedGraph, pool: Pool) -> None:
        self.served = served
        self.pool = pool
        self._under_way: set[RunControl] = set()
        self._drains = False

    def drain(self) -> None:
        """Let each run stop before its next step, and begin none; for good.

        Only runs of our own agent: where a foreign graph is resumed, what was claimed
        is done when its turn ends, and would be unknown after a stop in between.
        """
        self._drains = True
        for control in self._under_way:
            control.request_drain("the process stops")

    async def start(self, run: Run, messages: Sequence[BaseMessage]) -> GraphState:
        """Give the graph new messages; what it asked before is given up."""
        return await self._invoke(run, {self.served.input_channel: [*messages]})

    async def resume(self, run: Run, answers: Mapping[str, Any]) -> GraphState:
        """Answer pending interrupts by their ids, all in one map.

        Answers that a run before a crash has handed over already are left out; then
        the graph only goes on.
        """
        try:
            return await self._invoke(run, Command(resume=dict(answers)))
        except UnknownInterruptError as error:
            pending = set(error.pending_ids)
        rest = {key: value for key, value in answers.items() if key in pending}
        if rest:
            return await self._invoke(run, Command(resume=rest))
        return await self.go_on(run)

    async def run_on(self, run: Run) -> GraphState:
        """Let the graph go on from a static breakpoint."""
        return await self._invoke(run, None)

    async def go_on(self, run: Run) -> GraphState:
        """Finish what a crash has cut off; a graph that has ended or asks stays so."""
        ran = await self.look(run)
        if self.served.is_own:
            goes_on = ran.is_cut_off or bool(ran.interrupts) or not is_finished(ran)
        else:
            # tools have run, and the model was not told (F8 in langgraph's issue 8796)
            untold = not ran.interrupts and ran.ends_with_a_tool
            goes_on = ran.is_cut_off or untold
        return await self._invoke(run, None) if goes_on else ran

    async def look(self, run: Run, *, stopped: bool = False) -> GraphState:
        """Return the state of the graph; nothing runs.

        Args:
            stopped: whether it has just stopped on its own, so that what comes next
                waits at a breakpoint and was not cut off.
        """
        graph, config = self._prepare(run)
        stops = self.served.stops or stopped
        state = await graph.aget_state(config, subgraphs=self.served.stops)
        return stand_of(state, self.served.input_channel, stops=stops)

    async def knows(self, run: Run, message_id: str) -> bool:
        """Return whether the graph has taken this message already."""
        ran = await self.look(run)
        return any(message.id == message_id for message in ran.messages)

    async def prune(self, conversation: str) -> None:
        """Keep the latest checkpoint only: each one holds the whole conversation."""
        saver = AsyncPostgresSaver(cast("Any", self.pool))
        await saver.aprune([conversation], strategy="keep_latest")

    async def _invoke(self, run: Run, graph_input: Any) -> GraphState:
        graph, config = self._prepare(run)
        with self._serving(run), self._draining() as control:
            values = await graph.ainvoke(
                graph_input, config, durability="sync", control=control
            )
        if self.served.is_own:
            return state_after_run(values, values.get("__interrupt__", ()), MESSAGES)
        # what a graph returns need not be all of its state, and no breakpoint is in it
        return await self.look(run, stopped=True)

    @contextmanager
    def _draining(self) -> Generator[RunControl]:
        """Yield the control that stops a run; a stopped run's job is for others."""
        control = RunControl()
        if self.served.is_own:
            if self._drains:
                raise RetryLater(0)
            self._under_way.add(control)
        try:
            yield control
        except GraphDrained as error:
            raise RetryLater(0) from error
        finally:
            self._under_way.discard(control)

    @contextmanager
    def _serving(self, run: Run) -> Generator[None]:
        tokens = current_run.set(run), in_force.set(self.served.gate)
        try:
            yield
        finally:
            current_run.reset(tokens[0])
            in_force.reset(tokens[1])

    def _prepare(self, run: Run) -> tuple[Graph, RunnableConfig]:
        graph = with_saver(self.served.graph, RunSaver(self.pool, run))
        config: RunnableConfig = {
            "configurable": {
                "thread_id": run.conversation,
                # refuses an answer whose question is not pending, before it is saved
                "__pregel_strict_resume": True,
            },
            "recursion_limit": self._limit,
        }
        return graph, config

    @property
    def _limit(self) -> int:
        own = (self.served.graph.config or {}).get("recursion_limit", STEP_LIMIT)
        return min(own, HIGHEST_LIMIT)


@dataclass(frozen=True)
class GraphState:
    """The state of a graph.

    Attributes:
        interrupts: what it asks; a breakpoint is among them as if it had been raised.
        messages: the conversation as it has it.
        is_cut_off: whether something in it has begun, and neither ended nor asked.
        has_failed: whether something in it has raised.
    """

    interrupts: tuple[Interrupt[Any], ...]
    messages: tuple[AnyMessage, ...]
    is_cut_off: bool = False
    has_failed: bool = False

    @property
    def answer(self) -> str | None:
        """The text of the graph's last word, None where it has said nothing."""
        said: list[AnyMessage] = []
        for message in reversed(self.messages):
            if isinstance(message, HumanMessage):
                break
            said.append(message)
        words = [message for message in said if isinstance(message, AIMessage)] or said
        return str(words[0].text) if words else None

    @property
    def ends_with_a_tool(self) -> bool:
        """True if the last message is a tool's, which the model has not read."""
        return bool(self.messages) and isinstance(self.messages[-1], ToolMessage)

    @property
    def open_calls(self) -> list[tuple[str, str]]:
        """Id and tool of each call that the model has made and nobody has answered."""
        answered = {m.tool_call_id for m in self.messages if isinstance(m, ToolMessage)}
        models = [m for m in self.messages if isinstance(m, AIMessage)]
        calls = models[-1].tool_calls if models else []
        return [
            (c["id"], c["name"]) for c in calls if c["id"] and c["id"] not in answered
        ]


def state_after_run(
    values: Any, interrupts: Iterable[Interrupt[Any]], channel: str
) -> GraphState:
    """Read what a run of the shipped agent has returned."""
    messages = _messages(values, channel)
    return GraphState(in_call_order(interrupts, messages), messages)


def stand_of(state: StateSnapshot, channel: str, *, stops: bool) -> GraphState:
    """Read the state of a graph.

    Args:
        stops: whether what comes next, and asks nothing, waits at a breakpoint.
    """
    open_tasks = [t for t in state.tasks if t.result is None and not t.interrupts]
    interrupts = state.interrupts
    waits = bool(open_tasks) and not interrupts and stops
    if waits:
        interrupts = (_breakpoint(state),)
    return GraphState(
        tuple(interrupts),
        _messages(state.values, channel),
        is_cut_off=bool(open_tasks) and not waits,
        has_failed=any(task.error for task in state.tasks),
    )


def is_finished(ran: GraphState) -> bool:
    """Return whether the model has had its last word."""
    last = ran.messages[-1] if ran.messages else None
    return isinstance(last, AIMessage) and not last.tool_calls


def _breakpoint(state: StateSnapshot) -> Interrupt[Any]:
    nodes, places = _next(state)
    key = hashlib.sha256("\n".join(places).encode()).hexdigest()[:32]
    return static_breakpoint.raised(nodes, key)


def _next(state: StateSnapshot) -> tuple[list[str], list[str]]:
    """The nodes that come next, in subgraphs too, and the checkpoints behind them."""
    places = [str(state.config.get("configurable", {}).get("checkpoint_id"))]
    nodes: list[str] = []
    for task in state.tasks:
        inner = task.state if isinstance(task.state, StateSnapshot) else None
        if inner is None or not inner.tasks:
            nodes.append(task.name)
            continue
        inside, below = _next(inner)
        nodes += inside
        places += below
    return nodes, places


def _messages(values: Any, channel: str) -> tuple[AnyMessage, ...]:
    if not isinstance(values, Mapping):
        return ()
    found: object = cast("Mapping[str, Any]", values).get(channel)
    if not isinstance(found, Sequence):
        return ()
    try:
        return tuple(cast("list[AnyMessage]", convert_to_messages(cast("Any", found))))
    except (ValueError, NotImplementedError, TypeError):
        return ()  # somebody else's idea of messages


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
