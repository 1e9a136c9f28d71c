"""The schema: applied once, whoever comes; the trail takes inserts only."""

from __future__ import annotations

import psycopg
import pytest

from bot.database.migrate import migrate, missing
from bot.database.pool import connect
from tests.support.house import House


async def test_a_migration_that_fails_leaves_nothing_of_itself(
    empty_database: str, monkeypatch
):
    from bot.database import migrate as module

    files = list(module._migrations())
    broken = [*files[:2], ("0009_broken", "CREATE TABLE half (); SELECT 1/0")]
    with monkeypatch.context() as broken_release:
        broken_release.setattr(module, "_migrations", lambda: iter(broken))
        with pytest.raises(psycopg.errors.DivisionByZero):
            await migrate(empty_database)
    assert await migrate(empty_database) == [name for name, _ in files[2:]]
    async with await connect(empty_database) as connection:
        found = await connection.execute("SELECT to_regclass('half') AS half")
        assert (await found.fetchone()) == {"half": None}


async def test_a_migration_that_comes_late_is_applied_all_the_same(
    empty_database: str, monkeypatch
):
    from bot.database import migrate as module

    files = list(module._migrations())
    names = [name for name, *_ in files]
    later = names[names.index("0009_gate") + 1 :]
    lacking = {"0008_outside", *later}
    earlier = [each for each in files if each[0] not in lacking]
    with monkeypatch.context() as earlier_release:
        earlier_release.setattr(module, "_migrations", lambda: iter(earlier))
        await migrate(empty_database)
    assert await migrate(empty_database) == ["0008_outside", *later]
    async with await connect(empty_database) as connection:
        assert await missing(connection) == []


async def test_a_request_event_is_written_to_the_outbox(house: House):
    one = await house.ask()
    [told] = await house.rows("SELECT event, request_id, seq FROM outbox")
    [fact] = await house.rows("SELECT seq FROM audit WHERE event = 'requested'")
    assert told == {"event": "requested", "request_id": one.id, "seq": fact["seq"]}


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit SET actor = 'nobody'",
        "UPDATE audit SET seq = DEFAULT",
        "DELETE FROM audit",
        "TRUNCATE audit",
        "TRUNCATE audit, requests CASCADE",
    ],
)
@pytest.mark.parametrize("role", ["origin", "replica"])
async def test_the_trail_takes_inserts_only_even_from_the_superuser(
    house: House, change, role
):
    await house.ask()
    before = await house.rows("SELECT * FROM audit")
    async with house.owner.connection() as connection:
        await connection.execute(f"SET session_replication_role = {role}")
        try:
            with pytest.raises(psycopg.errors.RaiseException, match="inserts only"):
                await connection.execute(change)
        finally:
            await connection.execute("SET session_replication_role = origin")
    assert await house.rows("SELECT * FROM audit") == before
