"""The chain that the database makes: each workspace's own, no gap, no fork."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.approvals.audit import Fact, append
from bot.audit.chain import canonical, text_digest
from bot.database import migrate as module
from bot.database.pool import (
    UNFLUSHED,
    Connection,
    connect,
    make_pool,
    transaction,
)
from tests.support.house import REJECT, House, open_house
from tests.support.hypothesis_profiles import scaled
from tests.support.people import MINA, TEAM
from tests.support.trail_parts import some_life, verified

# What PostgreSQL can store as jsonb: neither NUL nor half a surrogate pair.
LETTERS = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
WORDS = st.text(LETTERS, max_size=6)
WHOLE = st.integers(-(2**53) + 1, 2**53 - 1)
VALUES = st.recursive(
    st.none() | st.booleans() | WHOLE | WORDS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4)
    ),
    max_leaves=12,
)


def test_the_database_writes_canonical_json_as_the_rfc_says(database: str):
    with psycopg.connect(database) as connection:

        @settings(max_examples=scaled(4))
        @given(values=st.lists(VALUES, min_size=1, max_size=20))
        def any_of_them(values: list[Any]) -> None:
            found = connection.execute(
                "SELECT canonical_json(value) FROM jsonb_array_elements(%s)"
                " WITH ORDINALITY AS given (value, place) ORDER BY place",
                [json.dumps(values)],
            )
            assert [text for (text,) in found] == [canonical(each) for each in values]

        any_of_them()


@pytest.mark.parametrize("number", ["0.5", "1e-3", "9007199254740992", "-1e17"])
async def test_a_number_that_has_no_one_form_is_refused(house: House, number: str):
    with pytest.raises(psycopg.errors.RaiseException, match="whole numbers"):
        await house.rows(
            "INSERT INTO audit (team_id, event, detail) VALUES ('T1', 'x', %s)",
            f'{{"n": {number}}}',
        )
    assert await house.trail() == []


async def test_every_row_stands_in_its_workspaces_chain(house: House):
    await some_life(house)
    async with transaction(house.pool) as connection:
        await append(connection, [Fact("T2", "one"), Fact(TEAM, "two")])
    chains = await house.rows(
        "SELECT team_id, array_agg(number ORDER BY number) AS numbers, count(*) AS n"
        " FROM audit_chain GROUP BY team_id ORDER BY team_id"
    )
    assert [chain["team_id"] for chain in chains] == [TEAM, "T2"]
    for chain in chains:
        assert chain["numbers"] == list(range(1, chain["n"] + 1))
    assert await house.one("SELECT count(*) FROM audit") == sum(c["n"] for c in chains)
    assert await verified(house) == []


async def test_what_people_wrote_stands_beside_the_chain(house: House):
    request = await house.ask()
    await house.click(MINA, request, REJECT, reason="my own words")
    [row] = await house.rows(
        "SELECT seq, detail, texts FROM audit WHERE event = 'rejected'"
    )
    assert "my own words" not in json.dumps(row["detail"]) + json.dumps(row["texts"])
    [beside] = await house.rows(
        "SELECT salt, text FROM audit_texts WHERE seq = %s", row["seq"]
    )
    assert beside["text"] == "my own words"
    assert row["texts"] == {"note": text_digest(beside["salt"], beside["text"])}


async def test_erasing_what_people_wrote_leaves_the_chain_good(house: House):
    await some_life(house)
    assert await house.one("SELECT count(*) FROM audit_texts") > 0
    await house.rows("DELETE FROM audit_texts")
    assert await verified(house) == []


async def test_eight_writers_make_one_chain_without_a_gap(house: House):
    async def write(number: int) -> None:
        async with await connect(house.url) as connection:
            for turn in range(25):
                facts = [Fact(TEAM, f"{number}"), Fact(TEAM, f"{turn}")]
                async with connection.transaction():
                    await append(connection, facts)

    await asyncio.gather(*(write(number) for number in range(8)))
    assert await house.one("SELECT count(*) FROM audit") == 400
    assert await house.one("SELECT max(number) FROM audit_chain") == 400
    assert await verified(house) == []


async def test_a_snapshot_from_before_cannot_fork_the_chain(house: House):
    async def write_late(old: Connection) -> None:
        async with old.transaction():
            await old.execute("SELECT count(*) FROM audit")
            await house.write()
            await append(old, [Fact(TEAM, "late")])

    async with await connect(house.url) as old:
        await old.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
        with pytest.raises(psycopg.errors.UniqueViolation):
            await write_late(old)
    assert await house.trail() == ["received"]
    assert await verified(house) == []


async def test_a_transaction_that_fails_leaves_no_number(house: House):
    async def fail() -> None:
        async with transaction(house.pool) as connection:
            await append(connection, [Fact(TEAM, "gone")])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    await house.write()
    assert await house.one("SELECT max(number) FROM audit_chain") == 1
    assert await verified(house) == []


async def test_two_workspaces_do_not_wait_for_each_other(house: House):
    async with await connect(house.url) as slow, slow.transaction():
        await append(slow, [Fact(TEAM, "slow")])
        await slow.execute("SET CONSTRAINTS ALL IMMEDIATE")
        async with asyncio.timeout(5), transaction(house.pool) as quick:
            await append(quick, [Fact("T2", "quick")])
        assert await house.trail() == ["quick"]


Writer = Callable[[], Awaitable[str]]
SHARE_NO_MORE = "SELECT set_config('approval_bot.shared_until', '0', false)"
HOLD = "SET CONSTRAINTS ALL IMMEDIATE"
REACHED = "SELECT pg_current_wal_flush_lsn() > %s::pg_lsn"


@asynccontextmanager
async def a_writer(house: House) -> AsyncGenerator[tuple[Writer, list[str | None]]]:
    """Yield a function that writes a row and returns its place in PostgreSQL's log.

    With it comes the list of what the server notes meanwhile.
    """
    disk = {"synchronous_commit": "on"}  # the server of the tests writes it later
    place = "SELECT pg_current_wal_insert_lsn()::text AS place"
    notices: list[str | None] = []

    async def write() -> str:
        async with transaction(pool) as connection:
            await connection.execute(SHARE_NO_MORE)
            await append(connection, [Fact(TEAM, "one of many")])
            [row] = await (await connection.execute(place)).fetchall()
        return row["place"]

    pool = make_pool(house.url, name="many", size=1, timeout=5, also=disk)
    async with pool:
        async with pool.connection() as connection:
            connection.add_notice_handler(lambda said: notices.append(said.sqlstate))
        yield write, notices


async def test_who_waits_long_for_the_chain_shares_the_disk(house: House):
    async with a_writer(house) as (write, notices), await connect(house.url) as other:
        assert await house.one(REACHED, await write())
        assert notices == []  # alone: the commit itself has waited
        async with other.transaction():
            await append(other, [Fact(TEAM, "first")])
            await other.execute(HOLD)
            second = asyncio.create_task(write())
            await house.blocked(second)
            await other.execute("SELECT pg_sleep(0.004)")  # longer than the 3 ms
        assert await house.one(REACHED, await second)
        assert notices == [UNFLUSHED]
    assert await house.trail() == ["one of many", "first", "one of many"]
    assert await verified(house) == []


async def test_who_hardly_waits_for_the_chain_commits_as_if_alone(house: House):
    async with a_writer(house) as (write, notices), await connect(house.url) as other:
        for _ in range(100):  # on a busy machine one may wait for long
            notices.clear()
            async with other.transaction():
                await append(other, [Fact(TEAM, "first")])
                await other.execute(HOLD)
                second = asyncio.create_task(write())
                await house.blocked(second)
            assert await house.one(REACHED, await second)
            if not notices:
                return
    pytest.fail("a short wait shares the disk too")


async def test_a_disk_that_takes_nothing_closes_the_connection(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("bot.database.pool._FLUSH", b"SELECT pg_sleep(5)")
    pool = make_pool(house.url, name="stuck", size=1, timeout=5)
    async with pool, pool.connection() as connection:
        connection.patience = 0.1
        connection._unflushed.append(UNFLUSHED)
        with pytest.raises(psycopg.OperationalError):
            await connection.execute("SELECT 1")
        assert connection.closed


@pytest.mark.parametrize("table", ["audit_chain", "audit_checkpoints", "audit_texts"])
@pytest.mark.parametrize("role", ["origin", "replica"])
async def test_what_belongs_to_the_chain_takes_no_change(house: House, table, role):
    request = await house.ask()
    await house.click(MINA, request, REJECT, reason="no")
    await house.rows(
        "INSERT INTO audit_checkpoints VALUES ('T1', 1, 'x', bot_now(), 'k', 's')"
    )
    column = "text" if table == "audit_texts" else "hash"
    changes = [f"UPDATE {table} SET {column} = {column}", f"TRUNCATE {table}"]
    if table != "audit_texts":
        changes.append(f"DELETE FROM {table}")
    async with await connect(house.url) as connection:
        await connection.execute(f"SET session_replication_role = {role}")
        for change in changes:
            with pytest.raises(psycopg.errors.RaiseException, match="inserts only"):
                await connection.execute(change)


async def test_rows_from_before_the_chain_are_its_beginning(empty_database: str):
    files = list(module._migrations())
    older = [each for each in files if each[0] < "0007" or each[0] == "procrastinate"]
    async with await connect(empty_database) as connection:
        await connection.execute(
            "CREATE TABLE migrations (name text PRIMARY KEY,"
            " applied_at timestamptz NOT NULL DEFAULT clock_timestamp())"
        )
        for name, sql in older:
            await module._apply(connection, name, sql)
        values: list[Any] = [("T1", "a"), ("T2", "b"), ("T1", "c")]
        for team, event in values:
            await connection.execute(
                "INSERT INTO audit (team_id, event, conversation_id, detail)"
                " VALUES (%s, %s, %s, %s)",
                [team, event, uuid.uuid4(), json.dumps({"note": "old", "n": 1})],
            )
    await module.migrate(empty_database)
    async with open_house(empty_database) as house:
        rows = await house.rows(
            "SELECT c.team_id, c.number, a.event FROM audit_chain c"
            " JOIN audit a USING (seq) ORDER BY 1, 2"
        )
        assert [tuple(row.values()) for row in rows] == [
            ("T1", 1, "a"),
            ("T1", 2, "c"),
            ("T2", 1, "b"),
        ]
        assert await verified(house) == []
