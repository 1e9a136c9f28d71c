"""Two and four replicas on one database: whoever does it, it is done once, in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.simulator import ClickResult
from tests.support.asking_graph import POLICY as ASKING_POLICY
from tests.support.balancer import balanced
from tests.support.crashes import until
from tests.support.deciding import asked_to_delete, request_of
from tests.support.demo import GENERAL, MAREK, MINA, OLAF, RAVI
from tests.support.foreign import said_in
from tests.support.invariants import wrong_in, wrong_in_slack
from tests.support.shown import Message
from tests.support.stage import Stage, make_stage

PEOPLE = (MINA, MAREK, OLAF, RAVI)
#: Notes when each message is begun and ended; one that says so waits for a file.
WORKER = '''
"""Works on one message after the other."""
import time
from pathlib import Path

from langchain_core.messages import AIMessage
from langgraph.graph import END, START, MessagesState, StateGraph


def note(line):
    with open("ledger.txt", "a") as ledger:
        ledger.write(line + "\\n")


def work(state):
    text = state["messages"][-1].text
    note(f"begin {text}")
    while "slow" in text and not Path("go").exists():
        time.sleep(0.05)
    note(f"end {text}")
    return {"messages": [AIMessage(f"did {text}")]}


builder = StateGraph(MessagesState).add_node(work).add_edge(START, "work")
graph = builder.add_edge("work", END).compile()
'''


@pytest.fixture
async def several(
    tmp_path: Path, database: str, transport: str, replicas: int
) -> AsyncIterator[Stage]:
    """Replicas of the bot, for each transport."""
    async with (
        make_stage(tmp_path, database, transport, start=False, ack=15.0) as made,
        balanced(made, replicas),
    ):
        yield made


@pytest.fixture
async def workers(tmp_path: Path, database: str) -> AsyncIterator[Stage]:
    """Two replicas that serve the graph above."""
    setting = {"policy": ASKING_POLICY, "graph": WORKER}
    async with (
        make_stage(tmp_path, database, "socket", start=False, **setting) as made,
        balanced(made, 2),
    ):
        yield made


@pytest.mark.parametrize(("transport", "replicas"), [("socket", 2), ("http", 4)])
async def test_one_of_forty_clicks_decides_and_the_others_are_answered(
    several: Stage,
):
    stage = several
    file, card, ts = await asked_to_delete(stage, "raced.txt")
    results = await asyncio.gather(*clicks(stage, card))
    await stage.answer(GENERAL, ts)

    assert len(results) == 40
    assert all(result.acked for result in results)
    [(_, verdict)] = stage.records.decisions(request_of(card))
    assert file.exists() is (verdict != "approve")
    answered = len(results) - 1
    await stage.simulator.wait_for(lambda: whispers(stage) >= answered)
    await until(lambda: wrong_in(stage.records) == [])
    assert whispers(stage) == answered
    assert wrong_in_slack(stage) == []


def clicks(stage: Stage, card: Message) -> list[asyncio.Task[ClickResult]]:
    """Ten words of each of four people, by turns."""
    words = [
        (user, action)
        for number in range(5)
        for user in PEOPLE
        for action in (("approve", "reject"), ("reject", "approve"))[number % 2]
    ]
    return [asyncio.create_task(stage.click(*word, card)) for word in words]


def whispers(stage: Stage) -> int:
    return sum(len(stage.whispers(user)) for user in PEOPLE)


async def test_each_conversation_runs_in_order_without_waiting_for_others(
    workers: Stage,
):
    stage = workers
    threads = [await stage.ask(f"c{n} 1{' slow' * (n == 0)}") for n in range(6)]
    for message in (1, 2, 3):
        for number, ts in enumerate(threads if message > 1 else ()):
            await stage.ask(f"c{number} {message}", thread_ts=ts)
        # events can overtake each other, as long as no run has begun with the later one
        await until(lambda n=6 * message: arrived(stage) == n)
    for number, ts in [*enumerate(threads)][1:]:
        await said_in(stage, ts, f"did c{number} 3")
    assert [line for line in stage.ledger if "c0" in line] == ["begin c0 1 slow"]

    (stage.folder / "go").touch()
    for number, ts in enumerate(threads):
        for message in (1, 2, 3):  # a slow call of Slack lets a later answer pass
            await said_in(stage, ts, f"did c{number} {message}")
        slow = " slow" * (number == 0)
        said = [f"c{number} 1{slow}", f"c{number} 2", f"c{number} 3"]
        own = [line for line in stage.ledger if f" c{number} " in line]
        assert own == [f"{word} {text}" for text in said for word in ("begin", "end")]
        assert len(stage.said(GENERAL, ts)) == 3


def arrived(stage: Stage) -> int:
    return stage.records.value("SELECT count(*) FROM messages")
