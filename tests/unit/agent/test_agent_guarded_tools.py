"""A tool that `guard` has put behind the gate, in graphs of others."""

from __future__ import annotations

from typing import Annotated

import pytest
from langchain.agents import create_agent
from langchain_core.tools import BaseTool, StructuredTool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from langgraph.prebuilt import InjectedState, ToolNode
from langgraph.types import Command
from pydantic import BaseModel

from agent.gate import Gate, guard
from agent.grant_protocol import MemoryGrants
from agent.graph import State
from tests.support.agent_stand_ins import Ledger, ScriptedModel, calls
from tests.support.gated_call import ASK, CONFIG, call


async def test_a_guarded_tool_asks_in_a_graph_of_langchain():
    ledger, grants = Ledger(), MemoryGrants(ask=ASK)
    guarded = [guard(t, Gate(grants)) for t in ledger.tools]
    model = ScriptedModel(
        script=[
            calls(("peek", {"path": "s"}, "S"), ("wipe", {"path": "a"}, "A")),
            "Done.",
        ]
    )
    agent = create_agent(model, guarded, checkpointer=InMemorySaver())
    await agent.ainvoke({"messages": [("human", "go")]}, CONFIG)
    (pending,) = (await agent.aget_state(CONFIG)).interrupts
    assert ledger.runs == ["peek s"]
    assert pending.value["type"] == "tool_approval"

    grants.approve("t1", "A")
    resume = Command(resume={pending.id: {"type": "approve"}})
    done = await agent.ainvoke(resume, CONFIG)

    assert ledger.runs == ["peek s", "wipe a"]
    assert done["messages"][-1].text == "Done."


async def test_mixed_up_answers_run_nothing_unapproved():
    ledger, grants = Ledger(), MemoryGrants(ask=frozenset({"wipe", "peek"}))
    node = ToolNode([guard(t, Gate(grants)) for t in ledger.tools])
    builder = StateGraph(State)
    builder.add_node("tools", node)
    builder.add_edge(START, "tools")
    graph = builder.compile(checkpointer=InMemorySaver())
    both = calls(("peek", {"path": "s"}, "S"), ("wipe", {"path": "a"}, "A"))
    await graph.ainvoke({"messages": [both]}, CONFIG)

    for _ in range(2):
        for pending in (await graph.aget_state(CONFIG)).interrupts:
            if (call_id := pending.value["tool_call_id"]) == "S":
                grants.approve("t1", call_id)
            kind = "approve" if call_id == "S" else "reject"
            resume = Command(resume={pending.id: {"type": kind}})
            await graph.ainvoke(resume, CONFIG)

    assert "wipe a" not in ledger.runs


async def test_a_guarded_tool_looks_the_same_and_runs_only_guarded():
    ledger = Ledger()
    inner = ledger.tool("wipe")
    guarded = guard(inner, Gate(MemoryGrants()))

    assert guarded.name == inner.name
    assert guarded.description == inner.description
    assert guarded.args == inner.args
    with pytest.raises(ValueError, match="whole ToolCall"):
        await guarded.ainvoke({"path": "a"})
    with pytest.raises(ValueError, match="whole ToolCall"):
        await guarded.ainvoke("a")
    with pytest.raises(NotImplementedError, match="use ainvoke"):
        guarded.invoke({"path": "a"})
    with pytest.raises(NotImplementedError, match="use ainvoke"):
        await guarded.arun({"path": "a"})
    assert ledger.runs == []


async def test_a_guarded_tool_runs_in_the_config_of_its_caller():
    ledger = Ledger()
    guarded = guard(ledger.tool("peek"), Gate(MemoryGrants()))

    message = await guarded.ainvoke(call("peek"), CONFIG)

    assert message.text == "peek did a"


def test_a_tool_without_its_own_schema_keeps_its_arguments():
    class Bare(BaseTool):
        name: str = "bare"
        description: str = "b"

        def _run(self, path: str) -> str:
            return path

    bare = Bare()
    assert bare.args_schema is None
    assert guard(bare).args == bare.args


async def test_a_guarded_tool_without_a_gate_runs_nothing():
    ledger = Ledger()
    alone = guard(ledger.tool("wipe"))
    call = {"type": "tool_call", "name": "wipe", "args": {"path": "a"}, "id": "1"}
    with pytest.raises(RuntimeError, match="nobody serves its graph"):
        await alone.ainvoke(call)
    assert ledger.runs == []


def test_a_tool_that_takes_state_cannot_be_guarded():
    class Args(BaseModel):
        path: str
        state: Annotated[dict, InjectedState]

    stateful = StructuredTool.from_function(
        func=lambda path, state: path,
        name="stateful",
        description="s",
        args_schema=Args,
    )

    with pytest.raises(ValueError, match="state would be injected"):
        guard(stateful, Gate(MemoryGrants()))
