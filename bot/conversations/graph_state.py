"""Read the state of a graph: what it asks, what it has said, what came of its tasks."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    ToolMessage,
    convert_to_messages,
)
from langgraph.types import Interrupt, PregelTask, StateSnapshot

from agent.graph import in_call_order
from bot.conversations.dialects import static_breakpoint
from bot.conversations.dialects.plain import written
from bot.conversations.inspect_graph import MESSAGES

CUT_OFF = "CancelledError"  # of a task that stopped since another one has raised


@dataclass(frozen=True)
class TaskState:
    """One task of the step that a graph is at.

    Attributes:
        asked: ids of the interrupts that it has raised last, answered or not.
        error: the class of what it has raised, "" if it has not.
        said: messages that it has ended with.
        is_over: whether it has come to its end.
    """

    node: str
    asked: tuple[str, ...] = ()
    error: str = ""
    said: tuple[AnyMessage, ...] = ()
    is_over: bool = False

    @property
    def has_raised(self) -> bool:
        """True if it failed by itself, and not since another task has."""
        return bool(self.error) and self.error != CUT_OFF


@dataclass(frozen=True)
class GraphState:
    """The state of a graph.

    Attributes:
        interrupts: what it asks; a breakpoint is among them as if it had been raised.
        messages: the conversation as it has it.
        is_cut_off: whether something in it has begun, and neither ended nor asked.
        tasks: of the step that it is at, in the order of their making; none where
            nobody looked.
        inner: the same of the subgraphs below those tasks, where they were looked at.
        passed: nodes that have come to their ends in the turn, likewise.
        structured: the structured response of LangChain's agents as JSON, None if
            there is none.
    """

    interrupts: tuple[Interrupt[Any], ...]
    messages: tuple[AnyMessage, ...]
    is_cut_off: bool = False
    tasks: tuple[TaskState, ...] = ()
    inner: tuple[GraphState, ...] = ()
    passed: tuple[str, ...] = ()
    structured: Any = None

    def walk(self) -> Iterator[GraphState]:
        """Yield the states of the subgraphs, the deepest first, and then this one."""
        for part in self.inner:
            yield from part.walk()
        yield self

    @property
    def ends_with_a_tool(self) -> bool:
        """True if the last message is a tool's, which the model has not read."""
        return bool(self.messages) and isinstance(self.messages[-1], ToolMessage)


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
        structured=_structured(state.values),
        tasks=tuple(_task(task) for task in sorted(state.tasks, key=_place)),
        inner=tuple(
            stand_of(task.state, MESSAGES, stops=False)
            for task in state.tasks
            if isinstance(task.state, StateSnapshot)
        ),
    )


def _structured(values: Any) -> Any:
    state = cast("dict[str, object]", values if isinstance(values, dict) else {})
    found = state.get("structured_response")
    return None if found is None else written(found)[0]


def _place(task: PregelTask) -> str:
    """The place among the tasks that one step has sent; those of edges stay first."""
    path = cast("tuple[object, ...]", task.path)
    return "".join(f"{part:>6}" for part in path if isinstance(part, int))


def _task(task: PregelTask) -> TaskState:
    error = _class_of(task.error)
    return TaskState(
        node=task.name,
        asked=tuple(interrupt.id for interrupt in task.interrupts),
        error=error,
        said=_messages(task.result, MESSAGES),
        is_over=task.result is not None and not error,
    )


def _class_of(error: object) -> str:
    """The class of an error that a checkpoint keeps as its text: `KeyError('a')`."""
    if error is None:
        return ""
    found = re.match(r"\w+", str(error))
    return found[0] if found else type(error).__name__


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
