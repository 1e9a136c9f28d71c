"""Change what in somebody else's graph would not run safely here."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, cast

from langchain_core.messages import ToolCall
from langchain_core.runnables import RunnableConfig
from langgraph.errors import GraphInterrupt
from langgraph.func import task
from langgraph.prebuilt import ToolNode
from langgraph.pregel._loop import AsyncPregelLoop
from langgraph.runtime import Runtime
from langgraph.types import Command

from bot.conversations.inspect_graph import Graph, steps_of


def adapt(graph: Graph) -> Graph:
    """Let a graph run as it is written, and each call of a tool node by itself.

    Returns the same graph.
    """
    # Under `durability="sync"` LangGraph waits for a checkpoint after each step, and
    # finds none in a subgraph with `checkpointer=False`.
    cast("Any", AsyncPregelLoop)._put_checkpoint_fut = _Nothing()
    for step in steps_of(graph):
        if isinstance(step, ToolNode) and not isinstance(step.afunc, _Apart):
            step.afunc = _Apart(step)
    return graph


class _Nothing:
    """Waits for nothing, however often."""

    def __await__(self) -> Iterator[None]:
        return iter(())


class _Apart:
    """Runs the calls of one message apart, as `Send` would.

    LangGraph pairs answers with the questions of one task by their order, and runs the
    whole task again for each answer. In one task a call that has run would run once
    more, and an answer could reach the tool that asks first.
    """

    def __init__(self, node: ToolNode) -> None:
        self._node = cast("Any", node)  # its own parts are used, as it uses them
        self._together = self._node.afunc

    async def __call__(
        self, input: Any, config: RunnableConfig, runtime: Runtime[Any]
    ) -> Any:
        calls, kind = self._node._parse_input(input)
        if kind == "tool_calls" or len(calls) < 2:
            return await self._together(input, config, runtime)

        async def run(call: ToolCall) -> Any:
            # the shape in which LangGraph's own agents send one call with its state
            shape = "tool_call_with_context"
            given = {"__type": shape, "tool_call": call, "state": input}
            return await self._node.ainvoke(given)

        one = cast("Any", task)
        waited = [one(run, name=call["name"])(call) for call in calls]
        ended: list[Any] = await asyncio.gather(*waited, return_exceptions=True)
        return self._node._combine_tool_outputs(_outputs(ended), kind)


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
