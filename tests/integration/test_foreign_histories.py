"""What a foreign graph's model reads after a turn that failed: no call is left open."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import interrupt
from typing_extensions import TypedDict

from bot.approvals.model import Execution
from tests.support.agent_parts import Agent
from tests.support.agent_stand_ins import ScriptedModel, calls
from tests.support.foreign_parts import Theirs, make_foreign
from tests.support.house import APPROVE, REJECT, House
from tests.support.people import MINA

DONE, FAILED, UNKNOWN = Execution.DONE, Execution.FAILED, Execution.UNKNOWN
MODES = ["batched", "per_call"]
PAY, WIPE = ("pay", {"to": "Ada"}, "c1"), ("wipe", {"path": "a"}, "c2")


def refused_by_a_strict_server(messages: Sequence[BaseMessage]) -> str:
    """What such a server would complain of: an open, misplaced or repeated call."""
    waits: list[str] = []
    for message in messages:
        if isinstance(message, ToolMessage):
            if message.tool_call_id not in waits:
                return f"{message.tool_call_id} is answered and was not asked"
            waits.remove(message.tool_call_id)
            continue
        if waits:
            return f"{waits} were left open"
        if isinstance(message, AIMessage):
            waits = [str(call["id"]) for call in message.tool_calls]
            if not waits and not message.text:
                return "an empty answer of the model"
    return f"{waits} were left open" if waits else ""


class Shop:
    """`create_agent` with approvals and two tools, of which `wipe` raises."""

    def __init__(self, *script: Any, mode: Any, after: dict[str, float]) -> None:
        self.ran: list[str] = []
        self.model = ScriptedModel(script=[*script])

        @tool
        async def pay(to: str) -> str:
            """Pay somebody."""
            await asyncio.sleep(after["pay"])
            self.ran.append(f"pay {to}")
            return "paid"

        @tool
        async def wipe(path: str) -> str:
            """Wipe a path."""
            await asyncio.sleep(after["wipe"])
            raise ConnectionError("secret detail")

        gated = {"pay": True, "wipe": True}
        approval = HumanInTheLoopMiddleware(gated, interrupt_mode=mode)
        self.graph = create_agent(self.model, [pay, wipe], middleware=[approval])

    @property
    def read(self) -> list[BaseMessage]:
        """What the model was sent last; a strict server would have taken it."""
        assert refused_by_a_strict_server(self.model.seen[-1]) == ""
        return self.model.seen[-1]

    def results(self) -> dict[str, str]:
        read = self.read
        return {m.tool_call_id: m.text for m in read if isinstance(m, ToolMessage)}


async def approve_all(house: House, agent: Agent, conversation: str) -> None:
    for request in await agent.requests(conversation):
        await house.click(MINA, request)
    await agent.work()


async def ends(agent: Agent, conversation: str) -> dict[str, Execution | None]:
    """What came of each approved call, as its card and the trail have it."""
    return {r.call.tool: r.end.execution for r in await agent.requests(conversation)}


@pytest.mark.parametrize("mode", MODES)
async def test_a_call_that_ran_beside_a_failure_keeps_its_result(house: House, mode):
    slow = {"pay": 0.0, "wipe": 0.5}
    shop = Shop(calls(PAY, WIPE), "Sorry.", mode=mode, after=slow)
    agent = make_foreign(house, shop.graph)
    conversation = await agent.say()
    await approve_all(house, agent, conversation)
    assert await ends(agent, conversation) == {"pay": DONE, "wipe": FAILED}
    [said] = await agent.said("say")
    assert "failed in `tools` (ConnectionError)" in said
    assert "Already done: `pay`." in said
    assert "secret detail" not in said
    await agent.say("and now?")
    assert shop.ran == ["pay Ada"]
    assert shop.results()["c1"] == "paid"
    assert "failed (ConnectionError)" in shop.results()["c2"]
    assert await agent.said() == ["Sorry."]


@pytest.mark.parametrize("mode", MODES)
async def test_a_call_that_a_failure_cut_off_is_unknown(house: House, mode):
    quick = {"pay": 5.0, "wipe": 0.0}
    shop = Shop(calls(PAY, WIPE), "Sorry.", mode=mode, after=quick)
    agent = make_foreign(house, shop.graph)
    conversation = await agent.say()
    await approve_all(house, agent, conversation)
    assert await ends(agent, conversation) == {"pay": UNKNOWN, "wipe": FAILED}
    [said] = await agent.said("say")
    assert "Unknown whether it ran: `pay`." in said
    await agent.say("and now?")
    assert "unknown whether this call ran" in shop.results()["c1"]
    assert "failed (ConnectionError)" in shop.results()["c2"]


async def test_after_one_failed_call_the_thread_lives_on(house: House):
    shop = Shop(
        calls(WIPE), "Sorry.", "Again.", mode="batched", after={"pay": 0, "wipe": 0}
    )
    agent = make_foreign(house, shop.graph)
    conversation = await agent.say()
    await approve_all(house, agent, conversation)
    assert await ends(agent, conversation) == {"wipe": FAILED}
    await agent.say("and now?")
    assert "failed (ConnectionError)" in shop.results()["c2"]
    await agent.say("and then?")
    assert [message.type for message in shop.read] == [
        *("human", "ai", "tool"),
        *("human", "ai", "human"),
    ]


async def test_what_runs_inside_a_subgraph_is_told_apart_too(house: House):
    slow = {"pay": 0.0, "wipe": 0.5}
    shop = Shop(calls(PAY, WIPE), mode="batched", after=slow)
    builder = StateGraph(MessagesState).add_node("worker", shop.graph)
    agent = make_foreign(house, builder.add_edge(START, "worker").compile())
    conversation = await agent.say()
    await approve_all(house, agent, conversation)
    assert await ends(agent, conversation) == {"pay": DONE, "wipe": FAILED}


async def test_a_question_answered_beside_a_failure_is_done(house: House):
    theirs = Theirs()
    builder = StateGraph(MessagesState)

    def broken(state: MessagesState) -> dict[str, Any]:
        theirs.ran.append(f"broken {interrupt({'action': 'broken'})}")
        time.sleep(0.5)  # by then the other one's end is stored
        raise ValueError

    for node in (theirs.node("fine"), broken):
        builder.add_node(node).add_edge(START, node.__name__)
    agent = make_foreign(house, builder.compile())
    conversation = await agent.say()
    await approve_all(house, agent, conversation)
    assert await ends(agent, conversation) == {"fine": DONE, "broken": FAILED}


async def test_an_empty_answer_is_never_sent_but_tried_again(house: House):
    model = ScriptedModel(script=["", "Hello.", "And you."])
    agent = make_foreign(house, create_agent(model, []))
    conversation = await agent.say("hi")
    [said] = await agent.said("say")
    assert "gave no answer" in said
    assert await house.one("SELECT count(*) FROM offers") == 1
    await house.rows("UPDATE messages SET state = 'running'")
    await agent.runner.turn(conversation)
    assert await agent.said() == ["Hello."]
    assert [message.type for message in model.seen[-1]] == ["human"]
    await agent.say("and?")
    assert [m.type for m in model.seen[-1]] == ["human", "ai", "human"]


async def test_after_an_empty_answer_the_next_message_is_taken(house: House):
    model = ScriptedModel(script=["", "Hello."])
    agent = make_foreign(house, create_agent(model, []))
    await agent.say("hi")
    await agent.say("hello?")
    assert refused_by_a_strict_server(model.seen[-1]) == ""
    assert await agent.said() == ["Hello."]


async def test_trying_again_is_offered_where_no_call_was_under_way(house: House):
    @tool
    async def look() -> str:
        """Look, or fail."""
        raise KeyError("a")

    model = ScriptedModel(script=[calls(("look", {})), KeyError("b")])
    agent = make_foreign(house, create_agent(model, [look]))
    await agent.say()
    [said] = await agent.said("say")
    assert "failed in `tools` (KeyError)" in said
    assert await house.one("SELECT count(*) FROM offers") == 0
    await agent.say("and now?")
    assert "failed in `model` (KeyError)" in (await agent.said("say"))[-1]
    assert await house.one("SELECT count(*) FROM offers") == 1


def remembering(shop: Shop) -> Any:
    """The shop's agent as a subgraph that keeps a history of its own."""
    shop.graph.checkpointer = True
    builder = StateGraph(MessagesState).add_node("worker", shop.graph)
    return builder.add_edge(START, "worker").compile()


