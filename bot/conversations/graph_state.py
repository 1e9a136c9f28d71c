"""Read the state of a graph: what it asks, what it has said, what came of its tasks."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import (
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import dataclass
from typing import Any, cast

from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    HumanMessage,
    ToolCall,
    ToolMessage,
    convert_to_messages,
)
from langgraph.types import Interrupt, PregelTask, StateSnapshot

from agent.graph import in_call_order
from agent.live_words import without_thoughts
from agent.phrases.tool_calls import RUNNING, UNRECORDED
from bot.approvals import digest
from bot.approvals.model import Execution, Request
from bot.conversations.dialects import static_breakpoint
from bot.conversations.dialects.interface import arguments_of, written
from bot.conversations.inspect_graph import MESSAGES
from bot.texts import agent, conversation

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


def state_of(state: StateSnapshot, channel: str, *, stops: bool) -> GraphState:
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
            state_of(task.state, MESSAGES, stops=False)
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


# --- What it has said in a turn, as people are told it --------------------------------

#: How servers say why the model has stopped in the middle.
_CUT = {
    **dict.fromkeys(
        ("length", "max_tokens", "MAX_TOKENS"), conversation.ANSWER_CUT_OFF
    ),
    **dict.fromkeys(("content_filter", "SAFETY"), conversation.ANSWER_FILTERED),
}


def last_word(ran: GraphState, tools: Collection[str]) -> str | None:
    """The answer to a person's message, None where the graph has said nothing.

    It is the last text of the graph, from any node of it; else the structured
    response, else what a tool has returned.

    Args:
        tools: names of the graph's tools; a model calls others to give its answer a
            structure.
    """
    turn = _turn(ran.messages)
    for message in reversed(turn):
        if isinstance(message, ToolMessage):
            return _result(message, ran.structured, tools)
        if isinstance(message, AIMessage) and message.tool_calls:
            break  # what it has said on the way is no answer
        if text := _text(message):
            is_it = ran.structured is not None and _parsed(text) == ran.structured
            return _fields(ran.structured) if is_it else text
    return _fields(ran.structured) if ran.structured and turn else None


def answered_nothing(ran: GraphState) -> bool:
    """Return whether the model's last answer has nothing in it."""
    return bool(ran.messages) and is_empty(ran.messages[-1])


def is_empty(message: AnyMessage) -> bool:
    """Return whether it is an answer of the model with nothing in it."""
    if not isinstance(message, AIMessage) or calls_of(message):
        return False
    content = message.content
    blocks = [] if isinstance(content, str) else content
    kinds = {b.get("type") if isinstance(b, dict) else "text" for b in blocks}
    return not message.text.strip() and kinds <= {"text", "reasoning", "thinking"}


def calls_of(message: AIMessage) -> list[tuple[str, str]]:
    """Id and tool of each call of a message, readable or not."""
    calls = [*message.tool_calls, *message.invalid_tool_calls]
    return [(call["id"], call["name"] or "unknown") for call in calls if call["id"]]


def _turn(messages: Sequence[AnyMessage]) -> Sequence[AnyMessage]:
    """The turn behind a person's message; workers in a graph speak as people too."""
    people = [i for i, m in enumerate(messages) if isinstance(m, HumanMessage)]
    own = [i for i in people if "speaker" in messages[i].additional_kwargs]
    last = max(own or people, default=-1)
    return messages[last + 1 :]


def _text(message: AnyMessage) -> str:
    """The words of a message, without its thoughts, and with why it ends early."""
    said = without_thoughts(message.text)
    found = message.response_metadata
    reason = str(found.get("finish_reason") or found.get("stop_reason"))
    cut = f"\n\n[{_CUT[reason]}]" if reason in _CUT else ""
    return f"{said}{cut}".strip()


