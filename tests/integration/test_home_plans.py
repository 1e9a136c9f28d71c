"""Lists of a desk and what people wait for, beside 100,000 rows: none reads all."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import pytest

from bot.approvals import SQL as APPROVALS
from bot.conversations import SQL as CONVERSATIONS
from bot.database.pool import ONE_PLAN
from bot.slack import SQL as SLACK
from bot.slack.home import SQL
from bot.slack.home.desk import PAGE, Desks
from tests.bench.waiting_rows import MANAGERS, TEAM, add_waiting
from tests.support.house import House, house_fixture
from tests.support.people import person
from tests.support.post import Post

__all__ = ["house_fixture"]
ROWS, BELIEVED = 500, 100_000
MANY = (
    *("requests", "stages", "decisions", "deliveries", "grants"),
    *("standing_grants", "delegations", "audit", "audit_chain"),
)
LISTS: Mapping[str, str] = {
    **dict.fromkeys(("waiting_for", "asked_by", "decided_by", "of_code"), "desk"),
    **dict.fromkeys(("select_standing_for", "select_standing_of"), "approvals"),
    **dict.fromkeys(("find_standing", "delegations_in_force"), "approvals"),
}
PREPARED = (
    "SELECT name, cardinality(parameter_types) AS given FROM pg_prepared_statements"
    " ORDER BY prepare_time DESC LIMIT 1"
)
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
    await house.rows(
        "INSERT INTO audit (team_id, event, request_id, conversation_id)"
        " SELECT team_id, 'requested', id, conversation_id FROM requests"
    )
    await house.rows("ANALYZE")
    await house.rows(
        "UPDATE pg_class SET reltuples = %s WHERE relname = ANY (%s)",
        *(BELIEVED, [*MANY]),
    )
    return house


GENERIC: Mapping[str, str] = {"plan_cache_mode": "force_generic_plan"}


async def plan_of(
    house: House, statement: str, settings: Mapping[str, str] = GENERIC, **key: object
) -> str:
    """The plan for all values; EXPLAIN of a statement with values is about those."""
    async with (
        house.owner.connection() as connection,
        connection.transaction(force_rollback=True),
    ):
        for name, value in settings.items():
            await connection.execute("SELECT set_config(%s, %s, true)", [name, value])
        await connection.execute(statement, key, prepare=True)  # type: ignore[arg-type]
        [made] = await (await connection.execute(PREPARED)).fetchall()
        given = f"({', '.join(['NULL'] * made['given'])})" if made["given"] else ""
        text = f"EXPLAIN EXECUTE {made['name']} {given}"
        found = await connection.execute(text)  # type: ignore[arg-type]
        plan = [row["QUERY PLAN"] for row in await found.fetchall()]
    return "\n".join(plan)


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
    for table in ("requests", "stages", "decisions", "audit", "audit_chain"):
        assert f"Seq Scan on {table} " not in marks, marks
    desks = Desks(crowded.pool, crowded.people, crowded.policies)
    desk = await desks.read(manager)
    assert not (await desks.read(person("U0NOBODY", TEAM))).waiting
    assert desk.more == ["waiting"]


#: What people and agents wait for, each with the values it is asked for.
AWAITED: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "find_by_agent_key": (
        CONVERSATIONS["find_by_agent_key"],
        {"agent": "a", "key": "k"},
    ),
    "rate_answer": (
        SLACK["rate_answer"],
        {"answer": "a", "user": "U7", "rating": "good"}
        | {"channel": "C1", "ts": "1", "card": "c"},
    ),
    "pick_message": (
        SLACK["pick_message"],
        {"paused": ["C1"], "most": 10, "lease": dt.timedelta(seconds=30)},
    ),
    "take_messages": (
        SLACK["take_messages"],
        {"ids": [str(uuid4())], "alone": None, "lease": dt.timedelta(seconds=30)},
    ),
    "sent": (SLACK["sent"], {"ids": [str(uuid4())], "alone": None, "rows": "[]"}),
    "select_history": (
        SLACK["select_history"],
        {"request": "w1", "ts": None, "channel": None},
    ),
}


async def test_what_people_and_agents_wait_for_reads_no_whole_table(crowded: House):
    for name, (statement, key) in AWAITED.items():
        plan = await plan_of(crowded, statement, **{"team": TEAM, **key})
        for table in ("requests", "deliveries", "audit"):
            assert f"Seq Scan on {table} " not in plan, f"{name}:\n{plan}"
        for line, below in itertools.pairwise(plan.splitlines()):
            assert "audit_pkey" not in line or "Index Cond" in below, plan


@pytest.mark.parametrize("rows", [1, 40, 200])
@pytest.mark.parametrize("name", ["take_messages", "sent"])
async def test_messages_together_are_found_by_id_however_few_stand(
    house: House, post: Post, name: str, rows: int
):
    """Such a plan is kept while they become many."""
    for _ in range(rows):
        await post.add("answer")
    await house.rows("ANALYZE deliveries")
    statement, key = AWAITED[name]
    plan = await plan_of(house, statement, ONE_PLAN, **key)
    own, _, _ = plan.partition("SubPlan")
    for line, below in itertools.pairwise(own.splitlines()):
        assert " on deliveries" not in line or "Update" in line or "Cond" in below, plan
