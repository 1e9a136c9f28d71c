"""The lists of a desk beside 100,000 rows: none reads a table from end to end."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Mapping
from typing import Any

import pytest

from bot.approvals import SQL as APPROVALS
from bot.slack.home import SQL
from bot.slack.home.desk import PAGE, Desks
from tests.bench.waiting_rows import MANAGERS, TEAM, add_waiting
from tests.support.house import House, house_fixture
from tests.support.people import person

__all__ = ["house_fixture"]
ROWS, BELIEVED = 500, 100_000
MANY = (
    *("requests", "stages", "decisions", "deliveries", "grants"),
    *("standing_grants", "delegations"),
)
LISTS: Mapping[str, str] = {
    **dict.fromkeys(("waiting_for", "asked_by", "decided_by", "of_code"), "desk"),
    **dict.fromkeys(("select_standing_for", "select_standing_of"), "approvals"),
    **dict.fromkeys(("find_standing", "delegations_in_force"), "approvals"),
}
MARKS = {"lately": dt.timedelta(minutes=30), "most": 60}


@pytest.fixture
async def crowded(house: House) -> House:
    """Some rows, whose statistics hold for many, of which the planner is then told."""
    await asyncio.to_thread(add_waiting, house.url, "w", ROWS)
    await house.rows(
        "INSERT INTO decisions (request_id, stage, team_id, user_id, verdict, via)"
        " SELECT id, 0, team_id, 'U0OTHER' || (random() * 100)::int, 'approve', 'slack'"
        " FROM requests"
    )
    await house.rows(
        "INSERT INTO standing_grants (id, code, team_id, giver_id, approvers, tool,"
        " schema_digest, bindings, requester_id, policy_version, risk, uses,"
        " expires_at, request_id) SELECT gen_random_uuid(), n::text, %s,"
        " 'U' || n, 'managers', 'wipe', '', '[]', 'U' || n, 'v',"
        " 'normal', 9, bot_now() + interval '1 hour', '' FROM generate_series(1, %s) n",
        *(TEAM, ROWS),
    )
    await house.rows(
        "INSERT INTO delegations (team_id, principal_id, delegate_id, until, ended_at)"
        " SELECT %s, 'U' || n, 'U0FAY', bot_now()::date,"
        " CASE WHEN n %% 100 > 0 THEN bot_now() END FROM generate_series(1, %s) n",
        *(TEAM, ROWS),
    )
    await house.rows("ANALYZE")
    await house.rows(
        "UPDATE pg_class SET reltuples = %s WHERE relname = ANY (%s)",
        *(BELIEVED, [*MANY]),
    )
    return house


async def plan_of(house: House, statement: str, **key: object) -> str:
    async with house.owner.connection() as connection:
        await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        text = f"EXPLAIN {statement}"
        found = await connection.execute(text, key)  # type: ignore[arg-type]
        return "\n".join(row["QUERY PLAN"] for row in await found.fetchall())


async def test_no_list_of_a_desk_reads_a_whole_table(crowded: House):
    manager = person(MANAGERS[0], TEAM)
    key: dict[str, Any] = {
        "team": TEAM,
        "user": manager.user,
        "people": [manager.user],
        "sources": ["usergroup:S01"],
        "limit": PAGE + 1,
        "skip": 0,
        "code": "WAIT",
        "requester": "U7",
        "giver": "U7",
        "tool": "wipe",
        "most": 50,
        "live": True,
    }
    assert "rows=100000 " in await plan_of(crowded, "SELECT FROM requests")
    for name, part in LISTS.items():
        statement = SQL[name] if part == "desk" else APPROVALS[name]
        plan = await plan_of(crowded, statement, **key)
        assert "Seq Scan" not in plan, f"{name}:\n{plan}"
    marks = await plan_of(crowded, SQL["mark_homes"], **MARKS)
    for table in ("requests", "stages", "decisions"):
        assert f"Seq Scan on {table} " not in marks, marks
    desks = Desks(crowded.pool, crowded.people, crowded.policies)
    desk = await desks.read(manager)
    assert not (await desks.read(person("U0NOBODY", TEAM))).waiting
    assert desk.more == ["waiting"]