def _result(
    message: ToolMessage, structured: object, tools: Collection[str]
) -> str | None:
    if structured is not None and message.name not in tools:
        return _fields(structured)
    return message.text or None


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _fields(structured: object) -> str:
    """A structured response as lines that people read."""
    if not isinstance(structured, dict):
        return json.dumps(structured, ensure_ascii=False)
    fields = cast("dict[str, object]", structured)
    return "\n".join(
        f"- **{name.replace('_', ' ').capitalize()}**: {_shown(value)}"
        for name, value in fields.items()
    )


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


# --- What became of a turn's calls, for the model, and where the graph has raised -----

Ends = Mapping[str, ToolMessage]  # by the id of the call


def mended(messages: Sequence[AnyMessage], ends: Ends) -> list[AnyMessage]:
    """Put each call's result behind it, once, and leave out what is empty.

    Model servers refuse a history in which a call is open, answered twice or answered
    elsewhere, or in which the model says nothing at all.

    Args:
        ends: the results of calls that have none.
    """
    results = _results(messages)
    fixed: list[AnyMessage] = []
    for place, message in enumerate(messages):
        if isinstance(message, ToolMessage) or is_empty(message):
            continue
        fixed.append(message)
        if isinstance(message, AIMessage):
            own = results.get(place, {})
            fixed += own.values()
            fixed += [
                ends.get(key) or _ended(UNRECORDED, key, name)
                for key, name in calls_of(message)
                if key not in own
            ]
    return fixed


def _results(messages: Sequence[AnyMessage]) -> dict[int, dict[str, ToolMessage]]:
    """The first result of each call, by the place of the model's message.

    Some servers give the same id again in a later turn.
    """
    owners: dict[str, int] = {}
    found: dict[int, dict[str, ToolMessage]] = {}
    for place, message in enumerate(messages):
        if isinstance(message, AIMessage):
            owners |= {key: place for key, _ in calls_of(message)}
        elif isinstance(message, ToolMessage) and message.tool_call_id in owners:
            own = found.setdefault(owners[message.tool_call_id], {})
            own.setdefault(message.tool_call_id, message)
    return found


def ends_of(ran: GraphState, unknown: Collection[str] = ()) -> dict[str, ToolMessage]:
    """Tell the model how the calls that a turn has left open have ended.

    Args:
        unknown: tools with a call that may or may not have happened.
    """
    told: dict[str, ToolMessage] = {}
    for call, (execution, error) in open_calls(ran).items():
        key, name = call
        if execution is Execution.UNKNOWN or name in unknown:
            text = RUNNING
        elif execution is Execution.FAILED:
            text = agent.failed_for_agent(error)
        else:
            waits = ran.tasks or ran.interrupts
            text = agent.STOPPED_FOR_AGENT if waits else UNRECORDED
        told[key] = _ended(text, key, name)
    return told


def _ended(text: str, key: str, name: str) -> ToolMessage:
    return ToolMessage(text, tool_call_id=key, name=name, status="error")


def execution_of(
    request: Request, ran: GraphState, answered: Collection[str] = ()
) -> Execution:
    """Return what is known of an approved call after its graph has raised.

    Args:
        answered: the interrupts that the graph was resumed with. Where one task has got
            several answers, nobody knows behind which of them it has raised.
    """
    for part in ran.walk():
        if (call := _call_of(request, part)) is not None:
            return _execution(call, part)
        for task in part.tasks:
            if request.interrupt in task.asked:  # and it has got the answer
                is_one_of_several = len({*task.asked} & {*answered}) > 1
                known = None if is_one_of_several else _how(task)[0]
                return known or Execution.UNKNOWN
    return Execution.FAILED  # the graph had got beyond the question, and has failed


