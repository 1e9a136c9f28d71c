"""A graph is changed, or refused, where it would not run safely here."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import interrupt

from bot.conversations.graphs import adapt_langgraph
from bot.conversations.inspect_graph import describe, problem

adapt_langgraph()


def says(state: MessagesState) -> dict[str, Any]:
    return {"messages": [AIMessage("inner")]}


def asks(state: MessagesState) -> dict[str, Any]:
    return {"messages": [AIMessage(str(interrupt("Go on?")))]}


def stateless(node: Any) -> Any:
    inner = StateGraph(MessagesState).add_node("inner", node).add_edge(START, "inner")
    return inner.compile(checkpointer=False)


def around(node: Any, **compiled: Any) -> Any:
    outer = StateGraph(MessagesState).add_node("outer", node).add_edge(START, "outer")
    return outer.compile(**compiled)


def as_it_is(part: Any) -> Any:
    return part


def calling(part: Any) -> Any:
    async def node(state: MessagesState) -> Any:
        return await part.ainvoke(state)

    return node


def calling_in_sync(part: Any) -> Any:
    return lambda state: part.invoke(state)


@pytest.mark.parametrize("place", [as_it_is, calling, calling_in_sync])
async def test_a_subgraph_that_keeps_nothing_runs_in_sync(place: Any):
    graph = around(place(stateless(says)), checkpointer=InMemorySaver())
    config: Any = {"configurable": {"thread_id": "1"}}
    given: Any = {"messages": [("human", "hi")]}
    ran = await graph.ainvoke(given, config, durability="sync")
    assert ran["messages"][-1].text == "inner"


@pytest.mark.parametrize("place", [as_it_is, calling])
def test_a_subgraph_that_keeps_nothing_cannot_ask(place: Any):
    assert problem(describe(around(place(stateless(says))), "theirs")) == ""
    said = problem(describe(around(place(stateless(asks))), "theirs"))
    assert "outer asks" in said
    assert "checkpointer=False" in said
