"""Two processes of the bot on one database: whoever does it, it is done once."""

from __future__ import annotations

import pytest
import pytest_asyncio

from tests.support.deciding import asked_to_delete
from tests.support.demo import GENERAL, MINA
from tests.support.shown import everything
from tests.support.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def stage(shared: Stage) -> Stage:
    """Two processes, whatever a test before has left."""
    if len(shared.bots) == 1:
        await shared.start_bot()
    await shared.simulator.wait_for(lambda: shared.simulator.sockets == 2)
    return shared


async def test_messages_at_once_are_each_answered_once(stage: Stage):
    for number in range(6):
        stage.put(f"many-{number}.txt", f"number {number}")

    asked = [await stage.ask(f"read many-{number}.txt") for number in range(6)]
    for number, ts in enumerate(asked):
        await stage.answer(GENERAL, ts, f"number {number}")
    await stage.rest()

    assert [len(stage.said(GENERAL, ts)) for ts in asked] == [1] * 6


async def test_one_process_ends_and_the_other_goes_on(stage: Stage):
    file, card, ts = await asked_to_delete(stage, "handed-over.txt")

    leaving = stage.bots.pop()
    assert await leaving.stop() == 0
    await stage.click(MINA, "approve", card)
    await stage.answer(GENERAL, ts)

    assert not file.exists()
    assert "Approved" in everything(await stage.outcome(card, "Approved"))
    assert "Traceback" not in stage.bot.log
