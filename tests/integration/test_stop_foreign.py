"""Stop in a graph of somebody else's that carries out itself what was approved."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import interrupt

from agent.phrases.chat import STOPPED
from bot.approvals.model import Execution
from bot.approvals.run import LostRun, Run
from bot.conversations.graph_state import ends_in
from bot.conversations.outcome import Settler
from bot.conversations.resume import Handover, Refused
from bot.conversations.stop_and_retry import Stopper
from tests.support.agent_parts import Agent
from tests.support.agent_stand_ins import ScriptedModel, Slow, calls
from tests.support.foreign_parts import Theirs, make_foreign
from tests.support.house import House
from tests.support.people import APP, CHANNEL, MINA, RAVI, person

PAY, LOOK = ("pay", {"to": "Ada"}, "c1"), ("look", {"what": "b"}, "c2")


def results(status: Any) -> list[ToolMessage]:
    return [ToolMessage("paid", tool_call_id="c1", name="pay", status=status)]


async def stop(house: House) -> None:
    people, policies = house.people, house.policies
    stopper = Stopper(house.pool, people, policies, house.queue, lambda: APP)
    assert await stopper.stop_thread(person(RAVI), (CHANNEL, "100.1")) == ""


async def stopped_at(house: House, agent: Agent, slow: Slow) -> str:
    """Stop a resumed turn while something in it is slow, which then may end."""
    house.queue.announced.stopped = agent.runner.under_way.stop
    conversation = await agent.say()
    await house.click(MINA, await agent.request(conversation))
    resume = asyncio.create_task(agent.work())
    await slow.began.wait()
    await stop(house)
    assert "as soon as it has ended" in str(await house.told(RAVI))
    assert await agent.said("say") == []
    house.queue.announced.stopped(conversation)  # as the replica's listener does
    slow.may_end.set()
    await resume
    return conversation


class Till:
    """`create_agent` with an approval; the tool or the second model call is slow."""

    def __init__(self, slow: Slow, slow_part: str, mode: Any) -> None:
        self.ran: list[str] = []

        @tool
        async def pay(to: str) -> str:
            """Pay somebody."""
            if slow_part == "tool":
                await slow.work()
            self.ran.append(f"pay {to}")
            return "paid"

        @tool
        async def look(what: str) -> str:
            """Look at something without asking."""
            self.ran.append(f"look {what}")
            return "seen"

        class Model(ScriptedModel):
            async def _agenerate(self, *given: Any, **named: Any) -> Any:
                if slow_part == "model" and self.seen:
                    await slow.work()
                    await asyncio.Event().wait()  # until it is cancelled
                return await super()._agenerate(*given, **named)

        self.model = Model(script=[calls(PAY), calls(LOOK), "Too late."])
        approval = HumanInTheLoopMiddleware({"pay": True}, interrupt_mode=mode)
        self.graph = create_agent(self.model, [pay, look], middleware=[approval])


@pytest.mark.parametrize("mode", ["batched", "per_call"])
@pytest.mark.parametrize("slow_part", ["tool", "model"])
async def test_nothing_begins_behind_what_was_approved(
    house: House, slow_part: str, mode: str
):
    till = Till(slow := Slow(), slow_part, mode)
    agent = make_foreign(house, till.graph)

    conversation = await stopped_at(house, agent, slow)

    assert till.ran == ["pay Ada"]
    assert len(till.model.seen) == 1
    assert (await agent.request(conversation)).end.execution is Execution.DONE
    assert await agent.said("say") == [f"Stopped by <@{RAVI}>."]
    assert (await agent.said(), await agent.states()) == ([], ["failed"])
    assert {"stopped", "resumed", "ran"} <= {*await house.trail()}
    if slow_part == "tool":
        till.model.script[:] = ["Next."]
        await agent.say("and now?")
        assert STOPPED in till.model.seen[-1][-1].text
        assert await agent.said() == ["Next."]


async def test_a_stopped_graph_asks_nothing_more(house: House):
    """One that keeps no call's result goes on to its next question."""
    slow, theirs = Slow(), Theirs()

    async def act(state: MessagesState) -> dict[str, Any]:
        answer = interrupt({"action": "act", "question": "act?"})
        await slow.work()
        theirs.ran.append(f"act {answer}")
        return {"messages": [AIMessage("acted")]}

    builder = StateGraph(MessagesState).add_node(act)
    builder.add_node("more", theirs.node("more"))
    builder.add_edge(START, "act").add_edge("act", "more")
    agent = make_foreign(house, builder.compile())

    conversation = await stopped_at(house, agent, slow)

    assert theirs.ran == ["act approve"]
    assert (await agent.request(conversation)).end.execution is Execution.DONE
    assert await agent.said("say") == [f"Stopped by <@{RAVI}>."]


