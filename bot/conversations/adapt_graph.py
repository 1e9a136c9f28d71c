"""Change what in somebody else's graph would not run safely here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from typing import Any, cast

from langchain_core.messages import ToolCall
from langchain_core.runnables import RunnableConfig
from langgraph.errors import GraphInterrupt
from langgraph.func import task
from langgraph.prebuilt import ToolNode
from langgraph.pregel._loop import AsyncPregelLoop, SyncPregelLoop
from langgraph.runtime import Runtime
from langgraph.types import Command

IN_A_TASK = "__pregel_call"  # in `configurable`, where a task can begin another one


def adapt_langgraph() -> None:
    """Let graphs run as they are written, and each call of a tool node in its own task.

    To be called before a graph is loaded: a tool node keeps what it runs when it is
    made. Graphs of ours have no tool nodes.
    """
    # Under `durability="sync"` LangGraph waits for a checkpoint after each step, and
    # finds none in a subgraph with `checkpointer=False`.
    for loop in (AsyncPregelLoop, SyncPregelLoop):
        cast("Any", loop)._put_checkpoint_fut = _Nothing()
    cast("Any", ToolNode)._func = _run_apart
    cast("Any", ToolNode)._afunc = _arun_apart


class _Nothing:
    """Waits for nothing, however often."""

    def __await__(self) -> Iterator[None]:
        return iter(())

    def result(self) -> None:
        return None


# The node's own parts are used, as it uses them.
_together = cast("Any", ToolNode)._func
_atogether = cast("Any", ToolNode)._afunc


async def _arun_apart(
    node: Any, input: Any, config: RunnableConfig, runtime: Runtime[Any]
) -> Any:
    """Run the calls of one message apart, as `Send` would.

    LangGraph pairs answers with the questions of one task by their order, and runs the
    whole task again for each answer. In one task a call that has run would run once
    more, and an answer could reach the tool that asks first.
    """
    calls, kind = node._parse_input(input)
    if not _is_shared(calls, kind, config):
        return await _atogether(node, input, config, runtime)

    async def run(call: ToolCall) -> Any:
        return await node.ainvoke(_alone(call, input))

    waited = _begun(run, calls)
    ended: list[Any] = await asyncio.gather(*waited, return_exceptions=True)
    return node._combine_tool_outputs(_outputs(ended), kind)


def _run_apart(
    node: Any, input: Any, config: RunnableConfig, runtime: Runtime[Any]
) -> Any:
    """Do the same where a sync node or tool has called the graph."""
    calls, kind = node._parse_input(input)
    if not _is_shared(calls, kind, config):
        return _together(node, input, config, runtime)

    def run(call: ToolCall) -> Any:
        return node.invoke(_alone(call, input))

    ended = [_end_of(each) for each in _begun(run, calls)]
    return node._combine_tool_outputs(_outputs(ended), kind)


def _is_shared(calls: Sequence[Any], kind: str, config: RunnableConfig) -> bool:
    """Return whether one task has several calls, and can begin others for them."""
    several = kind != "tool_calls" and len(calls) > 1
    return several and IN_A_TASK in config.get("configurable", {})


def _alone(call: ToolCall, state: Any) -> dict[str, Any]:
    """One call in the shape in which LangGraph's own agents send it with its state."""
    return {"__type": "tool_call_with_context", "tool_call": call, "state": state}


def _begun(run: Callable[[ToolCall], Any], calls: Sequence[ToolCall]) -> list[Any]:
    one = cast("Any", task)
    return [one(run, name=call["name"])(call) for call in calls]


def _end_of(waited: Future[Any]) -> Any:
    try:
        return waited.result()
    except BaseException as error:
        return error


def _outputs(ended: list[Any]) -> list[Any]:
    """Give the messages and commands of calls, in their order.

    Raises:
        GraphInterrupt: some wait for answers; all that they ask.
        BaseException: of a call that has failed; the others have come to their ends.
    """
    errors = [each for each in ended if isinstance(each, BaseException)]
    for error in errors:
        if not isinstance(error, GraphInterrupt):
            raise error
    if errors:
        raise GraphInterrupt(tuple(i for error in errors for i in error.args[0]))
    found: list[Any] = []
    for each in ended:
        for output in cast("list[Any]", each if isinstance(each, list) else [each]):
            if isinstance(output, Command):
                found.append(output)
            else:  # messages, under the one key that a tool node writes to
                found += next(iter(output.values()))
    return found
