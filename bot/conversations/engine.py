"""Run a graph on its conversation's checkpoints, and read where it stands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from langchain_core.messages import AIMessage, AnyMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.errors import UnknownInterruptError
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command, Interrupt

from bot.approvals.grants import Run
from bot.conversations.gate import current_run
from bot.database.pool import Pool

STEP_LIMIT = 60  # super-steps of one turn
Graph = CompiledStateGraph[Any, Any, Any, Any]


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
    """

    graph: Graph
    schemas: Mapping[str, dict[str, Any]]
    explain: Callable[[BaseException], str | None]
    problem: Callable[[str, Mapping[str, Any]], str] = lambda tool, arguments: ""
    look: Look = _blind


@dataclass(frozen=True)
class Ran:
    """Where a graph stands when it has stopped."""

    interrupts: tuple[Interrupt[Any], ...]
    messages: tuple[AnyMessage, ...]

    @property
    def answer(self) -> str:
        """The text of the model's last word."""
        last = self.messages[-1] if self.messages else None
        return str(last.text) if isinstance(last, AIMessage) else ""


class Engine:
    """Runs one served graph.

    A saver serialises all its users, so each run gets a saver and a copy of the graph
    of its own; both are cheap.
    """

    def __init__(self, served: ServedGraph, pool: Pool) -> None:
        self.served = served
        self._pool = pool

    async def start(self, run: Run, graph_input: dict[str, Any]) -> Ran:
        """Give the graph new input."""
        return await self._invoke(run, graph_input)

    async def resume(self, run: Run, answers: Mapping[str, Any]) -> Ran:
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

    async def go_on(self, run: Run) -> Ran:
        """Finish what a crash has cut off; a finished graph stays as it is."""
        graph, config = self._prepare(run)
        state = await graph.aget_state(config)
        ran = _ran(state.values, state.interrupts)
        if not state.next and _is_finished(ran):
            return ran
        return await self._invoke(run, None)

    async def knows(self, run: Run, message_id: str) -> bool:
        """Whether the graph has taken this message already."""
        graph, config = self._prepare(run)
        state = await graph.aget_state(config)
        ran = _ran(state.values, state.interrupts)
        return any(message.id == message_id for message in ran.messages)

    async def prune(self, conversation: str) -> None:
        """Keep the latest checkpoint only: each one holds the whole conversation."""
        saver = AsyncPostgresSaver(cast("Any", self._pool))
        await saver.aprune([conversation], strategy="keep_latest")

    async def _invoke(self, run: Run, graph_input: Any) -> Ran:
        graph, config = self._prepare(run)
        token = current_run.set(run)
        try:
            values = await graph.ainvoke(graph_input, config, durability="sync")
        finally:
            current_run.reset(token)
        return _ran(values, values.get("__interrupt__", ()))

    def _prepare(self, run: Run) -> tuple[Graph, RunnableConfig]:
        saver = AsyncPostgresSaver(cast("Any", self._pool))
        graph = self.served.graph.copy(update={"checkpointer": saver})
        config: RunnableConfig = {
            "configurable": {
                "thread_id": run.conversation,
                # refuses an answer whose question is not pending, before it is saved
                "__pregel_strict_resume": True,
            },
            "recursion_limit": STEP_LIMIT,
        }
        return graph, config


def _ran(values: Mapping[str, Any], interrupts: Any) -> Ran:
    return Ran(tuple(interrupts), tuple(values.get("messages", ())))


def _is_finished(ran: Ran) -> bool:
    last = ran.messages[-1] if ran.messages else None
    return isinstance(last, AIMessage) and not last.tool_calls
