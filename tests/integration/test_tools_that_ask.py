"""Tools that ask, in one tool node: each call is a task of its own."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import pytest
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import InjectedToolCallId, tool
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import InjectedState, ToolNode, tools_condition
from langgraph.types import Command, interrupt

from bot.approvals.model import Execution, Status
from tests.support.agent_stand_ins import ScriptedModel, calls
from tests.support.foreign_parts import make_foreign, tool_loop
from tests.support.house import APPROVE, REJECT, House
from tests.support.people import MINA

PAY, WIPE, PEEK = ("pay", {"to": "Ada"}), ("wipe", {"path": "a"}), ("peek", {"at": "b"})


class State(MessagesState):
    noted: str


class Desk:
    """The tutorials' shape: a model, one tool node, and the model again."""

    def __init__(self, *script: Any) -> None:
        self.ran: list[str] = []
        self.model = ScriptedModel(script=[*script])

        @tool
        async def pay(to: str) -> str:
            """Pay somebody; asks late."""
            await asyncio.sleep(0.05)
            answer = interrupt({"action": "pay", "to": to})
            self.ran.append(f"pay {answer}")
            return f"paid {answer}"

        @tool
        def wipe(path: str) -> str:
            """Wipe a path."""
            answer = interrupt({"action": "wipe", "path": path})
            if path == "locked":
                raise PermissionError
            self.ran.append(f"wipe {answer}")
            return f"wiped {answer}"

        @tool
        def peek(
            at: str,
            state: Annotated[dict[str, Any], InjectedState],
            tool_call_id: Annotated[str, InjectedToolCallId],
        ) -> Command[Any]:
            """Look, and note it in the state."""
            self.ran.append(f"peek {len(state['messages'])}")
            seen = ToolMessage("seen", tool_call_id=tool_call_id)
            return Command(update={"noted": at, "messages": [seen]})

        tools = [pay, wipe, peek]
        builder = StateGraph(State).add_node("model", self.answer)
        builder.add_node("tools", ToolNode(tools)).add_edge("tools", "model")
        builder.add_edge(START, "model").add_conditional_edges("model", tools_condition)
        self.graph = builder.compile()

    async def answer(self, state: State) -> dict[str, Any]:
        return {"messages": [await self.model.ainvoke(state["messages"])]}

    def results(self) -> list[str]:
        read = self.model.seen[-1]
        return [m.text for m in read if isinstance(m, ToolMessage)]


@pytest.mark.parametrize("first", [0, 1])
async def test_calls_of_one_node_are_answered_each_and_run_once(house: House, first):
    desk = Desk(calls(PAY, WIPE, PEEK), "Done.")
    agent = make_foreign(house, desk.graph)
    conversation = await agent.say()
    assert desk.ran == ["peek 2"]
    asked = await agent.requests(conversation)
    assert sorted(request.call.tool for request in asked) == ["pay", "wipe"]
    for request in (asked[first], asked[1 - first]):
        verdict = APPROVE if request.call.tool == "pay" else REJECT
        await house.click(MINA, request, verdict)
        await agent.work()
    assert sorted(desk.ran) == ["pay approve", "peek 2", "wipe reject"]
    assert desk.results() == ["paid approve", "wiped reject", "seen"]
    assert await agent.said() == ["Done."]


async def test_answers_in_one_resume_reach_their_own_tools(house: House):
    desk = Desk(calls(PAY, WIPE), "Done.")
    agent = make_foreign(house, desk.graph)
    conversation = await agent.say()
    for request in await agent.requests(conversation):
        verdict = REJECT if request.call.tool == "pay" else APPROVE
        await house.click(MINA, request, verdict)
    await agent.work()
    assert desk.results() == ["paid reject", "wiped approve"]
    assert sorted(desk.ran) == ["pay reject", "wipe approve"]


async def test_of_two_answered_together_nobody_knows_which_failed(house: House):
    desk = Desk(calls(PAY, ("wipe", {"path": "locked"})), "Done.")
    agent = make_foreign(house, desk.graph)
    conversation = await agent.say()
    asked = await agent.requests(conversation)
    for request in asked:
        await house.click(MINA, request)
    await agent.work()
    assert desk.ran == ["pay approve"]
    ends = [(await house.request(each.id)).end.execution for each in asked]
    assert ends == [Execution.UNKNOWN, Execution.UNKNOWN]
    [said] = await agent.said("say")
    assert "failed in `wipe` (PermissionError)" in said
    assert "Unknown whether it ran: `pay` and `wipe`." in said


async def test_guarded_tools_share_a_tool_node(house: House):
    ran: list[str] = []

    @tool
    async def wipe(path: str) -> str:
        """Wipe a path."""
        ran.append(path)
        return f"wiped {path}"

    model = ScriptedModel(
        script=[calls(("wipe", {"path": "a"}), ("wipe", {"path": "b"})), "Done."]
    )

    agent = make_foreign(house, tool_loop(model, wipe))
    conversation = await agent.say()
    one, two = await agent.requests(conversation)
    await house.click(MINA, two, REJECT)
    await agent.work()
    assert ran == []
    await house.click(MINA, one)
    await agent.work()
    assert ran == [one.call.arguments["path"]]
    assert (await house.request(two.id)).status is Status.REJECTED
    assert await agent.said() == ["Done."]


async def test_a_tool_node_whose_state_is_a_list_of_messages(house: House):
    desk = Desk(calls(PAY, WIPE))
    node = next(n.bound for n in desk.graph.nodes.values() if _is_tools(n.bound))
    make_foreign(house, desk.graph)
    asked = [HumanMessage("go"), desk.model.script.pop()]

    async def tools(state: MessagesState) -> dict[str, Any]:
        return {"messages": await node.ainvoke(asked)}

    builder = StateGraph(MessagesState).add_node(tools).add_edge(START, "tools")
    agent = make_foreign(house, builder.compile())
    conversation = await agent.say()
    for request in await agent.requests(conversation):
        await house.click(MINA, request)
    await agent.work()
    assert sorted(desk.ran) == ["pay approve", "wipe approve"]


async def test_a_sync_node_that_calls_a_tool_node_asks_apart(house: House):
    ran: list[str] = []

    @tool
    def wipe(path: str) -> str:
        """Wipe a path."""
        answer = interrupt({"action": "wipe", "path": path})
        ran.append(f"{path} {answer}")
        return f"wiped {path}"

    two = calls(("wipe", {"path": "a"}, "1"), ("wipe", {"path": "b"}, "2"))
    node = ToolNode([wipe])

    def tools(state: MessagesState) -> Any:
        return node.invoke({"messages": [two]})

    builder = StateGraph(MessagesState).add_node(tools).add_edge(START, "tools")
    agent = make_foreign(house, builder.compile())
    conversation = await agent.say()
    for request in await agent.requests(conversation):
        is_first = request.call.arguments["path"] == "a"
        await house.click(MINA, request, APPROVE if is_first else REJECT)
        await agent.work()
    assert sorted(ran) == ["a approve", "b reject"]
    assert await agent.said("say") == []


def _is_tools(node: Any) -> bool:
    return isinstance(node, ToolNode)
