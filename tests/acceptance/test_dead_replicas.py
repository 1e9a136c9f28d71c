"""A replica that dies is found; one that only seemed dead stops."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.bot_process import BotProcess
from tests.support.crashes import ORDER, died, let_leases_end, start_another, until
from tests.support.demo import GENERAL
from tests.support.invariants import wrong_in
from tests.support.model_server import ModelServer, call, calls, text
from tests.support.stage import Stage, make_stage

FOUND = 30  # seconds after which others have taken over what a dead replica ran
WRITTEN = """SELECT (SELECT count(*) FROM checkpoints),
  (SELECT count(*) FROM checkpoint_writes),
  (SELECT max(checkpoint_id) FROM checkpoints)"""


@pytest.fixture
async def talking(
    model: ModelServer, tmp_path: Path, database: str
) -> AsyncIterator[Stage]:
    """A stage whose bot speaks to the model server, with the time limits of people."""
    settings = model.settings | {"TIME_LIMITS": ""}
    async with make_stage(tmp_path, database, "socket", **settings) as made:
        yield made


def send(bot: BotProcess, number: signal.Signals) -> None:
    assert bot.process is not None
    bot.process.send_signal(number)


async def test_a_replica_that_only_seemed_dead_writes_no_checkpoint(
    talking: Stage, model: ModelServer
):
    stage = talking
    stage.put("here.txt")
    model.script(
        calls(call("write_file", {"path": "a.txt", "text": "late"}, "call_late")),
        text("Nothing to do."),
    )
    model.hold()
    ts = await stage.ask("what is there?")
    await stage.simulator.wait_for(lambda: model.requests)
    frozen = stage.bot
    send(frozen, signal.SIGSTOP)
    try:
        let_leases_end(stage)
        await stage.start_bot()
        stage.bots.remove(frozen)
        await stage.simulator.wait_for(lambda: len(model.requests) == 2)
        model.let_go()  # the frozen one's answer, too, lies ready in its socket
        await stage.reply(GENERAL, ts, "Nothing to do.")
        before = stage.records.rows(WRITTEN)
    finally:
        send(frozen, signal.SIGCONT)
    await until(lambda: "run replaced" in frozen.log)

    assert stage.records.rows(WRITTEN) == before
    assert not (stage.files / "a.txt").exists()
    assert len(stage.said(GENERAL, ts)) == 1
    await until(lambda: wrong_in(stage.records) == [])
    # it is a replica like any other again
    send(stage.bot, signal.SIGTERM)
    assert await stage.bots.pop().stop() == 0
    stage.bots.append(frozen)
    await stage.ask("hello again", thread_ts=ts)
    await stage.reply(GENERAL, ts, "I am done.")


async def test_a_dead_replicas_run_is_taken_over_within_30_seconds(
    talking: Stage, model: ModelServer
):
    """With the settings that people run with: nothing is shortened here."""
    stage = talking
    model.script(text("From the dead one."), text("From the living one."))
    model.hold()
    ts = await stage.ask("is anybody there?")
    await stage.simulator.wait_for(lambda: model.requests)
    dead = stage.bot
    await stage.start_bot()
    stage.bots.remove(dead)

    await dead.kill()
    await stage.simulator.wait_for(lambda: len(model.requests) == 2, timeout=FOUND)
    model.let_go()
    await stage.reply(GENERAL, ts, "From the living one.")
    assert len(stage.said(GENERAL, ts)) == 1


async def test_a_turn_that_died_before_its_start_goes_on_elsewhere(
    tmp_path: Path, database: str
):
    plug = {"FAULT_POINT": f"@{ORDER}"}
    async with make_stage(tmp_path, database, "socket", **plug) as stage:
        stage.put("here.txt", "it works")
        (stage.folder / ORDER).write_text("received")
        ts = await stage.ask("read here.txt")
        await died(stage)
        jobs = stage.records.rows("SELECT task_name, status FROM procrastinate_jobs")
        assert jobs == [("turn", "doing")]

        await start_another(stage)
        await stage.answer(GENERAL, ts, "it works")
        assert len(stage.said(GENERAL, ts)) == 1
