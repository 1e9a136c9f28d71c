"""The gate on the tool itself: ask, claim, run, store, and note what people decided."""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, Literal, NoReturn, cast

from langchain_core.messages import BaseMessage, ToolCall, ToolMessage
from langchain_core.runnables import RunnableConfig, ensure_config
from langchain_core.tools import BaseTool, StructuredTool, ToolException
from langgraph.errors import GraphBubbleUp
from langgraph.types import interrupt

from agent.grant_protocol import Call, Grants, Outcome, Permission, Status
from agent.phrases import tool_calls
from agent.safe_text import clean_text
from agent.tool_arguments import injected_by_graph, problem_with, schema_of

logger = logging.getLogger(__name__)


class Gate:
    """Lets a tool run only on a claimed grant, and asks a person where one is needed.

    One `interrupt` per task: run each call in a task of its own (`Send`), since
    LangGraph pairs answers with the interrupts of one task by their order.
    """

    def __init__(self, grants: Grants) -> None:
        self._grants = grants

    async def run(
        self, tool: BaseTool, call: ToolCall, config: RunnableConfig
    ) -> ToolMessage:
        """Run one call of one tool, or say in a sentence why it did not run.

        Every failure of the tool becomes a ToolMessage: a task that raised after an
        approval would run the tool again when it is resumed with a reject.

        Raises:
            GraphBubbleUp: the call waits for a person.
            Exception: the grants could not be read or written. Before the tool ran this
                may be repeated freely; afterwards the grant stays claimed, and nobody
                runs the tool again.
        """
        if problem := problem_with(tool, call["args"]):
            return _answer(call, tool_calls.nothing_done(problem), "error")
        asked = _call(tool, call, config)
        ruling = await self._grants.open(asked)
        if ruling.kind != "ask":
            return await self._proceed(tool, call, asked, ruling, config)
        # Nothing but reading and `open` may stand above: all of it runs again on each
        # resume of any call of this turn. What was seen first is what is kept.
        seen = None if ruling.is_asked else await look_at(tool, call["args"])
        question = _question(tool, call, ruling, seen)
        decision = read_decision(interrupt(question), tool.name)
        if isinstance(decision, Answered):
            return _answer(call, decision.content, decision.status, decision.note)
        if decision.edited is None or _is_same(decision.edited, call["args"]):
            with _approved(decision.seen):
                return await self._proceed(tool, call, asked, ruling, config)
        edited = replace(asked, args=decision.edited)
        return await self._edited(tool, call, edited, config)

    async def _proceed(
        self,
        tool: BaseTool,
        call: ToolCall,
        asked: Call,
        ruling: Permission,
        config: RunnableConfig,
    ) -> ToolMessage:
        ended = await self._take(tool, asked, ruling, config)
        if isinstance(ended, str):
            return _answer(call, ended, "error")
        return _answer(call, ended.content, _STATUS[ended.status])

    async def _edited(
        self, tool: BaseTool, call: ToolCall, edited: Call, config: RunnableConfig
    ) -> ToolMessage:
        if problem := problem_with(tool, edited.args):
            return _answer(call, tool_calls.edit_not_approved(problem), "error")
        ruling = await self._grants.open(edited)
        ended = await self._take(tool, edited, ruling, config)
        args = json.dumps(edited.args, ensure_ascii=False)
        # The model must not take what became of their call for the end of its own.
        if isinstance(ended, str):
            said, status = tool_calls.changed(args) + ended, "error"
        else:
            said = tool_calls.edited(ended.status, args) + ended.content
            status = _STATUS[ended.status]
        return _answer(call, said, status, EDITED, edited.args)

    async def _take(
        self, tool: BaseTool, call: Call, ruling: Permission, config: RunnableConfig
    ) -> Outcome | str:
        """Run the call unless it has run; return its outcome, or why it did not run."""
        if ruling.kind == "denied":
            return tool_calls.denied(ruling.why)
        claim = await self._grants.claim(call, ruling)
        if claim.result is not None:
            return Outcome(claim.status or "done", claim.result)
        if not claim.won:
            return claim.refusal or tool_calls.RUNNING
        with _approved(claim.seen):
            outcome = await _execute(tool, call, config)
        await self._grants.finish(call, outcome)
        return outcome


_STATUS: dict[Status, Literal["success", "error"]] = {
    "done": "success",
    "failed": "error",
    "unknown": "error",
}


def _call(tool: BaseTool, call: ToolCall, config: RunnableConfig) -> Call:
    thread: object = config.get("configurable", {}).get("thread_id")
    if not thread or not call["id"]:
        raise RuntimeError(
            "The gate needs configurable.thread_id and a tool call id: grants are kept "
            "by both."
        )
    return Call(str(thread), call["id"], tool.name, call["args"], schema_of(tool))


