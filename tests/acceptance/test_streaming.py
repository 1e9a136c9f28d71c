"""People see at once that the agent works, and read its answer as it is written."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.bot_process import BotProcess
from tests.support.crash_table import OTHER, STREAM, USUAL_STREAM
from tests.support.crashes import DEATH, ORDER, let_leases_end, until
from tests.support.demo import GENERAL, RAVI
from tests.support.shown import Message, everything
from tests.support.stage import SHORTER, SIGNED, NewStage, Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
SLOW = SHORTER.replace("word=0.0001", "word=0.03")
NOTES = " ".join(f"word{number}" for number in range(60))
ALIVE = """SELECT count(*) FROM procrastinate_workers
WHERE last_heartbeat > now() - interval '1 min'"""
CUT_OFF = "The answer follows below"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(new_stage: NewStage) -> AsyncIterator[Stage]:
    async with new_stage(TIME_LIMITS=SLOW, FAULT_POINT=f"@{ORDER}") as made:
        made.put("notes.txt", NOTES)
        yield made


def streamed(stage: Stage, thread: str) -> list[Message]:
    """The bot's messages in a thread that have words of the file in them."""
    found = stage.said(GENERAL, thread)
    return [each for each in found if "word0" in everything(each)]


def calls(stage: Stage, method: str, thread: str) -> list[dict[str, object]]:
    made = [c.args for c in stage.simulator.calls if c.method == method and c.ok]
    return [args for args in made if args.get("thread_ts") == thread]


def statuses(stage: Stage, thread: str) -> list[object]:
    made = calls(stage, "assistant.threads.setStatus", thread)
    return [each["status"] for each in made]


async def test_an_answer_is_seen_to_grow_and_ends_whole(stage: Stage):
    thread = await stage.ask("read notes.txt")
    await stage.simulator.wait_for(
        lambda: stage.simulator.workspace.statuses.get((GENERAL, thread))
    )
    [begun] = await stage.simulator.wait_for(lambda: streamed(stage, thread))
    assert "word59" not in everything(begun)
    assert (GENERAL, begun["ts"]) in stage.simulator.workspace.streams
    await stage.simulator.wait_for(lambda: stage.answers(thread))
    [whole] = streamed(stage, thread)
    assert (whole["ts"], NOTES in everything(whole)) == (begun["ts"], True)
    assert len(stage.said(GENERAL, thread)) == 1
    assert whole["metadata"]["event_type"] == "approval_bot_delivery"
    [start] = calls(stage, "chat.startStream", thread)
    assert start["recipient_user_id"] == RAVI
    assert statuses(stage, thread)[0] == "is thinking…"
    await stage.simulator.wait_for(lambda: statuses(stage, thread)[-1] == "")


# All of the table: CRASHES=all
POINTS = STREAM if os.environ.get("CRASHES") == "all" else USUAL_STREAM


@pytest.mark.parametrize("point", POINTS)
async def test_another_replica_ends_what_a_dead_one_streamed(stage: Stage, point: str):
    while len(stage.bots) < 2:
        await stage.start_bot()
    (stage.folder / ORDER).write_text(point)
    thread = await stage.ask("read notes.txt")
    await until(lambda: any(map(is_dead, stage.bots)), DEATH)
    stage.bots[:] = [bot for bot in stage.bots if not is_dead(bot)]
    let_leases_end(stage)
    await until(lambda: stage.records.value(ALIVE))
    await stage.simulator.wait_for(lambda: stage.answers(thread), timeout=30)

    def is_tidy() -> bool:
        rest = [m for m in stage.said(GENERAL, thread) if SIGNED not in everything(m)]
        said = [CUT_OFF in everything(each) for each in rest]
        return said == ([True] if STREAM[point][1] == OTHER else [])

    await stage.simulator.wait_for(is_tidy)
    [answer] = stage.answers(thread)
    assert NOTES in answer
    assert not stage.simulator.workspace.streams


def is_dead(bot: BotProcess) -> bool:
    return bot.process is None or bot.process.returncode is not None


async def test_where_slack_ends_the_stream_the_answer_is_whole(stage: Stage):
    thread = await stage.ask("read notes.txt")
    await stage.simulator.wait_for(lambda: streamed(stage, thread))
    stage.simulator.workspace.end_streams()
    await stage.simulator.wait_for(lambda: stage.answers(thread))
    [answer] = stage.answers(thread)
    assert NOTES in answer
    assert len(stage.said(GENERAL, thread)) == 1
