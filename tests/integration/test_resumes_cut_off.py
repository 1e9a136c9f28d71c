"""A foreign graph's run dies at every point: nothing is lost, nothing happens twice."""

from __future__ import annotations

import psycopg
import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langgraph.graph import START, MessagesState, StateGraph

from bot.approvals.deadlines import expire_due
from bot.approvals.model import Execution, Status
from bot.conversations import runner as runner_module
from bot.conversations.engine import Engine
from bot.conversations.outcome import Settler
from bot.conversations.resume import Handover
from tests.support.agent_parts import crash_once
from tests.support.foreign_parts import Theirs, make_foreign
from tests.support.house import REJECT, House
from tests.support.people import MINA, OMAR

DONE, UNKNOWN = Execution.DONE, Execution.UNKNOWN


@pytest.mark.parametrize(
    ("owner", "name", "after", "ran", "execution"),
    [
        (runner_module.Runner, "_start_run", True, 1, DONE),
        (Handover, "claim", False, 1, DONE),
        (Handover, "claim", True, 0, UNKNOWN),
        (Engine, "resume", True, 1, DONE),
        (Settler, "settle", False, 1, DONE),
        (Settler, "settle", True, 1, DONE),
    ],
    ids=[
        "started",
        "before claim",
        "after claim",
        "after resume",
        "before settle",
        "after settle",
    ],
)
async def test_after_a_crashed_resume_the_graph_acts_at_most_once(
    house: House, monkeypatch, owner, name, after, ran, execution
):
    theirs = Theirs()
    agent = make_foreign(house, theirs.parallel("act"))
    conversation = await agent.say()
    await house.click(MINA, await agent.request(conversation))
    crash_once(monkeypatch, owner, name, after=after)
    await agent.work_through_a_crash()

    request = await agent.request(conversation)
    assert theirs.ran == ["act approve", "end"] * ran
    assert (request.status, request.end.execution) == (Status.APPROVED, execution)
    trail = await house.trail(request)
    assert trail.count("claimed") == 1
    if execution is DONE:
        assert await agent.said() == ["It is over."]
        assert await agent.states() == ["answered"]
    else:
        [said] = await agent.said("say")
        assert "unknown" in said
        assert "`act?`" in said
        assert trail[-1] == "unknown"
        assert await agent.states() == ["failed"]
    await agent.runner.resume(conversation)
    await agent.say("and now?")
    assert theirs.ran.count("act approve") == ran
    assert len(await agent.open_requests(conversation)) == 1


@pytest.mark.parametrize("owner", [Engine, Settler])
async def test_a_crash_after_a_no_tells_it_once(house: House, monkeypatch, owner):
    theirs = Theirs()
    agent = make_foreign(house, theirs.parallel("act"))
    conversation = await agent.say()
    await house.click(MINA, await agent.request(conversation), REJECT)
    name, after = ("resume", True) if owner is Engine else ("settle", False)
    crash_once(monkeypatch, owner, name, after=after)
    await agent.work_through_a_crash()
    assert theirs.ran == ["act reject", "end"]
    assert await agent.said() == ["It is over."]


async def test_two_answers_in_one_resume_survive_a_crash(house: House, monkeypatch):
    theirs = Theirs()
    agent = make_foreign(house, theirs.parallel("one", "two"))
    conversation = await agent.say()
    first, second = await agent.requests(conversation)
    await house.click(MINA, first)
    await house.click(OMAR, second, REJECT)
    crash_once(monkeypatch, Settler, "settle")
    await agent.work_through_a_crash()
    assert len(theirs.ran) == 3
    assert await agent.said() == ["It is over."]
    assert "not_run" not in await house.trail(second)
    assert (await house.request(first.id)).end.execution is DONE


async def test_what_else_waits_is_closed_where_the_end_is_unknown(
    house: House, monkeypatch
):
    """Its answer would let the graph run again what nobody knows about."""
    theirs = Theirs()
    agent = make_foreign(house, theirs.parallel("one", "two"))
    conversation = await agent.say()
    first, second = await agent.requests(conversation)
    await house.click(MINA, first)
    crash_once(monkeypatch, Handover, "claim", after=True)
    await agent.work_through_a_crash()
    assert (await house.request(first.id)).end.is_unknown
    assert (await house.request(second.id)).status is Status.ORPHANED
    assert theirs.ran == []
    calls = await house.rows("SELECT id FROM deliveries WHERE kind = 'call'")
    assert len(calls) == 1


async def test_partial_answers_run_at_once_and_the_others_stay(house: House):
    theirs = Theirs()
    agent = make_foreign(house, theirs.parallel("one", "two"))
    conversation = await agent.say()
    first, second = await agent.requests(conversation)
    await house.click(MINA, second)
    await agent.work()
    assert theirs.ran == [f"{second.call.tool} approve"]
    assert (await house.request(second.id)).end.execution is DONE
    assert (await house.request(first.id)).is_open
    await house.pass_time(days=2)
    await expire_due(house.pool, house.queue)
    await agent.work()
    assert theirs.ran[1:] == [f"{first.call.tool} timeout_reject", "end"]


async def test_two_decided_together_are_resumed_in_one_map(house: House, monkeypatch):
    theirs = Theirs()
    agent = make_foreign(house, theirs.parallel("one", "two"))
    conversation = await agent.say()
    for request in await agent.requests(conversation):
        await house.click(MINA, request)
    maps = []
    resume = Engine.resume

    async def noted(self, run, answers):
        maps.append(answers)
        return await resume(self, run, answers)

    monkeypatch.setattr(Engine, "resume", noted)
    await agent.work()
    assert [len(each) for each in maps] == [2]
    assert sorted(theirs.ran) == ["end", "one approve", "two approve"]


async def test_losing_the_database_after_the_claim_leaves_the_outcome_unknown(
    house: House, monkeypatch
):
    theirs = Theirs()
    agent = make_foreign(house, theirs.parallel("act"))
    conversation = await agent.say()
    await house.click(MINA, await agent.request(conversation))
    gone = psycopg.OperationalError("gone away")
    crash_once(monkeypatch, Engine, "resume", error=gone)
    with pytest.raises(psycopg.OperationalError):
        await agent.work()
    await agent.work()
    assert (await agent.request(conversation)).end.is_unknown
    assert theirs.ran == []


async def test_open_calls_are_ended_before_the_next_message(
    house: House,
):
    """Models refuse a history in which a call has no result."""
    seen: list[list[object]] = []

    def model(state: MessagesState):
        seen.append([*state["messages"]])
        if len(seen) == 1:
            call = {"name": "pay", "args": {"to": "Ada"}, "id": "c1"}
            return {"messages": [AIMessage("", tool_calls=[call])]}
        return {"messages": [AIMessage("Hello.")]}

    def broken(state: MessagesState):
        raise ValueError("no")

    builder = StateGraph(MessagesState).add_node(model).add_node(broken)
    builder.add_edge(START, "model")
    builder.add_conditional_edges(
        "model", lambda s: "broken" if s["messages"][-1].tool_calls else "__end__"
    )
    agent = make_foreign(house, builder.compile())
    await agent.say("pay Ada")
    await agent.say("hello?")
    assert await agent.said() == ["Hello."]
    kinds = [type(message) for message in seen[-1]]
    assert kinds == [HumanMessage, AIMessage, ToolMessage, HumanMessage]
    assert "failed (ValueError)" in seen[-1][2].text