@contextmanager
def _approved(seen: Seen | None) -> Generator[None, None, None]:
    """Tell the tool what it was approved for, where that is known."""
    token = approved_for.set(seen or approved_for.get())
    try:
        yield
    finally:
        approved_for.reset(token)


def _question(
    tool: BaseTool, call: ToolCall, ruling: Permission, seen: Seen | None
) -> dict[str, Any]:
    question = {
        "type": "tool_approval",
        "tool_call_id": call["id"],
        "name": tool.name,
        "args": call["args"],
        "description": ruling.why or tool_calls.needs_approval(tool.name),
    }
    return question if seen is None else question | {"seen": seen}


def _is_same(args: dict[str, Any], others: dict[str, Any]) -> bool:
    # Not ==, for which true is 1. What was edited and edited back is no edit.
    return json.dumps(args, sort_keys=True) == json.dumps(others, sort_keys=True)


def _answer(
    call: ToolCall,
    content: str,
    status: Literal["success", "error"],
    note: Note | None = None,
    args: dict[str, Any] | None = None,
) -> ToolMessage:
    return ToolMessage(
        content,
        tool_call_id=str(call["id"]),
        name=call["name"],
        status=status,
        artifact=noted(note, args) if note else None,
    )


async def _execute(tool: BaseTool, call: Call, config: RunnableConfig) -> Outcome:
    # A copy, since the arguments stand in the message that the checkpoint keeps.
    given = ToolCall(
        name=call.name,
        args=copy.deepcopy(call.args),
        id=call.tool_call_id,
        type="tool_call",
    )
    try:
        output: object = await tool.ainvoke(given, config)
    except GraphBubbleUp:
        raise
    except OutcomeUnknown as exc:
        return Outcome("unknown", tool_calls.outcome_unknown(clean_text(str(exc))))
    except ToolException as exc:
        return Outcome("failed", clean_text(str(exc) or tool_calls.failed(call.name)))
    except Exception as exc:
        # Its text may hold a password or a path, so it goes to the log alone.
        logger.exception("%s failed", call.name, extra={"action": "tool_failed"})
        return Outcome("failed", tool_calls.failed(call.name, type(exc).__name__))
    return _outcome(call, output)


def _outcome(call: Call, output: object) -> Outcome:
    if not isinstance(output, ToolMessage):
        return Outcome("done", tool_calls.not_text(call.name))
    status = "failed" if output.status == "error" else "done"
    return Outcome(status, clean_text(output.text))


#: The gate of whoever serves the graph, for tools that were guarded without one.
in_force: ContextVar[Gate | None] = ContextVar("in_force", default=None)


