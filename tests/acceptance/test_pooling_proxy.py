"""The bot behind PgBouncer with transaction pooling: nothing rests on a session."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from tests.support.deciding import asked
from tests.support.demo import GENERAL, MINA
from tests.support.pgbouncer import PROGRAM, pooled
from tests.support.shown import everything
from tests.support.stage import Stage, make_stage

IN_CI = os.environ.get("CI") == "true"  # where it has to run: without it, it fails
pytestmark = pytest.mark.skipif(
    PROGRAM is None and not IN_CI, reason="pgbouncer is not installed"
)


async def test_requests_are_decided_once_through_a_pooling_proxy(
    tmp_path: Path, empty_database: str
):
    with pooled(empty_database) as url:
        async with make_stage(tmp_path, url, "http") as stage:
            names = [f"{number}.txt" for number in range(4)]
            for name in names:
                stage.put(name)
            threads = [(await asked(stage, f"delete {name}"))[1] for name in names]

            clicks = [stage.click(MINA, "approve", card) for card in stage.cards()]
            taken = await asyncio.gather(*clicks)
            for ts in threads:
                await stage.answer(GENERAL, ts)
            await stage.simulator.wait_for(lambda: not open_cards(stage), timeout=30)

            assert all(click.acked for click in taken)
            assert not list(stage.files.glob("*.txt"))
            assert len(stage.cards()) == len(names)
            claims = "SELECT count(*) FROM audit WHERE event = 'claimed'"
            assert stage.records.value(claims) == len(names)
            assert "Traceback" not in stage.bot.log


async def test_several_start_at_once_on_an_empty_database(
    tmp_path: Path, empty_database: str
):
    with pooled(empty_database) as url:
        async with make_stage(tmp_path, url, "socket", start=False) as stage:
            await asyncio.gather(*(stage.start_bot() for _ in range(2)))
            stage.put("a.txt", "it works")
            ts = await stage.ask("read a.txt")
            await stage.answer(GENERAL, ts, "it works")
            await stage.start_bot()  # a third one waits for nothing


def open_cards(stage: Stage) -> list[str]:
    return [text for card in stage.cards() if "Approved" not in (text := shown(card))]


def shown(card: dict) -> str:
    return everything(card)
