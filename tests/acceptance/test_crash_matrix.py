"""The plug is pulled at every step of a request's life, whatever becomes of it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bot.base.faults import POINTS
from tests.support import crash_table
from tests.support.asking_graph import POLICY as ASKING_POLICY
from tests.support.bot_process import run_command
from tests.support.crash_table import STREAM, WHERE, Cell, cells, usual
from tests.support.crashes import (
    FOREIGN,
    ORDER,
    Life,
    died,
    make_book,
    start_another,
)
from tests.support.deciding import SANDBOX, asked, transfers
from tests.support.demo import GENERAL, MINA
from tests.support.invariants import wrong_in, wrong_in_slack
from tests.support.stage import NewStage, Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")


# All of the table takes some minutes: CRASHES=all
CELLS = cells if os.environ.get("CRASHES") == "all" else usual


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shipped(new_stage: NewStage) -> AsyncIterator[Stage]:
    async with new_stage(FAULT_POINT=f"@{ORDER}", **SANDBOX) as made:
        make_book(made)
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def foreign(new_stage: NewStage) -> AsyncIterator[Stage]:
    theirs = {"policy": ASKING_POLICY, "graph": FOREIGN}
    async with new_stage(FAULT_POINT=f"@{ORDER}", **theirs) as made:
        yield made


@pytest.mark.parametrize("cell", CELLS("shipped"), ids=lambda cell: cell.name)
async def test_the_shipped_agent_survives_its_death(shipped: Stage, cell: Cell):
    await dies_and_lives_on(shipped, cell)


@pytest.mark.parametrize("cell", CELLS("foreign"), ids=lambda cell: cell.name)
async def test_a_foreign_graph_survives_its_death(foreign: Stage, cell: Cell):
    await dies_and_lives_on(foreign, cell)


async def dies_and_lives_on(stage: Stage, cell: Cell) -> None:
    life = Life(stage, cell)
    await life.run()
    request = life.request()
    assert life.effects() == cell.effects
    assert request["status"] == cell.status
    assert len(life.last_words()) == 1, life.last_words()
    assert ("unknown" in life.last_words()[0].lower()) is cell.is_unknown
    assert request["state"] == state_of(cell)
    assert request["trail"] == trail_of(cell)
    # the dead process's job is found by its silence, when its messages may be long out
    await stage.simulator.wait_for(lambda: wrong_in(stage.records) == [], timeout=30)
    assert wrong_in_slack(stage) == []
    assert "Traceback" not in stage.bot.log


async def test_a_death_amid_approve_all_leaves_the_others_open(shipped: Stage):
    words = "transfer 71 GBP to alice and transfer 72 GBP to alice"
    card, thread = await asked(shipped, words, "71.00")
    statuses = """SELECT status FROM requests r JOIN conversations c
        ON c.id = r.conversation_id WHERE c.thread_ts = %s ORDER BY r.status"""
    query = "SELECT count(*) FROM deliveries WHERE shown < revision"
    await shipped.simulator.wait_for(lambda: shipped.records.value(query) == 0)
    (shipped.folder / ORDER).write_text("decided")
    await shipped.click(MINA, "approve_all", card)
    await died(shipped)
    await start_another(shipped)
    rows = shipped.records.rows
    assert rows(statuses, thread) == [("approved",), ("pending",)]
    await shipped.click(MINA, "approve", await shipped.card_about("72.00"), about="72")
    await shipped.reply(GENERAL, thread, "transferred GBP 72.00")
    assert rows(statuses, thread) == [("approved",)] * 2
    paid = [pence for _, _, pence in transfers(shipped)]
    assert [paid.count(7_100), paid.count(7_200)] == [1, 1]


def state_of(cell: Cell) -> str | None:
    if cell.verdict != "approve":
        return None
    return "unknown" if cell.is_unknown else "done"


def trail_of(cell: Cell) -> list[str]:
    ran = ["claimed", "unknown" if cell.is_unknown else "ran"]
    told = [] if cell.is_unknown and cell.graph == "foreign" else ["resumed"]
    acted = ran if cell.verdict == "approve" else []
    if cell.graph == "foreign":  # its run is noted with the answer that it gave
        return ["requested", cell.status, *acted[:1], *told, *acted[1:]]
    return ["requested", cell.status, *acted, *told]


@pytest.mark.parametrize("graph", ["shipped", "foreign"])
async def test_after_all_deaths_the_trail_is_whole(
    graph: str, request: pytest.FixtureRequest
):
    stage: Stage = request.getfixturevalue(graph)
    verify = ("audit", "verify")
    said = await run_command(
        *verify, folder=stage.folder, environment=stage.environment
    )
    assert said.status == 0, said.out + said.err


async def test_every_point_of_the_hook_is_died_at():
    # integration/test_migrations_at_once.py, acceptance/test_agent_crashes.py
    elsewhere = {"migrating", "reported"}
    died_at = {*WHERE, *STREAM}  # those in test_streaming.py
    assert set(POINTS) - elsewhere == died_at - {"in_tool"}


async def test_the_published_table_is_the_one_that_is_tested():
    assert crash_table.PAGE.read_text(encoding="utf-8") == crash_table.page()
