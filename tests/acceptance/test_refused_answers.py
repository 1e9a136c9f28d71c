"""Slack refuses an answer or an edit: what was to be said is said all the same."""

from __future__ import annotations

import pytest

from bot.simulator.app_config import AppConfig
from tests.support.deciding import asked_to_delete
from tests.support.demo import APPROVALS, GENERAL, MAREK, MINA, OLAF, RAVI
from tests.support.root import ROOT
from tests.support.shown import everything
from tests.support.stage import NewStage, Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
SAYS = """
from langchain_core.messages import AIMessage
from langgraph.graph import END, START, MessagesState, StateGraph


def say(state):
    asked = state["messages"][-1].text
    if "headings" in asked:
        text = "\\n\\n".join(f"## Point {n}\\nSo it is." for n in range(60))
    else:
        code = "\\n".join(f"line {n}" for n in range(3_000))
        text = f"As asked:\\n\\n```text\\n{code}\\n```"
    return {"messages": [AIMessage(text)]}


builder = StateGraph(MessagesState)
builder.add_node("say", say)
builder.add_edge(START, "say")
builder.add_edge("say", END)
graph = builder.compile()
"""


@pytest.mark.parametrize("code", ["invalid_blocks", "msg_blocks_too_long"])
async def test_an_answer_with_refused_blocks_stands_once_as_text(
    shared: Stage, code: str
):
    name = f"{code}.txt"
    shared.put(name, "<!channel> *now*")
    faults = shared.simulator.faults
    faults.add("chat.startStream", "error", error="not_allowed", times=9)
    faults.add("chat.postMessage", "error", error=code)
    dm = shared.simulator.dm(OLAF)
    ts = await shared.ask(f"read {name}", OLAF, dm)
    answer = await shared.answer(dm, ts)
    await shared.rest()
    [said] = shared.said(dm, ts)
    assert "blocks" not in said
    assert "<!" not in answer
    assert "channel&gt; *now*" in answer


async def test_an_answer_for_a_read_only_channel_comes_directly(shared: Stage):
    file, card, ts = await asked_to_delete(shared, "read-only.txt")
    channel = shared.simulator.workspace.channels[GENERAL]
    channel.refuses_posts = "restricted_action_read_only_channel"
    dm = shared.simulator.dm(RAVI)
    before = len(shared.simulator.messages(dm))
    try:
        await shared.click(MINA, "approve", card)
        told = await shared.until(lambda: shared.simulator.messages(dm)[before:])
    finally:
        channel.refuses_posts = ""
    assert not file.exists()
    assert not shared.answers(ts)
    assert "deleted" in everything(told[0]).lower()
    assert "the thread where you asked" in everything(told[0])


async def test_the_outcome_of_a_frozen_card_stands_in_its_thread(shared: Stage):
    _, card, ts = await asked_to_delete(shared, "frozen.txt")
    await shared.until(lambda: shared.said(GENERAL, ts))
    channel = shared.simulator.workspace.channels[APPROVALS]
    channel.refuses_edits = "edit_window_closed"
    try:
        await shared.click(MINA, "approve", card)
        below = await shared.reply(APPROVALS, card["ts"], "Since then", "Approved")
        await shared.until(lambda: shared.answers(ts))
    finally:
        channel.refuses_edits = ""
    assert MINA in below
    await shared.until(lambda: "Approved" in shared.texts(ts)[0])


async def test_a_group_without_its_scope_hears_no_false_word(new_stage: NewStage):
    granted = AppConfig.read(ROOT / "manifest.yml").scopes or frozenset()
    async with new_stage(scopes=granted - {"mpim:history"}) as stage:
        stage.put("group.txt", "for the group")
        group = stage.simulator.workspace.open_group([RAVI, MAREK])
        dm = stage.simulator.dm(RAVI)
        before = len(stage.simulator.messages(dm))
        stage.simulator.faults.add("chat.postMessage", "cut_before")
        ts = await stage.ask("read group.txt", RAVI, group.id)
        assert "for the group" in await stage.answer(group.id, ts)
        await stage.rest()
        assert len(stage.said(group.id, ts)) == 1
        assert len(stage.simulator.messages(dm)) == before


async def test_long_answers_come_whole_and_in_order(new_stage: NewStage):
    async with new_stage(graph=SAYS) as stage:
        ts = await stage.ask("headings")
        await stage.until(lambda: "Point 59" in "".join(stage.texts(ts)))
        shown = [m["blocks"][0]["text"] for m in stage.said(GENERAL, ts)]
        headings = [
            line for line in "\n".join(shown).split("\n") if line.startswith("## ")
        ]
        assert headings == [f"## Point {n}" for n in range(60)]

        ts = await stage.ask("code")
        await stage.until(lambda: "line 2999" in "".join(stage.texts(ts)))
        shown = [m["blocks"][0]["text"] for m in stage.said(GENERAL, ts)]
        assert all(each.count("```") == 2 for each in shown)
        lines = [line for line in "\n".join(shown).split("\n") if "line " in line]
        assert lines == [f"line {n}" for n in range(3_000)]
