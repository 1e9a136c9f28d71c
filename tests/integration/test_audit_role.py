"""The role of the documented set-up runs the bot, and only inserts into the trail."""

from __future__ import annotations

from collections.abc import AsyncIterator

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from bot.database.migrate import migrate
from bot.database.pool import connect
from tests.support.agent_parts import make_agent
from tests.support.house import REJECT, House, open_house
from tests.support.people import MINA, RAVI
from tests.support.root import ROOT
from tests.support.trail_parts import verified

ROLE = "approval_bot_app"
CHANGES = [
    "UPDATE audit SET actor = 'nobody'",
    "DELETE FROM audit",
    "TRUNCATE audit",
    "ALTER TABLE audit DISABLE TRIGGER ALL",
    "ALTER TABLE audit DROP COLUMN actor",
    "DROP TABLE audit_chain",
    "DROP TRIGGER audit_chained ON audit",
    "INSERT INTO audit_chain VALUES ('T1', 99, 99, '')",
    "UPDATE audit_chain SET hash = ''",
    "DELETE FROM audit_chain",
    "UPDATE audit_texts SET text = ''",
    "INSERT INTO audit_texts VALUES (1, 'note', '', '')",
    "DELETE FROM audit_checkpoints",
    "SELECT audit_append_to_chain(a) FROM audit a",
    "SET session_replication_role = replica",
    "CREATE OR REPLACE FUNCTION audit_link() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN RETURN NULL; END $$",
    "CREATE TABLE public.audit_more ()",
]


@pytest.fixture
async def limited(database: str) -> AsyncIterator[House]:
    """A house whose connections are the limited role's."""
    with psycopg.connect(database, autocommit=True) as owner:
        owner.execute((ROOT / "docs/roles.sql").read_text(encoding="utf-8"))
    async with open_house(make_conninfo(database, user=ROLE)) as house:
        yield house


async def test_the_role_runs_the_bot(limited: House):
    assert await limited.one("SELECT current_user") == ROLE
    agent = make_agent(limited, ("wipe", {"path": "a"}), "Done.")
    conversation = await agent.say(user=RAVI)
    await limited.click(MINA, await agent.request(conversation))
    await agent.work()
    assert await agent.said() == ["Done."]
    other = await limited.ask()
    await limited.click(MINA, other, REJECT, reason="no")
    assert await verified(limited) == []
    assert await migrate(limited.url) == []


async def test_the_role_can_do_nothing_else_to_the_trail(limited: House):
    await limited.ask()
    before = await limited.rows("SELECT * FROM audit")
    for change in CHANGES:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await limited.rows(change)
        assert await limited.rows("SELECT * FROM audit") == before, change
    assert await verified(limited) == []


async def test_a_temporary_table_cannot_replace_the_chain(limited: House):
    async with await connect(limited.url) as connection:
        await connection.execute(
            "CREATE TEMP TABLE audit_chain (LIKE public.audit_chain)"
        )
        await connection.execute(
            "INSERT INTO audit (team_id, event) VALUES ('T1', 'x')"
        )
    assert await limited.one("SELECT count(*) FROM audit_chain") == 1
    assert await verified(limited) == []
