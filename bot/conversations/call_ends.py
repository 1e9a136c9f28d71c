"""Tell what became of a turn's calls, to the model, and where the graph has raised."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    HumanMessage,
    ToolCall,
    ToolMessage,
)

from agent.phrases.tool_calls import RUNNING, UNRECORDED
from bot.approvals import digest
from bot.approvals.model import Execution, Request
from bot.conversations.dialects.interface import arguments_of
from bot.conversations.graph_state import GraphState, TaskState, calls_of, is_empty
from bot.texts import agent

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
        unknown: tools of which nobody knows whether a call happened.
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
