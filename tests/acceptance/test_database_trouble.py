"""The database is away: at the start, and later. The process lives, nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.demo import APPROVALS, GENERAL, MINA
from tests.support.proxy import PASSWORD, make_proxy
from tests.support.shown import buttons
from tests.support.stage import Stage, make_stage


@pytest.mark.parametrize("silent", [False, True], ids=["refuses", "never answers"])
async def test_the_start_waits_until_the_database_is_reachable(
    tmp_path: Path, empty_database: str, silent: bool
):
    async with (
        make_proxy(empty_database) as proxy,
        make_stage(tmp_path, proxy.url, "socket", start=False) as stage,
    ):
        if silent:
            await proxy.open()
            proxy.fall_silent()
        await stage.start_bot(wait=False)
        await waiting_for(stage, "database")
        assert (await stage.bot.get("/metrics"))[0] == 200
        await stage.logged("the database cannot be reached")
        if silent:
            proxy.speak()
        else:
            await proxy.open()
        await stage.bot.until_ready()
        stage.put("a.txt")
        ts = await stage.ask("list")

        assert "a.txt" in await stage.answer(GENERAL, ts)
        assert PASSWORD not in stage.bot.log
        assert "Traceback" not in stage.bot.log


async def test_a_database_that_goes_away_loses_nothing(tmp_path: Path, database: str):
    async with (
        make_proxy(database) as proxy,
        make_stage(tmp_path, proxy.url, "http", start=False) as stage,
    ):
        await proxy.open()
        await stage.start_bot()
        file = stage.put("a.txt")
        ts = await stage.ask("delete a.txt")
        card = await stage.card()
        await stage.reply(GENERAL, ts, "Waiting for")

        await proxy.close()
        await waiting_for(stage, "database")
        asked = await stage.ask("list")
        clicked = await stage.click(MINA, "approve", card)
        assert not clicked.acked  # so Slack tells the person that it did not work
        await proxy.open()
        await stage.bot.until_ready()
        await stage.send_again(asked)
        await stage.answer(GENERAL, asked, "a.txt")
        assert buttons(stage.message(APPROVALS, card["ts"]))
        await stage.click(MINA, "approve", card)
        await stage.answer(GENERAL, ts)

        assert not file.exists()
        assert PASSWORD not in stage.bot.log


async def waiting_for(stage: Stage, part: str) -> None:
    """Wait until `/readyz` names a part, with `/healthz` still well."""
    await stage.bot.until(503, part)
    assert (await stage.bot.get("/healthz"))[0] == 200
