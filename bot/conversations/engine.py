"""Run a graph on its conversation's checkpoints, and read where it stopped."""

from __future__ import annotations

import asyncio
import copy
import operator
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Collection,
    Generator,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, cast

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AnyMessage, HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.channels import LastValue
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.errors import GraphDrained, UnknownInterruptError
from langgraph.graph import END, START
from langgraph.runtime import RunControl
from langgraph.types import Command, Overwrite, StateSnapshot

from agent.gate import Gate, in_force
from bot.approvals.run import Run
from bot.approvals.unknown_outcome import unknown_tools
from bot.base.errors import RetryLater
from bot.base.time_limits import limits
from bot.conversations.graph_context import GraphContext, asker
from bot.conversations.graph_loop import GraphLoop
from bot.conversations.graph_state import (
    GraphState,
    answered_nothing,
    ends_of,
    is_finished,
    mended,
    state_after_run,
    state_of,
)
from bot.conversations.inspect_graph import MESSAGES, Graph, remembering
from bot.conversations.run_saver import RunSaver
from bot.conversations.stored_grants import current_run, home_loop
from bot.database.pool import Pool

STEP_LIMIT = 60  # super-steps of one turn, where the graph sets no limit itself
PASSED = 20  # steps of a turn that are looked back at, where it has failed
HIGHEST_LIMIT = 1_000  # `create_agent` sets ten thousand, which is as good as none
#: Is told what the run does that goes on, if anybody wants to know.
watching: ContextVar[BaseCallbackHandler | None] = ContextVar("watching", default=None)
Look = Callable[[str, Mapping[str, Any]], Awaitable[dict[str, Any] | None]]
Fill = Callable[[str, Mapping[str, Any]], Awaitable[dict[str, Any]]]


async def _blind(tool: str, arguments: Mapping[str, Any]) -> None:
    return None


