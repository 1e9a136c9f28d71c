"""Threats 35, 39, 40: the bot's own account can do only what the bot does."""

from __future__ import annotations

import psycopg
import pytest

from bot.database.migrate import migrate
from tests.support.house import House
from tests.support.postgres import as_role, make_roles

FORBIDDEN = [
    "CREATE TABLE mine (x int)",
    "ALTER TABLE audit DISABLE TRIGGER ALL",
    "DROP TABLE audit",
    "UPDATE audit SET event = 'x'",
    "DELETE FROM audit",
    "TRUNCATE audit",
    "DELETE FROM requests",
    "DELETE FROM decisions",
    "DELETE FROM links",
    "DELETE FROM webhook_events",
    "INSERT INTO outbox SELECT 1, now(), '', '', '', '', ''",
    "UPDATE migrations SET name = 'x'",
    "ALTER FUNCTION bot_now() RENAME TO theirs",
    "SET session_replication_role = replica",
    "CREATE ROLE other",
    "COPY requests TO PROGRAM 'cat'",
]


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_threat_35_the_bots_role_cannot_change_the_trail_or_the_schema(
    database: str, statement: str
):
    with (
        psycopg.connect(as_role(database), autocommit=True) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement.encode())


def test_threat_35_a_reviewers_role_reads_and_writes_nothing(database: str):
    rights = as_role(database, "approval_bot_reader")
    with psycopg.connect(rights, autocommit=True) as connection:
        assert connection.execute("SELECT count(*) FROM audit").fetchone() == (0,)
        for statement in (b"INSERT INTO paces DEFAULT VALUES", b"DELETE FROM grants"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


async def test_threat_49_the_bot_starts_without_the_right_to_make_tables(database: str):
    assert await migrate(as_role(database)) == []


async def test_threat_49_what_is_missing_is_made_by_the_owner_alone(
    template: str, empty_database: str
):
    assert template  # with it come the roles, which are the server's
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await migrate(as_role(empty_database))
    assert await migrate(empty_database)


async def test_threat_49_the_heart_runs_under_the_bots_role(house: House):
    async with house.pool.connection() as connection:
        found = await connection.execute("SELECT current_user AS name")
        assert await found.fetchone() == {"name": "approval_bot_app"}
    assert not (await house.approved()).is_open
    assert "approved" in await house.trail()


def test_the_script_may_be_run_again(database: str):
    make_roles(database)
    make_roles(database)
