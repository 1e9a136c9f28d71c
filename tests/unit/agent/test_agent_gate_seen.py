"""The gate: what a call names is looked at when people are asked."""

from __future__ import annotations

from dataclasses import replace

import pytest
from langgraph.types import Command

from agent.gate import Approved, SeeingTool, approved_for, read_decision
from agent.grant_protocol import MemoryGrants
from tests.support.agent_stand_ins import Ledger
from tests.support.gated_call import ASK, CONFIG, Asked


@pytest.mark.parametrize("seen", ["x", ["x"], 1, None])
def test_what_was_seen_is_a_mapping_or_nothing(seen):
    assert read_decision({"type": "approve", "seen": seen}, "wipe") == Approved()


class Watched:
    """A tool that says what its path names, and notes what it was approved for."""

    def __init__(self) -> None:
        self.names = "first"
        self.looks = 0
        self.ran_for: list[object] = []

    @property
    def tool(self) -> SeeingTool:
        async def look(args):
            self.looks += 1
            return {args["path"]: self.names}

        async def wipe(path: str) -> str:
            """Wipe a path."""
            self.ran_for.append(approved_for.get())
            return f"wiped {path}"

        return SeeingTool.from_function(coroutine=wipe, name="wipe", look=look)


async def test_what_was_seen_with_the_question_reaches_the_tool():
    watched, grants = Watched(), MemoryGrants(ask=ASK)
    asked = Asked(grants, watched.tool)
    pending = await asked.ask()
    assert pending.value["seen"] == {"a": "first"}
    watched.names = "second"
    grants.approve("t1", "A")
    answer = {"type": "approve", "seen": pending.value["seen"]}
    await asked.graph.ainvoke(Command(resume={pending.id: answer}), CONFIG)
    assert watched.ran_for == [{"a": "first"}]
    assert approved_for.get() is None


async def test_what_the_claim_says_goes_before_what_the_answer_says():
    class Kept(MemoryGrants):
        async def claim(self, call, ruling):
            return replace(await super().claim(call, ruling), seen={"a": "kept"})

    watched, grants = Watched(), Kept(ask=ASK)
    asked = Asked(grants, watched.tool)
    pending = await asked.ask()
    grants.approve("t1", "A")
    answer = {"type": "approve", "seen": {"a": "told"}}
    await asked.graph.ainvoke(Command(resume={pending.id: answer}), CONFIG)
    assert watched.ran_for == [{"a": "kept"}]


async def test_a_call_asked_about_is_not_looked_at_again():
    class Kept(MemoryGrants):
        async def open(self, call):
            return replace(await super().open(call), is_asked=watched.looks > 0)

    watched, grants = Watched(), Kept(ask=ASK)
    asked = Asked(grants, watched.tool)
    pending = await asked.ask()
    grants.approve("t1", "A")
    answer = {"type": "approve", "seen": pending.value["seen"]}
    await asked.graph.ainvoke(Command(resume={pending.id: answer}), CONFIG)
    assert (watched.looks, watched.ran_for) == (1, [{"a": "first"}])


async def test_a_tool_that_cannot_say_asks_without():
    pending = await Asked(MemoryGrants(ask=ASK), Ledger().tool("wipe")).ask()
    assert "seen" not in pending.value
    assert pending.value["name"] == "wipe"
    assert pending.value["args"] == {"path": "a"}
