"""The graph: model, then one `call` task per tool call, then model again."""

# LangGraph ships its types without the marker that pyright looks for.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import asyncio
import datetime as dt
import json
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any, NotRequired, cast

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    BaseMessage,
    HumanMessage,
    RemoveMessage,
    ToolCall,
    ToolMessage,
)
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command, Interrupt, Send
from typing_extensions import TypedDict

from agent.gate import REJECTED, Gate, filled, note_on
from agent.live_words import ANSWER
from agent.models import is_too_long, normalise, refusals
from agent.offline import OfflineModel
from agent.phrases import chat
from agent.phrases.tool_calls import no_tool
from agent.prompts import (
    Before,
    render,
    retold,
    shortened,
    summary,
    to_sum_up,
    trimmed,
)
from agent.safe_text import one_line
from agent.tool_arguments import Toolbox

logger = logging.getLogger(__name__)
TIME_TO_TELL = 20  # seconds for the summary of what is cut


def utc_today() -> dt.date:
    """Today's date in UTC."""
    return dt.datetime.now(dt.UTC).date()


def build_graph(
    model: BaseChatModel,
    tools: Sequence[BaseTool],
    gate: Gate,
    *,
    more: Callable[[], Sequence[BaseTool]] = tuple,
    today: Callable[[], dt.date] = utc_today,
) -> CompiledStateGraph[State, None, State, State]:
    """Compile the agent once, without a checkpointer.

    A run takes `graph.copy(update={"checkpointer": saver})`; it needs one, since calls
    wait in it. The node names `model` and `call` are part of the stored format.

    Args:
        more: tools that come and go while the graph is served.

    Raises:
        ValueError: two tools have the same name.
    """
    nodes = _Nodes(model, Toolbox(tools, more), gate, today)
    builder = StateGraph(State)
    # The destinations change no run, but are part of the version of the graph.
    builder.add_node("model", nodes.model, destinations=("call", "model", END))
    builder.add_node("call", nodes.call)
    builder.add_edge(START, "model")
    builder.add_edge("call", "model")
    return builder.compile(name="agent")


def route(message: AIMessage) -> list[Send] | str:
    """Send each usable call to a task of its own; ask again when all were unusable."""
    if message.tool_calls:
        return [Send("call", call) for call in message.tool_calls]
    return "model" if message.invalid_tool_calls else END


class _Nodes:
    def __init__(
        self,
        model: BaseChatModel,
        toolbox: Toolbox,
        gate: Gate,
        today: Callable[[], dt.date],
    ) -> None:
        self._toolbox = toolbox
        self._bare = model
        self._bound: tuple[object, Any] = (None, model)
        self._gate = gate
        self._today = today

    async def model(self, state: State, config: RunnableConfig) -> Command[str]:
        history = cast("list[BaseMessage]", state["messages"])
        if last_word := reason_to_stop(history):
            return Command(update={"messages": [AIMessage(last_word)]}, goto=END)
        recent, before = trimmed(history, had := state.get("before"))
        gone = history[: -len(recent)]
        telling = asyncio.ensure_future(self._told(had, gone, config))
        try:
            answer = await self._answer(recent, summary(before), config)
            told = await telling
        finally:
            telling.cancel()
        tools = self._toolbox.named
        message = normalise(answer, recent, tools, is_cut=before is not None)
        for call in message.tool_calls:
            call["args"] = await filled(tools.get(call["name"]), call["args"])
        cut = [RemoveMessage(str(m.id)) for m in gone]
        said: dict[str, Any] = {"messages": [*cut, message, *refusals(message)]}
        if before and cut:
            said["before"] = retold(before, told)
        return Command(update=said, goto=route(message))

    async def _told(
        self, had: Before | None, gone: Sequence[BaseMessage], config: RunnableConfig
    ) -> str:
        """The model's summary of what is cut now; "" where it gives none in time.

        It is asked beside the answer, so that people wait for no second call. Without
        it the turns have a line each, and the next cut asks for all of them again.
        """
        if not gone or isinstance(self._bare, OfflineModel):
            return ""
        try:
            async with asyncio.timeout(TIME_TO_TELL):
                said = await self._bare.ainvoke(to_sum_up(had, gone), config)
        except Exception as error:
            why = type(error).__name__
            logger.warning("no summary (%s)", why, extra={"action": "no_summary"})
            return ""
        return said.text

    def _model(self) -> Any:
        """The model with the tools that there are now."""
        tools = self._toolbox.named
        if self._bound[0] is not tools:
            bare = self._bare
            bound = bare.bind_tools([*tools.values()]) if tools else bare
            self._bound = tools, bound.with_config(tags=[ANSWER])
        return self._bound[1]

    async def _answer(
        self, recent: Sequence[BaseMessage], before: str, config: RunnableConfig
    ) -> AIMessage:
        today = self._today()
        try:
            asked = render(recent, today, before=before)
            return await self._model().ainvoke(asked, config)
        except Exception as error:
            if not is_too_long(error):
                raise
        less = render(shortened(recent), today, shortened=True, before=before)
        return await self._model().ainvoke(less, config)

    async def call(self, state: Any, config: RunnableConfig) -> dict[str, Any]:
        # What `Send` carries. A type here would become a channel of the graph's state.
        call = cast("ToolCall", state)
        tool = self._toolbox.named.get(call["name"])
        if tool is None:
            return {"messages": [self._unknown(call)]}
        return {"messages": [await self._gate.run(tool, call, config)]}

    def _unknown(self, call: ToolCall) -> ToolMessage:
        return ToolMessage(
            no_tool(call["name"], sorted(self._toolbox.named)),
            tool_call_id=str(call["id"]),
            name=call["name"],
            status="error",
        )


