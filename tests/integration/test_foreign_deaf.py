"""Graphs that take no answer: people are told, and the conversation goes on."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langgraph.errors import GraphInterrupt, NodeInterrupt
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Interrupt, interrupt

from bot.approvals.model import Execution, Status
from tests.support.foreign_parts import make_foreign
from tests.support.house import REJECT, House
from tests.support.people import MINA

pytestmark = pytest.mark.filterwarnings("ignore:NodeInterrupt is deprecated")


def graph_of(node: Any) -> Any:
    return StateGraph(MessagesState).add_node("n", node).add_edge(START, "n").compile()


def hello(state: MessagesState) -> bool:
    return state["messages"][-1].text == "hello"


def by_exception(state: MessagesState) -> dict[str, Any]:
    if hello(state):
        return {"messages": [AIMessage("Hello.")]}
    raise NodeInterrupt("Too long!")


def by_hand(state: MessagesState) -> dict[str, Any]:
    if hello(state):
        return {"messages": [AIMessage("Hello.")]}
    raise GraphInterrupt([Interrupt("Sure?", id="ab" * 16)])


async def test_a_question_without_a_way_to_answer_gets_no_card(house: House):
    agent = make_foreign(house, graph_of(by_exception))
    conversation = await agent.say("go")
    [said] = await agent.said("say")
    assert "NodeInterrupt" in said
    assert await agent.requests(conversation) == []
    await agent.say("hello")
    assert await agent.said() == ["Hello."]


@pytest.mark.parametrize("verdict", [None, REJECT])
async def test_a_question_that_its_answer_leaves_open_ends_the_turn(
    house: House, verdict
):
    agent = make_foreign(house, graph_of(by_hand))
    conversation = await agent.say("go")
    request = await agent.request(conversation)
    await house.click(MINA, request, *([verdict] if verdict else []))
    await agent.work()
    [said] = await agent.said("say")
    assert "asked the same question again" in said
    now = await agent.request(conversation)
    if verdict is None:
        assert now.end.execution is Execution.FAILED
    else:
        assert now.status is Status.REJECTED
    await agent.say("hello")
    assert await agent.said() == ["Hello."]


async def test_a_loop_asks_until_it_likes_the_answer(house: House):
    def ask(state: MessagesState) -> dict[str, Any]:
        question, answer = "Go?", ""
        while answer != "approve":
            answer = interrupt(question)
            question = "Are you sure?"
        return {"messages": [AIMessage("Gone.")]}

    agent = make_foreign(house, graph_of(ask))
    conversation = await agent.say("go")
    await house.click(MINA, await agent.request(conversation), REJECT)
    await agent.work()
    [again] = await agent.open_requests(conversation)
    await house.click(MINA, again)
    await agent.work()
    assert await agent.said() == ["Gone."]
