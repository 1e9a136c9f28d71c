"""Where a graph stands when it has stopped, read from its values or its state."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    HumanMessage,
    ToolMessage,
    convert_to_messages,
)
from langgraph.types import Interrupt, StateSnapshot

from agent.state import in_call_order
from bot.conversations.dialects import static_breakpoint


@dataclass(frozen=True)
class Ran:
    """Where a graph stands.

    Attributes:
        interrupts: what it asks; a breakpoint is among it as one that was raised.
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
        """Whether the last word is a tool's, which the model has not read."""
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


def ran_of(values: Any, interrupts: Iterable[Interrupt[Any]], channel: str) -> Ran:
    """What a run of the shipped agent has returned."""
    messages = _messages(values, channel)
    return Ran(in_call_order(interrupts, messages), messages)


def stand_of(state: StateSnapshot, channel: str, *, stops: bool) -> Ran:
    """What a state says.

    Args:
        stops: whether what comes next, and asks nothing, waits at a breakpoint.
    """
    open_tasks = [t for t in state.tasks if t.result is None and not t.interrupts]
    interrupts = state.interrupts
    waits = bool(open_tasks) and not interrupts and stops
    if waits:
        interrupts = (_breakpoint(state),)
    return Ran(
        tuple(interrupts),
        _messages(state.values, channel),
        is_cut_off=bool(open_tasks) and not waits,
        has_failed=any(task.error for task in state.tasks),
    )


def is_finished(ran: Ran) -> bool:
    """Whether the model has had its last word."""
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
