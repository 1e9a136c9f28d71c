"""App Home beside thousands of open requests: no list reads a table from end to end."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest

from bot.slack.home.desk import PAGE, Desks
from bot.slack.home.sql import SQL
from tests.bench.waiting_rows import MANAGERS, TEAM, add_waiting
from tests.support.house import House, house_fixture
from tests.support.people import person

__all__ = ["house_fixture"]
OPEN = 3_000
LISTS = ("waiting_for", "asked_by", "decided_by", "of_code")
MARKS = {"lately": dt.timedelta(minutes=30), "most": 60}


@pytest.fixture
async def crowded(house: House) -> House:
    await asyncio.to_thread(add_waiting, house.url, "w", OPEN)
    await house.rows(
        "INSERT INTO decisions (request_id, stage, team_id, user_id, verdict, via)"
        " SELECT id, 0, team_id, 'U0OTHER' || (random() * 100)::int, 'approve', 'slack'"
        " FROM requests"
    )
    await house.rows("ANALYZE decisions")
    return house


async def plan_of(house: House, statement: str, **key: object) -> str:
    async with house.owner.connection() as connection:
        await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        text = f"EXPLAIN {SQL[statement]}"
        found = await connection.execute(text, key)  # type: ignore[arg-type]
        return "\n".join(row["QUERY PLAN"] for row in await found.fetchall())


async def test_no_list_of_a_desk_reads_a_whole_table(crowded: House):
    manager = person(MANAGERS[0], TEAM)
    key = {
        "team": TEAM,
        "user": manager.user,
        "people": [manager.user],
        "sources": ["usergroup:S01"],
        "limit": PAGE + 1,
        "skip": 0,
        "code": "WAIT",
    }
    for statement in LISTS:
        plan = await plan_of(crowded, statement, **key)
        assert "Seq Scan" not in plan, f"{statement}:\n{plan}"
    marks = await plan_of(crowded, "mark_homes", **MARKS)
    for table in ("requests", "stages", "decisions"):
        assert f"Seq Scan on {table} " not in marks, marks
    desks = Desks(crowded.pool, crowded.people, crowded.policies)
    desk = await desks.read(manager)
    assert not (await desks.read(person("U0NOBODY", TEAM))).waiting
    assert desk.is_more
