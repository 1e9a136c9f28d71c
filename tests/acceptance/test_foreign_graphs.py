"""Breakpoints, LangChain's agents, guarded tools: graph files of somebody else's."""

from __future__ import annotations

from tests.support.deciding import asked, filled_in, offered, opened
from tests.support.demo import APPROVALS, GENERAL, MINA, RAVI
from tests.support.foreign import let_time_pass, said_in
from tests.support.shown import buttons, everything
from tests.support.stage import POLICY, NewStage

STOPS = """
from langchain_core.messages import AIMessage
from langgraph.graph import START, MessagesState, StateGraph

def note(state):
    return {"messages": [AIMessage("noted")]}

def act(state):
    with open("ledger.txt", "a") as ledger:
        ledger.write("act\\n")
    return {"messages": [AIMessage("acted")]}

def last(state):
    return {"messages": [AIMessage("all is over")]}

inner = StateGraph(MessagesState).add_node(note).add_node(act)
inner = inner.add_edge(START, "note").add_edge("note", "act")
inner = inner.compile(interrupt_before=["note", "act"])
builder = StateGraph(MessagesState).add_node("inner", inner).add_node(last)
builder.add_edge(START, "inner").add_edge("inner", "last")
graph = builder.compile(interrupt_before=["last"])
"""
LANGCHAIN = """
import asyncio
import os
from pathlib import Path
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from agent.offline import OfflineModel
from agent.tools import make_tools

class Model(OfflineModel):
    async def _agenerate(self, messages, *given, **named):
        if messages[-1].type == "tool" and "hang.txt" in messages[-1].text:
            await asyncio.Event().wait()
        return await super()._agenerate(messages, *given, **named)

tools = make_tools(["files"], files_dir=Path(os.environ["FILES_DIR"]))
approval = HumanInTheLoopMiddleware({"delete_file": True, "write_file": {
    "allowed_decisions": ["approve", "reject"]}})
graph = create_agent(Model(), tools, middleware=[approval])
"""
GUARDED = """
import os
import time
from pathlib import Path
from langchain.agents import create_agent
from agent.gate import guard
from agent.offline import OfflineModel
from agent.tools import make_tools

tools = make_tools(["files"], files_dir=Path(os.environ["FILES_DIR"]))
graph = create_agent(OfflineModel(), [guard(tool) for tool in tools])
"""


async def test_static_breakpoints_run_on_or_stop_the_turn(new_stage: NewStage):
    async with new_stage(graph=STOPS) as stage:
        first, ts = await asked(stage, "go")
        assert "`note`" in everything(first)
        assert set(offered(first)) == {"reject", "history"}
        await stage.click(MINA, "approve", first)
        second = await stage.card(2)
        assert "`act`" in everything(second)
        assert stage.ledger == []
        await stage.restart()  # what waits at a breakpoint waits there still
        await stage.click(MINA, "approve", second)
        third = await stage.card(3)
        assert "`last`" in everything(third)
        assert stage.ledger == ["act"]
        await stage.click(MINA, "approve", third)
        await said_in(stage, ts, "all is over")

        for how, words in (("reject", "rejected, so I"), ("late", "This timed out")):
            card, ts = await asked(stage, "go")
            if how == "late":
                let_time_pass(stage)
            else:
                await stage.click(MINA, "reject", card)
            await said_in(stage, ts, words)
            cards = len(stage.cards())
            await stage.ask("go", thread_ts=ts)  # the breakpoint is given up
            assert "`note`" in everything(await stage.card(cards + 1))
        assert stage.ledger == ["act"]


async def test_a_batch_of_langchains_middleware(new_stage: NewStage):
    policy = POLICY.replace("[write_file]", "[nothing]")
    async with new_stage(graph=LANGCHAIN, policy=policy) as stage:
        kept, gone = stage.put("kept.txt"), stage.put("gone.txt")
        card, ts = await asked(stage, "delete kept.txt and delete gone.txt")
        assert dict(buttons(card)).keys() >= {"approve_all", "reject_all"}
        tokens = [value for action, value in buttons(card) if action == "approve"]
        first = "kept.txt" in everything(card).partition("gone.txt")[0]
        keep, drop = tokens if first else reversed(tokens)
        for action, token in (("approve", drop), ("reject", keep)):
            await stage.simulator.click(MINA, APPROVALS, card["ts"], action, token)
        answer = await stage.answer(GENERAL, ts)
        assert "rejected" in answer
        assert (kept.exists(), gone.exists()) == (True, False)

        other = stage.put("other.txt")
        card, ts = await asked(stage, "delete kept.txt")
        await filled_in(
            stage, MINA, await opened(stage, MINA, card, "edit"), path="other.txt"
        )
        await stage.simulator.wait_for(lambda: not other.exists())
        assert kept.exists()
        card, ts = await asked(stage, "write new.txt: hello")
        assert set(offered(card)) == {"reject", "history"}  # no edit there
        await stage.click(MINA, "approve", card)
        await stage.answer(GENERAL, ts)
        assert (stage.files / "new.txt").read_text() == "hello"
        done = "SELECT count(*) FROM grants WHERE state = 'done'"
        assert stage.records.value(done) == 3

        hung = stage.put("hang.txt")
        card, ts = await asked(stage, "delete hang.txt")
        await stage.click(MINA, "approve", card)
        await stage.simulator.wait_for(lambda: not hung.exists())
        await stage.simulator.post_message(RAVI, GENERAL, "stop", ts)
        await stage.reply(GENERAL, ts, "Stopped by")
        assert stage.records.value(done) == 4


async def test_a_guarded_tool_claims_its_own_grant(new_stage: NewStage):
    async with new_stage(graph=GUARDED) as stage:
        file = stage.put("guarded.txt", "what it says")
        ts = await stage.ask("read guarded.txt")  # waived by the policy: no card
        await said_in(stage, ts, "what it says")
        card, ts = await asked(stage, "delete guarded.txt")
        await stage.click(MINA, "approve", card)
        await stage.answer(GENERAL, ts)
        assert not file.exists()
        grants = stage.records.rows(
            "SELECT g.tool, g.rule, g.state, r.guarded, g.result IS NOT NULL"
            " FROM grants g LEFT JOIN requests r ON r.id = g.request_id ORDER BY 1"
        )
        assert grants == [
            ("delete_file", "deleting", "done", True, True),
            ("read_file", "reading", "done", None, True),
        ]