class State(TypedDict):
    """The state of a conversation, as a checkpoint holds it.

    Attributes:
        before: in the place of the oldest turns, which are cut from `messages`. Each
            step writes all of its state down, so that a long conversation would cost
            more with each turn.
    """

    messages: Annotated[list[AnyMessage], add_messages]
    before: NotRequired[Before | None]


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


MAX_STEPS = 25  # answers of the model to one message of a person
MAX_REJECTS = 3  # calls of one turn; a person who says no so often wants no other
MAX_CALL = 300  # characters of a call that the user reads


def reason_to_stop(messages: Sequence[BaseMessage]) -> str:
    """The last word of a turn that must not go on, or "" if it may."""
    turn = _turn(messages)
    rejected = [message for message in turn if note_on(message) == REJECTED]
    if len(rejected) >= MAX_REJECTS:
        return _too_many_rejects(turn)
    # A model that repeats a refused call would otherwise never come to an end.
    steps = sum(isinstance(message, AIMessage) for message in turn)
    return chat.too_many_steps(MAX_STEPS) if steps >= MAX_STEPS else ""


def _turn(messages: Sequence[BaseMessage]) -> Sequence[BaseMessage]:
    """Return the messages that follow the last one from a person."""
    last = max(
        (i for i, m in enumerate(messages) if isinstance(m, HumanMessage)), default=-1
    )
    return messages[last + 1 :]


def _too_many_rejects(turn: Sequence[BaseMessage]) -> str:
    made = [m for m in turn if isinstance(m, AIMessage)]
    calls = {call["id"]: call for message in made for call in message.tool_calls}
    rejected: list[str] = []
    others: list[str] = []
    for result in turn:
        call = calls.get(getattr(result, "tool_call_id", None))
        if not isinstance(result, ToolMessage) or call is None:
            continue
        if note_on(result) == REJECTED:
            rejected.append(f"- {_named(call)}")
        else:
            others.append(f"- {_named(call)}: {one_line(result.text, MAX_CALL)}")
    listed = "\n".join(rejected), "\n".join(others)
    return chat.too_many_rejects(len(rejected), *listed)


def _named(call: ToolCall) -> str:
    args = ", ".join(
        f"{name}={json.dumps(value, ensure_ascii=False)}"
        for name, value in call["args"].items()
    )
    # A backtick inside would end the code that it is shown as.
    shown = one_line(f"{call['name']}({args})", MAX_CALL).replace("`", "'")
    return f"`{shown}`"
