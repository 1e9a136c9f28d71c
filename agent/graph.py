"""The graph: model, then one `call` task per tool call, then model again."""

from __future__ import annotations

# LangGraph ships its types without the marker that pyright looks for.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any, cast

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ToolCall,
    ToolMessage,
)
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Send

from agent.answers import normalise, refusals
from agent.gate import Gate
from agent.models import is_too_long
from agent.prompts import render
from agent.shortening import shortened
from agent.state import State
from agent.stopping import reason_to_stop


def utc_today() -> dt.date:
    """Today's date in UTC."""
    return dt.datetime.now(dt.UTC).date()


def build_graph(
    model: BaseChatModel,
    tools: Sequence[BaseTool],
    gate: Gate,
    *,
    today: Callable[[], dt.date] = utc_today,
) -> CompiledStateGraph[State, None, State, State]:
    """Compile the agent once, without a checkpointer.

    A run takes `graph.copy(update={"checkpointer": saver})`; it needs one, since calls
    wait in it. The node names `model` and `call` are part of the stored format.

    Raises:
        ValueError: two tools have the same name.
    """
    nodes = _Nodes(model, tools, gate, today)
    builder = StateGraph(State)
    builder.add_node("model", nodes.model)
    builder.add_node("call", nodes.call)
    builder.add_edge(START, "model")
    builder.add_conditional_edges("model", route, ["call", "model", END])
    builder.add_edge("call", "model")
    return builder.compile(name="agent")


def route(state: State) -> list[Send] | str:
    """Send each usable call to a task of its own; go on when all were unusable."""
    message = _last_answer(state["messages"])
    if message is None:
        return END
    if message.tool_calls:
        return [Send("call", call) for call in message.tool_calls]
    return "model" if message.invalid_tool_calls else END


class _Nodes:
    def __init__(
        self,
        model: BaseChatModel,
        tools: Sequence[BaseTool],
        gate: Gate,
        today: Callable[[], dt.date],
    ) -> None:
        self._tools = {tool.name: tool for tool in tools}
        if len(self._tools) < len(tools):
            raise ValueError("Two tools have the same name.")
        self._model = model.bind_tools(tools) if tools else model
        self._gate = gate
        self._today = today

    async def model(self, state: State, config: RunnableConfig) -> dict[str, Any]:
        history = cast("list[BaseMessage]", state["messages"])
        if last_word := reason_to_stop(history):
            return {"messages": [AIMessage(last_word)]}
        answer = await self._answer(history, config)
        message = normalise(answer, history, self._tools)
        return {"messages": [message, *refusals(message)]}

    async def _answer(
        self, history: Sequence[BaseMessage], config: RunnableConfig
    ) -> AIMessage:
        today = self._today()
        try:
            return await self._model.ainvoke(render(history, today), config)
        except Exception as error:
            if not is_too_long(error):
                raise
        less = render(shortened(history), today, shortened=True)
        return await self._model.ainvoke(less, config)

    async def call(self, state: Any, config: RunnableConfig) -> dict[str, Any]:
        # What `Send` carries. A type here would become a channel of the graph's state.
        call = cast("ToolCall", state)
        tool = self._tools.get(call["name"])
        if tool is None:
            return {"messages": [self._unknown(call)]}
        return {"messages": [await self._gate.run(tool, call, config)]}

    def _unknown(self, call: ToolCall) -> ToolMessage:
        return ToolMessage(
            f"There is no tool {call['name']}. The tools are: "
            f"{', '.join(sorted(self._tools)) or 'none'}.",
            tool_call_id=str(call["id"]),
            name=call["name"],
            status="error",
        )


def _last_answer(messages: Sequence[BaseMessage]) -> AIMessage | None:
    return next((m for m in reversed(messages) if isinstance(m, AIMessage)), None)