async def _as_they_are(tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return dict(arguments)


#: Hears of a conversation and its messages, after each step of somebody else's graph.
Saved = Callable[[str, Sequence[AnyMessage]], None]


def _unheard(conversation: str, messages: Sequence[AnyMessage]) -> None:
    pass


@dataclass(frozen=True)
class ServedGraph:
    """A compiled graph without a checkpointer, and what is known of it.

    Attributes:
        schemas: JSON schema of each tool's arguments, where known; part of the digest.
        explain: a sentence for people about an exception of the graph, if it is known.
        problem: what a tool itself finds wrong with arguments, beyond their schema; ""
            if nothing is, or nobody can tell.
        titles: the template of a tool's headline, by its name, for those that have one.
        look: what a tool says that arguments name at the moment, if it can.
        fill: arguments with what the program fills in itself, if the tool has any.
        is_unsettled: whether a tool has changed since the policy was written, so that
            no rule waives its approval.
        guards: tools that claim their grant themselves, by our own gate.
        is_own: whether all of its questions come from our own gate, one in each task.
        stops: whether it has static breakpoints.
        version: changes with the structure that its interrupts rest on.
        gate: for tools that were guarded without one.
        apart: where it runs, if not in the caller's loop.
        context: what each run is given, if the graph declares that.
    """

    graph: Graph
    schemas: Mapping[str, dict[str, Any]]
    explain: Callable[[BaseException], str | None]
    problem: Callable[[str, Mapping[str, Any]], str] = lambda tool, arguments: ""
    titles: Mapping[str, str] = field(default_factory=dict[str, str])
    look: Look = _blind
    fill: Fill = _as_they_are
    is_unsettled: Callable[[str], bool] = lambda tool: False
    guards: Collection[str] = frozenset()
    is_own: bool = False
    stops: bool = False
    input_channel: str = MESSAGES
    version: str = ""
    gate: Gate | None = None
    apart: GraphLoop | None = None
    context: GraphContext | None = None


class Engine:
    """Runs one served graph.

    A saver serialises all its users, so each run gets a saver and a copy of the graph
    of its own; both are cheap.
    """

    def __init__(
        self, served: ServedGraph, pool: Pool, saved: Saved = _unheard
    ) -> None:
        self.served = served
        self.pool = pool
        self._saved = saved
        self._under_way: set[RunControl] = set()
        self._drains = False
        self._remembering = () if served.is_own else remembering(served.graph)

    def drain(self) -> None:
        """Let each run stop before its next step, and begin none; for good.

        Only runs of our own agent: where a foreign graph is resumed, what was claimed
        is done when its turn ends, and would be unknown after a stop in between.
        """
        self._drains = True
        for control in self._under_way:
            control.request_drain("the process stops")

    def blocked(self) -> float:
        """Seconds for which the graph's code has held its own loop."""
        return self.served.apart.blocked if self.served.apart else 0

    async def start(self, run: Run, message: HumanMessage) -> GraphState:
        """Give the graph a new message; what it asked before is given up."""
        given = [message] if self.served.is_own else await self._after(run, message)
        return await self._invoke(run, {self.served.input_channel: given})

    async def _after(self, run: Run, message: HumanMessage) -> Any:
        """End what the last turn has left, and write the message behind all of it."""
        graph, config = self._prepare(run)
        for name in self._remembering:
            own = {**_own(config), "checkpoint_ns": name}
            inner: RunnableConfig = {**config, "configurable": own}
            had, fixed = await self._end(run, graph, inner, MESSAGES)
            if len(fixed) != len(had) or not _continues(had, fixed):
                # as input, which leaves the first node to come: that is ended as well
                written = {MESSAGES: Overwrite(fixed)}
                await graph.aupdate_state(inner, written, as_node=START)
                await graph.aupdate_state(inner, None, as_node=END)
        had, fixed = await self._end(run, graph, config, self.served.input_channel)
        return self._behind(had, fixed, message)

    async def _end(
        self, run: Run, graph: Graph, config: RunnableConfig, channel: str
    ) -> tuple[Sequence[AnyMessage], list[AnyMessage]]:
        """End the step that a graph is at; the messages as they were and as they go on.

        New input drops what tasks beside a failed one have ended with, and with it
        what has really happened. Ending the step keeps it.
        """
        state = await graph.aget_state(config)
        ran = state_of(state, channel, stops=self.served.stops)
        if not ran.tasks:
            return ran.messages, mended(ran.messages, {})
        unknown = await unknown_tools(self.pool, run.conversation)
        await graph.aupdate_state(config, None, as_node=END)
        return ran.messages, mended(ran.messages, ends_of(ran, unknown))

    def _behind(
        self, had: Sequence[AnyMessage], fixed: list[AnyMessage], *new: HumanMessage
    ) -> Any:
        """The input that makes `fixed` and a new message of what the graph has had."""
        channels = cast("Mapping[str, object]", self.served.graph.channels)
        if isinstance(channels[self.served.input_channel], LastValue):
            return [*new] or fixed  # whatever goes in replaces all that was there
        if _continues(had, fixed):
            return [*fixed[len(had) :], *new]
        return Overwrite([*fixed, *new])

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
        elif answered_nothing(ran):
            again = self._behind(ran.messages, mended(ran.messages, {}))
            return await self._invoke(run, {self.served.input_channel: again})
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
        return state_of(state, self.served.input_channel, stops=stops)

    async def look_back(self, run: Run) -> GraphState:
        """Return the state after the graph has raised, subgraphs and all."""
        graph, config = self._prepare(run)
        now = await graph.aget_state(config)
        # as a record of the step, since answered questions are part of that
        step = await graph.aget_state(now.config, subgraphs=True)
        channel = self.served.input_channel
        record = state_of(step, channel, stops=False)
        return replace(
            record,
            messages=state_of(now, channel, stops=False).messages,
            passed=await self._passed(graph, config),
        )

    async def _passed(self, graph: Graph, config: RunnableConfig) -> tuple[str, ...]:
        """The nodes behind the step that the graph is at, back to the message."""
        found: list[StateSnapshot] = []
        async for state in graph.aget_state_history(config, limit=PASSED):
            found.append(state)
            if (state.metadata or {}).get("source") == "input":
                break
        nodes = [node for state in reversed(found[1:]) for node in state.next]
        return tuple(dict.fromkeys(node for node in nodes if node != START))

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
        context = None
        if given := self.served.context:
            who = asker.get({})
            context = given.built(who)
            # graphs that declare a `config_schema` look there
            config["configurable"] = {**given.given(who), **_own(config)}
        if watch := watching.get():
            # not by LangChain's hook for variables of the context, which threads that a
            # node starts itself do not have
            config["callbacks"] = [watch]
        saver = cast("RunSaver", graph.checkpointer)
        async with self._draining(run, saver) as control:
            with self._serving(run):
                go = graph.ainvoke(
                    graph_input,
                    config,
                    context=context,
                    durability="sync",
                    control=control,
                )
                values = await (self.served.apart.run(go) if self.served.apart else go)
        if self.served.is_own:
            if asked := values.get("__interrupt__", ()):
                saver.leave_writes()
            return state_after_run(values, asked, MESSAGES)
        # what a graph returns need not be all of its state, and no breakpoint is in it
        return await self.look(run, stopped=True)

    @asynccontextmanager
    async def _draining(self, run: Run, saver: RunSaver) -> AsyncGenerator[RunControl]:
        """Yield the control that stops a run; a stopped run's job is for others.

        What takes long is saved meanwhile: else a stop, which replaces the run, would
        have the agent forget what was said. When it is over, nothing is still saved.
        """
        control = RunControl()
        if self.served.is_own:
            if self._drains:
                raise RetryLater(0)
            self._under_way.add(control)
        loop = asyncio.get_running_loop()
        late = loop.call_later(limits().unsaved, saver.save_late)
        try:
            yield control
        except GraphDrained as error:
            await run.save()
            raise RetryLater(0) from error
        finally:
            late.cancel()
            self._under_way.discard(control)
            if run.saving:
                await asyncio.wait([run.saving])

    @contextmanager
    def _serving(self, run: Run) -> Generator[None]:
        tokens = current_run.set(run), in_force.set(self.served.gate)
        home = home_loop.set(asyncio.get_running_loop())
        try:
            yield
        finally:
            current_run.reset(tokens[0])
            in_force.reset(tokens[1])
            home_loop.reset(home)

    def _prepare(self, run: Run) -> tuple[Graph, RunnableConfig]:
        # a task of our own agent may run again: the gate has what it did
        own, channel = self.served.is_own, self.served.input_channel

        def saved(values: Mapping[str, Any]) -> None:
            said = state_after_run(values, (), channel).messages
            self._saved(run.conversation, said)

        saver = RunSaver(self.pool, run, holds=own, saved=None if own else saved)
        run.save = saver.save
        if own:
            run.keep = saver.keep
        graph = with_saver(self.served.graph, saver)
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


def with_saver(graph: Graph, saver: BaseCheckpointSaver[Any]) -> Graph:
    """A copy for one run, on checkpoints of ours instead of the graph's own.

    Not `graph.copy(update=…)`: that forgets which classes of its state the graph has
    allowed in checkpoints, and a dataclass would come back as a dict.
    """
    copied = copy.copy(graph)
    copied.checkpointer = saver
    return copied


def _own(config: RunnableConfig) -> dict[str, Any]:
    return config.get("configurable", {})


def _continues(had: Sequence[AnyMessage], fixed: Sequence[AnyMessage]) -> bool:
    """Return whether messages only go on from where they were."""
    return len(fixed) >= len(had) and all(map(operator.is_, had, fixed))
