"""The state of the graph, and the order of what it asks."""

from __future__ import annotations

# LangGraph ships its types without the marker that pyright looks for.
# pyright: reportMissingTypeStubs=false
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

from langchain_core.messages import AIMessage, AnyMessage
from langgraph.graph.message import add_messages
from langgraph.types import Interrupt
from typing_extensions import TypedDict


class State(TypedDict):
    """What a checkpoint holds of a conversation."""

    messages: Annotated[list[AnyMessage], add_messages]


def in_call_order(
    interrupts: Iterable[Interrupt[Any]], messages: Sequence[AnyMessage]
) -> tuple[Interrupt[Any], ...]:
    """The questions in the order in which the model has made their calls.

    What a run returns lists them in the order in which their tasks came to them.
    """
    models = [message for message in messages if isinstance(message, AIMessage)]
    calls = [call["id"] for call in models[-1].tool_calls] if models else []
    places = {call: place for place, call in enumerate(calls)}
    last = len(calls)
    return tuple(
        sorted(interrupts, key=lambda q: places.get(q.value["tool_call_id"], last))
    )
