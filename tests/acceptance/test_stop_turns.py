"""A turn is stopped from outside: by Slack's button, the notice's, or the word."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.demo import APPROVALS, GENERAL, MINA, RAVI
from tests.support.model_server import ModelServer, run_model_server, text
from tests.support.shown import buttons
from tests.support.stage import NewStage, Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_notices_stop_ends_turn_and_card(shared: Stage):
    file = shared.put("kept.txt")
    ts = await shared.ask("delete kept.txt")
    card = await shared.card_about("kept.txt")
    [notice] = await shared.simulator.wait_for(
        lambda: [m for m in shared.said(GENERAL, ts) if "stop_turn" in str(m)]
    )

    await shared.click(MINA, "stop_turn", notice)
    assert "Only the person who asked" in await shared.whisper(MINA)
    assert buttons(shared.message(APPROVALS, card["ts"]))
    await shared.click(RAVI, "stop_turn", notice)

    assert f"<@{RAVI}>" in await shared.reply(GENERAL, ts, "Stopped by")
    await shared.outcome(card, "Withdrawn")
    await shared.simulator.wait_for(
        lambda: not buttons(shared.message(GENERAL, notice["ts"]))
    )
    assert file.exists()
    assert shared.answers(ts) == []


async def test_the_word_alone_stops_what_waits(shared: Stage):
    shared.put("word.txt")
    ts = await shared.ask("delete word.txt")
    card = await shared.card_about("word.txt")

    await shared.simulator.post_message(RAVI, GENERAL, "Stop", ts)

    await shared.reply(GENERAL, ts, "Stopped by")
    await shared.outcome(card, "Withdrawn")
    shared.put("then.txt", "the thing after")
    await shared.ask("read then.txt", thread_ts=ts)
    await shared.answer(GENERAL, ts, "the thing after")
    assert len(shared.texts(ts, "Stopped by")) == 1


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def model() -> AsyncIterator[ModelServer]:
    async with run_model_server() as server:
        yield server


async def test_slacks_stop_reaches_whichever_replica_runs_it(
    model: ModelServer, new_stage: NewStage
):
    async with new_stage(**model.settings) as stage:
        await stage.start_bot()
        model.script(text("Too late."), text("And this is next."))
        model.hold()
        threads = [await stage.ask(f"think about {n}") for n in range(2)]
        await stage.simulator.wait_for(lambda: len(model.requests) == 2)

        for ts in threads:
            assert await stage.simulator.stop_agent(RAVI, GENERAL, ts)
        await stage.simulator.wait_for(lambda: model.left == 2)
        model.script(otherwise=lambda: text("This is next."))
        model.let_go()

        for ts in threads:
            await stage.reply(GENERAL, ts, "Stopped by")
            await stage.ask("and this?", thread_ts=ts)
            await stage.reply(GENERAL, ts, "This is next.")
            assert "Too late." not in str(stage.said(GENERAL, ts))
        assert "Stopped: a person" in everything_said(model)


def everything_said(model: ModelServer) -> str:
    return str(model.requests[-1]["messages"])