async def test_a_result_before_the_action_does_not_end_it(house: House):
    """A node asks and writes the call's result; the one behind it acts."""
    slow, ran = Slow(), list[str]()
    asks = {
        "action_request": {"action": "pay", "args": {"to": "Ada"}},
        "config": {f"allow_{how}": True for how in ("ignore", "accept")}
        | {f"allow_{how}": False for how in ("edit", "respond")},
    }

    async def model(state: MessagesState) -> dict[str, Any]:
        return {"messages": [calls(PAY)]}

    async def review(state: MessagesState) -> dict[str, Any]:
        interrupt(asks)
        return {"messages": results("success")}

    async def act(state: MessagesState) -> dict[str, Any]:
        await slow.work()
        ran.append("paid")
        return {"messages": [AIMessage("It is paid.")]}

    builder = StateGraph(MessagesState).add_sequence([model, review, act])
    agent = make_foreign(house, builder.add_edge(START, "model").compile())

    conversation = await stopped_at(house, agent, slow)

    assert ran == ["paid"]
    assert (await agent.request(conversation)).end.execution is Execution.DONE
    assert await agent.said() == ["It is paid."]


async def test_a_stopped_graph_that_comes_to_its_end_says_it(house: House):
    slow = Slow()

    async def act(state: MessagesState) -> dict[str, Any]:
        interrupt({"action": "act", "question": "act?"})
        await slow.work()
        return {"messages": [AIMessage("It is done.")]}

    graph = StateGraph(MessagesState).add_node(act).add_edge(START, "act").compile()
    agent = make_foreign(house, graph)

    await stopped_at(house, agent, slow)

    assert (await agent.said(), await agent.said("say")) == (["It is done."], [])
    stands = "SELECT stopping, stopped FROM conversations"
    assert await house.rows(stands) == [{"stopping": None, "stopped": False}]


async def test_a_question_beside_what_has_begun_is_withdrawn(house: House):
    slow, theirs = Slow(), Theirs()

    async def act(state: MessagesState) -> dict[str, Any]:
        interrupt({"action": "act", "question": "act?"})
        await slow.work()
        return {"messages": [AIMessage("acted")]}

    builder = StateGraph(MessagesState).add_node(act)
    builder.add_node("other", theirs.node("other"))
    builder.add_edge(START, "act").add_edge(START, "other")
    agent = make_foreign(house, builder.compile())
    house.queue.announced.stopped = agent.runner.under_way.stop
    conversation = await agent.say()
    by_tool = {r.call.tool: r for r in await agent.requests(conversation)}
    await house.click(MINA, by_tool["act"])
    resume = asyncio.create_task(agent.work())
    await slow.began.wait()

    await stop(house)
    assert (await house.request(by_tool["other"].id)).status == "withdrawn"
    slow.may_end.set()
    await resume

    assert theirs.ran == []
    assert (await house.request(by_tool["act"].id)).end.execution is Execution.DONE
    assert (await house.request(by_tool["other"].id)).status == "withdrawn"
    assert await agent.said("say") == [f"Stopped by <@{RAVI}>."]


@pytest.mark.parametrize("is_heard", [True, False])
async def test_a_crash_before_that_end_leaves_it_unknown(house: House, is_heard: bool):
    till = Till(slow := Slow(), "tool", "batched")
    agent = make_foreign(house, till.graph)
    conversation = await agent.say()
    await house.click(MINA, await agent.request(conversation))
    resume = asyncio.create_task(agent.work())
    await slow.began.wait()
    await stop(house)
    if is_heard:
        agent.runner.under_way.stop(conversation)
    resume.cancel()  # its process dies, or ends
    await asyncio.wait([resume])

    await agent.work()

    assert (await agent.request(conversation)).end.execution is Execution.UNKNOWN
    assert (till.ran, len(till.model.seen)) == ([], 1)
    stands = "SELECT stopping, stopped FROM conversations"
    assert await house.rows(stands) == [{"stopping": None, "stopped": True}]


async def test_a_stop_that_another_run_overtakes_ends_its_job(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    """Tried again, the job would replace the run that goes on."""
    till = Till(slow := Slow(), "tool", "batched")

    async def overtaken(self: Settler, run: Run, *_: Any, **__: Any) -> None:
        raise LostRun(run.conversation)

    monkeypatch.setattr(Settler, "fail", overtaken)
    await stopped_at(house, make_foreign(house, till.graph), slow)

    assert till.ran == ["pay Ada"]


async def test_an_answer_that_is_refused_after_a_stop_opens_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    """LangGraph has taken none of it, so what was claimed has not begun."""
    theirs = Theirs()
    agent = make_foreign(house, theirs.parallel("act"))
    conversation = await agent.say()
    await house.click(MINA, await agent.request(conversation))
    claim = Handover.claim

    async def refused(self: Handover, run: Run, batch: Any) -> None:
        await claim(self, run, batch)
        await stop(house)
        raise Refused("No.")

    monkeypatch.setattr(Handover, "claim", refused)
    await agent.work()

    closed = await agent.request(conversation)
    assert (closed.status, closed.end.execution) == ("orphaned", None)
    assert theirs.ran == []
    assert await agent.said("say") == [f"Stopped by <@{RAVI}>."]


async def test_a_claim_ends_with_the_result_of_its_own_call(house: House):
    """Some servers give a later call the id of an earlier one."""
    till = Till(Slow(), "", "per_call")
    agent = make_foreign(house, till.graph)
    request = await agent.request(await agent.say())
    human, asks = till.model.seen[0][0], calls(PAY)
    before = [human, calls(PAY), *results("success")]

    assert ends_in([request], [*before, human, asks]) == {}
    assert ends_in([request], [*before, human, asks, *results("error")]) == {
        request.id: Execution.FAILED
    }
    assert ends_in([request], [*before, human, calls(LOOK)]) == {}
