"""Values of a foreign graph that the database does not take as they are."""

from __future__ import annotations

import math
import threading
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import interrupt

from bot.approvals.model import Execution
from tests.support.foreign_parts import make_foreign
from tests.support.house import House
from tests.support.people import MINA

HALF = "a\ud800b"


class State(MessagesState):
    note: Any


def acting(note: Any, text: str, seen: list[Any]) -> Any:
    """Acts after an approval, and keeps and says something odd."""

    def act(state: State) -> dict[str, Any]:
        answer = interrupt({"action": "act", "odd": note})
        seen.append(answer)
        return {"note": note, "messages": [AIMessage(text)]}

    def tell(state: State) -> dict[str, Any]:
        seen.append(state["note"])
        return {}

    builder = StateGraph(State).add_node(act).add_node(tell).add_edge(START, "act")
    return builder.add_edge("act", "tell").compile()


@pytest.mark.parametrize(
    ("note", "text", "said"),
    [
        ("a\0b", "Done.\0", "Done.\ufffd"),
        (HALF, HALF, "a?b"),
        ({HALF: [HALF]}, "Done.", "Done."),
        (math.nan, "Done.", "Done."),
        (math.inf, "Done.", "Done."),
        ([math.nan, "a\0"], "Done.", "Done."),
    ],
    ids=["nul", "half", "half a key", "nan", "infinity", "inside"],
)
async def test_an_odd_value_ends_the_turn_as_any_other(house: House, note, text, said):
    seen: list[Any] = []
    agent = make_foreign(house, acting(note, text, seen))
    conversation = await agent.say()
    await house.click(MINA, await agent.request(conversation))
    await agent.work()
    assert await agent.said() == [said]
    assert (await agent.request(conversation)).end.execution is Execution.DONE
    assert seen[0] == "approve"
    assert str(seen[1]) == str(note)
    await agent.runner.prune(conversation)
    await agent.say("and again?")  # what was kept can be read
    assert len(await agent.open_requests(conversation)) == 1


async def test_a_number_over_64_bits_stays_what_it_is(house: House):
    seen: list[Any] = []

    def keep(state: State) -> dict[str, Any]:
        seen.append(state.get("note"))
        return {"note": 2**64 + 1, "messages": [AIMessage("Hello.")]}

    builder = StateGraph(State).add_node(keep).add_edge(START, "keep")
    agent = make_foreign(house, builder.compile())
    await agent.say("hello")
    await agent.say("hello again")
    assert seen == [None, 2**64 + 1]


def asking(value: Any) -> Any:
    def ask(state: State) -> dict[str, Any]:
        if state["messages"][-1].text != "hello":
            interrupt({"action": "ask", "with": value})
        return {"messages": [AIMessage("Hello.")]}

    return StateGraph(State).add_node(ask).add_edge(START, "ask").compile()


def keeping(value: Any) -> Any:
    def keep(state: State) -> dict[str, Any]:
        hello = state["messages"][-1].text == "hello"
        note = None if hello else [{"in": value}]
        return {"note": note, "messages": [AIMessage("Hello.")]}

    return StateGraph(State).add_node(keep).add_edge(START, "keep").compile()


@pytest.mark.parametrize(("graph", "node"), [(asking, "ask"), (keeping, "keep")])
async def test_what_cannot_be_stored_is_named_with_its_node(house: House, graph, node):
    agent = make_foreign(house, graph(threading.Lock()))
    conversation = await agent.say()
    [said] = await agent.said("say")
    assert "type `lock`" in said
    assert f"in `{node}`" in said
    assert await agent.requests(conversation) == []
    await agent.say("hello")
    assert await agent.said() == ["Hello."]
