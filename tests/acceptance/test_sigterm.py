"""SIGTERM: red first, nothing new, to the next step, and gone in time."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.bot_process import BotProcess
from tests.support.crashes import until
from tests.support.deciding import asked, shows
from tests.support.demo import GENERAL, MINA
from tests.support.invariants import MARKS
from tests.support.model_server import ModelServer, call, calls, text
from tests.support.shown import buttons
from tests.support.stage import Stage, make_stage


@pytest.fixture
async def talking(
    model: ModelServer, tmp_path: Path, database: str
) -> AsyncIterator[Stage]:
    """A stage whose bot speaks to the model server."""
    async with make_stage(tmp_path, database, "socket", **model.settings) as made:
        yield made


def told_to_stop(bot: BotProcess) -> None:
    assert bot.process is not None
    bot.process.send_signal(signal.SIGTERM)


async def replaced(stage: Stage) -> BotProcess:
    """The stage's process, once there is another one beside it."""
    leaving = stage.bot
    await stage.start_bot()
    stage.bots.remove(leaving)
    return leaving


async def test_a_run_stops_between_steps_and_another_process_continues_it(
    talking: Stage, model: ModelServer
):
    stage = talking
    stage.put("here.txt")
    model.script(calls(call("list_files", {})), text("Just one file."))
    model.hold()
    ts = await stage.ask("what is there?")
    await stage.simulator.wait_for(lambda: model.requests)
    leaving = await replaced(stage)

    told_to_stop(leaving)
    await leaving.until(503, "the process is stopping")
    model.let_go()
    assert await leaving.stop() == 0
    await stage.reply(GENERAL, ts, "Just one file.")

    # what the first one had asked the model was not asked again
    assert len(model.requests) == 2
    assert model.requests[-1]["messages"][-1]["role"] == "tool"
    assert "Traceback" not in leaving.log


async def test_a_run_stopped_after_its_call_does_not_repeat_it(
    talking: Stage, model: ModelServer
):
    stage = talking
    file = stage.put("old.txt")
    model.script(calls(call("delete_file", {"path": "old.txt"})), text("It is gone."))
    ts = await stage.ask("tidy up")
    card = await stage.card()
    leaving = stage.bot
    model.hold()
    await stage.click(MINA, "approve", card)
    await stage.simulator.wait_for(lambda: len(model.requests) == 2)
    assert await replaced(stage) is leaving
    told_to_stop(leaving)
    await leaving.until(503, "the process is stopping")
    model.let_go()
    assert await leaving.stop() == 0

    await stage.reply(GENERAL, ts, "It is gone.")
    assert not file.exists()
    states = stage.records.rows("SELECT state FROM grants")
    assert states == [("done",)]


async def test_a_hanging_tool_does_not_keep_the_process_alive(zoo_alone: Stage):
    stage = zoo_alone
    card, _ = await asked(stage, "effect slow")
    await stage.click(MINA, "approve", card)
    await until(lambda: stage.ledger)
    await stage.outcome(card, "Approved")
    leaving = await replaced(stage)

    told_to_stop(leaving)
    await leaving.until(503, "the process is stopping")
    assert await leaving.stop() == 0  # within the 25 s that `stop` waits for it
    shown = await shows(stage, card, "Unknown")
    offered = {action for action, _ in buttons(shown)}
    assert offered == MARKS
    assert stage.ledger == ["begun slow"]
