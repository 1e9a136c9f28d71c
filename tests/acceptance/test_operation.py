"""The operator's view: health, metrics, memory, an orderly end."""

from __future__ import annotations

import psutil
import pytest

from tests.support.demo import GENERAL, MINA
from tests.support.stage import Stage

MEMORY = 250 * 1024 * 1024  # bytes


async def test_health_readiness_and_metrics_say_how_it_is(socket_stage: Stage):
    stage = socket_stage
    stage.put("a.txt")
    await stage.ask("delete a.txt")
    card = await stage.card()
    assert await stage.bot.get("/healthz") == (200, "ok\n")
    assert await stage.bot.get("/readyz") == (200, "ok\n")
    waiting = (await stage.bot.get("/metrics"))[1]

    await stage.click(MINA, "approve", card)
    await stage.outcome(card, "Approved")
    done = (await stage.bot.get("/metrics"))[1]

    assert "approval_bot_up 1.0" in done
    assert 'approval_bot_requests{state="pending"} 1.0' in waiting
    assert 'approval_bot_requests{state="approved"} 1.0' in done
    assert (await stage.bot.get("/nowhere"))[0] == 404
    assert (await stage.bot.get("/"))[0] == 404  # the simulator's page is not here
    assert " warning " not in stage.bot.log
    assert " error " not in stage.bot.log


async def test_without_its_socket_the_bot_is_not_ready(socket_stage: Stage):
    stage = socket_stage
    stage.simulator.faults.add("apps.connections.open", "server_error", times=2)

    await stage.simulator.disconnect("link_disabled")
    await stage.bot.until(503, "no socket to Slack is open")
    assert (await stage.bot.get("/healthz"))[0] == 200
    await stage.bot.until_ready()
    stage.put("a.txt")
    ts = await stage.ask("list")

    await stage.answer(GENERAL, ts, "a.txt")
    assert "Traceback" not in stage.bot.log


@pytest.mark.parametrize("transport", ["socket"])
async def test_the_process_stays_small_and_ends_in_order(fresh_stage: Stage):
    stage = fresh_stage
    for number in range(8):
        stage.put(f"{number}.txt")
    threads = [await stage.ask(f"read {number}.txt") for number in range(8)]
    for ts in threads:
        await stage.answer(GENERAL, ts)

    memory = psutil.Process(stage.bot.pid).memory_info().rss
    assert await stage.bot.stop() == 0

    assert memory < MEMORY, f"{memory / 1024 / 1024:.0f} MB"
    assert "Traceback" not in stage.bot.log
    assert not stage.records.connections()


async def test_a_stop_in_the_middle_of_the_work_loses_nothing(socket_stage: Stage):
    stage = socket_stage
    file = stage.put("a.txt")
    ts = await stage.ask("delete a.txt")
    card = await stage.card()

    clicked = await stage.click(MINA, "approve", card)
    assert await stage.bot.stop() == 0
    stage.bots.clear()
    await stage.start_bot()

    assert clicked.acked
    await stage.answer(GENERAL, ts, "a.txt")
    await stage.outcome(card, "Approved")
    assert not file.exists()