async def test_a_subgraphs_own_history_is_mended_too(house: House):
    slow = {"pay": 0.0, "wipe": 0.5}
    shop = Shop(calls(PAY, WIPE), "Sorry.", "Yes.", mode="batched", after=slow)
    agent = make_foreign(house, remembering(shop))
    conversation = await agent.say()
    await approve_all(house, agent, conversation)
    await agent.say("and now?")
    assert shop.results()["c1"] == "paid"
    assert "failed (ConnectionError)" in shop.results()["c2"]
    await agent.say("are you there?")
    assert await agent.said() == ["Sorry.", "Yes."]
    assert shop.read  # and once more


@pytest.mark.parametrize("kept", [True, False])
async def test_after_a_rejected_call_the_next_message_is_taken(house: House, kept):
    shop = Shop(calls(PAY), "Fine.", "Yes.", mode="batched", after={"pay": 0})
    agent = make_foreign(house, remembering(shop) if kept else shop.graph)
    conversation = await agent.say()
    await house.click(MINA, await agent.request(conversation), REJECT)
    await agent.work()
    await agent.say("and now?")
    assert await agent.said() == ["Fine.", "Yes."]
    assert "did not run" in shop.results()["c1"]


class Plain(TypedDict):
    messages: list


@pytest.mark.parametrize("verdict", [APPROVE, REJECT])
async def test_a_list_without_a_reducer_begins_with_the_message(house: House, verdict):
    model = ScriptedModel(script=[calls(PAY), "Hello."])

    async def answer(state: Plain) -> dict[str, Any]:
        return {
            "messages": [*state["messages"], await model.ainvoke(state["messages"])]
        }

    def act(state: Plain) -> dict[str, Any]:
        if interrupt({"action": "pay"}) == "approve":
            raise ConnectionError
        return {"messages": [*state["messages"], AIMessage("I left it.")]}

    builder = StateGraph(Plain).add_node("model", answer).add_node("act", act)
    builder.add_edge(START, "model").add_conditional_edges(
        "model", lambda s: "act" if s["messages"][-1].tool_calls else "__end__"
    )
    agent = make_foreign(house, builder.compile())
    conversation = await agent.say()
    await house.click(MINA, await agent.request(conversation), verdict)
    await agent.work()
    await agent.say("hello?")
    assert [message.type for message in model.seen[-1]] == ["human"]
    assert (await agent.said())[-1] == "Hello."