def ends_in(
    requests: Sequence[Request], messages: Sequence[AnyMessage]
) -> dict[str, Execution]:
    """Return the ends of claimed calls, by request; empty until each has its result."""
    made = [i for i, m in enumerate(messages) if getattr(m, "tool_calls", ())]
    turn = messages[made[-1] :] if made else ()
    part, ends = GraphState((), tuple(turn)), dict[str, Execution]()
    results = {m.tool_call_id: m for m in turn if isinstance(m, ToolMessage)}
    for request in requests:
        call = _call_of(request, part)
        result = results.get(str(call["id"])) if call else None
        if result is None:
            return {}
        failed = result.status == "error"
        ends[request.id] = Execution.FAILED if failed else Execution.DONE
    return ends


def done_calls(ran: GraphState) -> list[str]:
    """The tools whose calls have ended well since the last message of a person.

    Where no tool was called, the nodes that have come to their ends.
    """
    people = [i for i, m in enumerate(ran.messages) if isinstance(m, HumanMessage)]
    said = [*ran.messages[people[-1] if people else 0 :]]
    said += [m for part in ran.walk() for task in part.tasks for m in task.said]
    results = [m for m in said if isinstance(m, ToolMessage) and m.status != "error"]
    names = list(dict.fromkeys(m.name for m in results if m.name))
    if names or open_calls(ran):
        return names
    return [*ran.passed, *(task.node for task in ran.tasks if task.is_over)]


def node_of(error: BaseException) -> str:
    """The node, or the tool of a tool node, in which a graph has raised; "" if none."""
    notes: list[str] = getattr(error, "__notes__", [])
    found = (re.search(r"name '([^']+)'", note) for note in notes)
    return next((match[1] for match in found if match), "")


def _execution(call: ToolCall, part: GraphState) -> Execution:
    key = (str(call["id"]), call["name"])
    if key in (ended := open_calls(part)):
        return ended[key][0] or Execution.UNKNOWN
    said = [*part.messages, *(m for task in part.tasks for m in task.said)]
    results = [m for m in said if isinstance(m, ToolMessage)]
    own = next((m for m in results if m.tool_call_id == call["id"]), None)
    return Execution.FAILED if own and own.status == "error" else Execution.DONE


def _call_of(request: Request, part: GraphState) -> ToolCall | None:
    """The model's call that a request is about, in the last message with calls."""
    wanted = digest.canonical(request.call.arguments)
    for call in _last_calls(part.messages):
        if request.call.id and call["id"] == request.call.id:
            return call
        is_named = not request.call.id and call["name"] == request.call.tool
        if is_named and digest.canonical(arguments_of(call["args"])[0]) == wanted:
            return call
    return None


def _last_calls(messages: Sequence[AnyMessage]) -> list[ToolCall]:
    made = [m for m in messages if isinstance(m, AIMessage) and m.tool_calls]
    return made[-1].tool_calls if made else []


def open_calls(part: GraphState) -> dict[tuple[str, str], tuple[Execution | None, str]]:
    """Id and tool of each call that has no result, with its end and the error's class.

    None where it was not begun, as far as anybody knows. Which task had which call is
    known by their order only, and only if there are as many of them.
    """
    said = [*part.messages, *(m for task in part.tasks for m in task.said)]
    answered = {m.tool_call_id for m in said if isinstance(m, ToolMessage)}
    models = [m for m in part.messages if isinstance(m, AIMessage)]
    made = calls_of(models[-1]) if models else []
    calls = [call for call in made if call[0] not in answered]
    begun = [task for task in part.tasks if not task.is_over]
    if not (part.is_cut_off or any(task.error for task in begun)):
        return dict.fromkeys(calls, (None, ""))
    if len(begun) != len(calls):
        return dict.fromkeys(calls, (Execution.UNKNOWN, ""))
    return {call: _how(task) for call, task in zip(calls, begun, strict=True)}


def _how(task: TaskState) -> tuple[Execution | None, str]:
    if task.is_over:
        return Execution.DONE, ""
    if task.has_raised:
        return Execution.FAILED, task.error
    waits = task.asked and not task.error
    return None if waits else Execution.UNKNOWN, task.error