class _GuardedTool(BaseTool):
    inner: BaseTool
    gate: Gate | None

    def _run(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise NotImplementedError(f"{self.name} is guarded: use ainvoke.")

    async def ainvoke(
        self, input: Any, config: RunnableConfig | None = None, **kwargs: Any
    ) -> ToolMessage:
        """Go through the gate with a whole ToolCall; nothing else runs the tool."""
        call: Any = _as_dict(input)
        if call is None or call.get("type") != "tool_call":
            raise ValueError(f"{self.name} is guarded: call it with a whole ToolCall.")
        gate = self.gate or in_force.get()
        if gate is None:
            raise RuntimeError(
                f"{self.name} is guarded, and nobody serves its graph: give `guard` a "
                "gate, or run the graph in the bot."
            )
        return await gate.run(self.inner, call, ensure_config(config))


def is_guarded(tool: BaseTool) -> bool:
    """Return whether a tool has a gate on it."""
    return isinstance(tool, _GuardedTool)


def guard(tool: BaseTool, gate: Gate | None = None) -> BaseTool:
    """Put the gate on a tool of another graph: same name, description and schema.

    Without a gate it is that of the bot which serves the graph.

    For graphs that run each call in a task of its own, as `create_agent` does, and as
    the bot has tool nodes do it. In one task several answers cannot be paired; a
    mixed-up answer then finds no grant for its call, and nothing runs.

    Raises:
        ValueError: the tool takes state, store or runtime from the graph; what is
            injected is no part of what a person approves.
    """
    if injected := injected_by_graph(tool):
        raise ValueError(
            f"{tool.name} cannot be guarded: {', '.join(injected)} would be injected "
            "by the graph and is no part of what a person approves."
        )
    return _GuardedTool(
        name=tool.name,
        description=tool.description,
        args_schema=tool.args_schema or tool.get_input_schema(),
        metadata=tool.metadata,
        inner=tool,
        gate=gate,
    )


@dataclass(frozen=True)
class Approved:
    """Run the call, with other arguments if somebody edited them."""

    edited: dict[str, Any] | None = None
    seen: dict[str, Any] | None = None  # what it was about when people were asked


@dataclass(frozen=True)
class Answered:
    """Do not run the call; the model reads this instead."""

    content: str
    status: Literal["success", "error"] = "error"
    note: Note | None = None


def read_decision(answer: object, tool: str) -> Approved | Answered:
    """Turn a resume value into what to do; what cannot be read approves nothing."""
    decision = _as_dict(answer)
    if decision is None:
        return Answered(tool_calls.MALFORMED)
    message = decision.get("message")
    match decision.get("type"):
        case "approve":
            return Approved(seen=_as_dict(decision.get("seen")))
        case "edit":
            return _edit(decision.get("edited_action"), tool)
        case "reject":
            return _reject(message if isinstance(message, str) else "")
        case "respond" if isinstance(message, str):
            return Answered(
                tool_calls.IN_ITS_PLACE + clean_text(message), "success", ANSWERED
            )
        case _:
            return Answered(tool_calls.MALFORMED)


def _reject(message: str) -> Answered:
    # Whoever wrote the message may not know that a model reads it.
    said = clean_text(message.strip()) or tool_calls.NO_REASON
    return Answered(tool_calls.firmly(said), note=REJECTED)


def _edit(action: object, tool: str) -> Approved | Answered:
    edited = _as_dict(action)
    if edited is None:
        return Answered(tool_calls.MALFORMED)
    if edited.get("name") != tool:
        return Answered(tool_calls.OTHER_TOOL)
    args = _as_dict(edited.get("args"))
    return Answered(tool_calls.MALFORMED) if args is None else Approved(args)


def _as_dict(value: object) -> dict[str, Any] | None:
    """Return what came from outside if it is a dict."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


Seen = dict[str, Any]  # JSON
#: What the call that runs now was approved for; None where nothing was recorded.
approved_for: ContextVar[Seen | None] = ContextVar("approved_for", default=None)


class PlainTool(StructuredTool):
    """A tool whose function takes a call's arguments and nothing else.

    One that also takes a `RunnableConfig` or callbacks has to be a `StructuredTool`:
    LangChain reads from its types what to give it, at each run, which takes a third of
    a run's CPU.
    """

    async def _arun(self, *args: Any, **arguments: Any) -> Any:
        act: Any = self.coroutine
        return await act(*args, **arguments)


class SeeingTool(PlainTool):
    """A tool that can say what its arguments name right now.

    `look` takes the arguments and never raises for what a person or a model wrote. The
    tool itself compares with `approved_for`, on what it has open.
    """

    look: Callable[[dict[str, Any]], Awaitable[Seen]]


class FilledTool(PlainTool):
    """A tool some of whose arguments the program fills in, once the model has called.

    What is filled in is part of the call from then on: a policy can have conditions on
    it, people see it, and what they approve is what the tool is given.
    """

    fill: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


async def filled(tool: BaseTool | None, args: dict[str, Any]) -> dict[str, Any]:
    """The arguments with which a call is raised.

    Those that the tool refuses stay as they are; the gate says what is wrong with them.
    """
    if not isinstance(tool, FilledTool) or problem_with(tool, args):
        return args
    return await tool.fill(args)


async def look_at(tool: BaseTool, args: dict[str, Any]) -> Seen | None:
    """Return what a call names now; None for tools that cannot say."""
    return await tool.look(args) if isinstance(tool, SeeingTool) else None


class OutcomeUnknown(ToolException):
    """It may have happened. The grant says so, and nobody runs it again by itself."""


# --- The note on a result: what a person did to the call that it answers -------------
REJECTED = "rejected"  # by a person, by the time, or because it was asked again
EDITED = "edited"
ANSWERED = "answered"
Note = Literal["rejected", "edited", "answered"]
_KEY = "approval"


def noted(note: Note, args: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return a note as a message keeps it; `args` are those that a person gave."""
    return {_KEY: {"word": note} if args is None else {"word": note, "args": args}}


def note_on(message: BaseMessage) -> str:
    """Return what a person did to the call that a message answers, or ""."""
    return str(_found(message).get("word", ""))


def edited_args(message: BaseMessage) -> dict[str, Any] | None:
    """The arguments that a person gave in place of the call's own, if they did."""
    return _as_dict(_found(message).get("args"))


def _found(message: BaseMessage) -> dict[str, Any]:
    artifact = _as_dict(message.artifact) if isinstance(message, ToolMessage) else None
    return _as_dict((artifact or {}).get(_KEY)) or {}
