"""The trail, read and broken: what its tests share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bot.audit.chain import Checkpoint, sign
from bot.audit.export import as_jsonl
from bot.audit.parallel_verify import verify_stored
from bot.audit.verify import snapshot
from bot.database.pool import Connection, connect
from tests.support.house import REJECT, House
from tests.support.people import MINA, TEAM

#: A notary's key, and a checkpoint that is signed with it.
SEED = bytes(range(32))
SIGNED = sign(SEED, team=TEAM, number=7, hash="ab" * 32, at="2026-01-01T00:00:00Z")


async def verified(house: House, *checkpoints: Checkpoint) -> list[str]:
    """Verify the stored trail, and return its faults as sentences."""
    async with await connect(house.url) as connection:
        _, found = await verify_stored(connection, checkpoints)
        return [str(finding) for finding in found]


async def exported(house: House, since: Any = None, until: Any = None) -> list[bytes]:
    """The lines of an export."""
    async with await connect(house.url) as connection, snapshot(connection):
        return [line.encode() async for line in as_jsonl(connection, since, until)]


@asynccontextmanager
async def as_superuser(url: str) -> AsyncIterator[Connection]:
    """A transaction that no trigger stops; it is rolled back at the end."""
    async with (
        await connect(url) as connection,
        connection.transaction(force_rollback=True),
    ):
        for table in ("audit", "audit_chain", "audit_texts", "audit_checkpoints"):
            await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        await connection.execute("ALTER TABLE audit ALTER seq DROP IDENTITY")
        yield connection


async def some_life(house: House) -> None:
    """Requests of several ends, with words of people."""
    first = await house.approved()
    second = await house.ask("sign", arguments={"text": "naïve 😀", "n": 3})
    await house.click(MINA, second)
    await house.click(MINA, second)
    third = await house.ask("pay")
    await house.click(MINA, third, REJECT, reason="too much")
    await house.click(MINA, first, REJECT)
