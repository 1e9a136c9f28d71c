"""Try again for a graph of somebody else's: only where nothing can happen twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support.deciding import asked
from tests.support.demo import GENERAL, MAREK, MINA, RAVI
from tests.support.policies import policy_text
from tests.support.shown import buttons
from tests.support.stage import NewStage, Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
AGAIN = "try_again"
POLICY = policy_text(
    defaults="{channel: C0APPROVAL, stages: [{approvers: managers}]}",
    approvers={"managers": (MINA, MAREK)},
    interrupts="{answers: words}",
)
GRAPH = '''
"""Fails as long as a file stands there, before or after its question."""
from pathlib import Path

from langchain_core.messages import AIMessage
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import interrupt


def begin(state):
    write("begin")


def work(state):
    if "ask" in state["messages"][-1].text:
        write(f"answer {interrupt('May I?')}")
    if Path("broken").exists():
        raise ValueError("secret detail")
    return {"messages": [AIMessage("It works.")]}


def write(line):
    with Path("ledger.txt").open("a") as ledger:
        ledger.write(line + "\\n")


builder = StateGraph(MessagesState)
builder.add_node("begin", begin)
builder.add_node("work", work)
builder.add_edge(START, "begin")
builder.add_edge("begin", "work")
builder.add_edge("work", END)
graph = builder.compile()
'''


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def broken(new_stage: NewStage) -> AsyncIterator[Stage]:
    """A bot that serves that graph."""
    async with new_stage(policy=POLICY, graph=GRAPH) as made:
        yield made


def switch(stage: Stage) -> Path:
    return stage.folder / "broken"


async def test_a_graph_that_asked_nothing_retries_from_where_it_failed(
    broken: Stage,
):
    switch(broken).touch()
    ts = await broken.ask("work")
    await broken.reply(GENERAL, ts, "own code")
    [told] = broken.said(GENERAL, ts)
    before = broken.ledger

    await broken.click(RAVI, AGAIN, told)
    await broken.simulator.wait_for(lambda: len(broken.said(GENERAL, ts)) == 2)
    switch(broken).unlink()
    await broken.click(RAVI, AGAIN, broken.said(GENERAL, ts)[1])

    await broken.reply(GENERAL, ts, "It works.")
    assert broken.ledger == before  # what came before the failure is not repeated
    assert "secret detail" not in str(broken.said(GENERAL, ts))


async def test_a_graph_that_took_an_answer_offers_no_try_again(broken: Stage):
    switch(broken).touch()
    card, ts = await asked(broken, "ask first")
    await broken.click(MINA, "approve", card)
    await broken.reply(GENERAL, ts, "own code")
    switch(broken).unlink()

    assert [m for m in broken.said(GENERAL, ts) if AGAIN in dict(buttons(m))] == []
    assert broken.ledger[-1] == "answer approve"
    assert broken.records.rows("SELECT * FROM offers WHERE taken_at IS NULL") == []
