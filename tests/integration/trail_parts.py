"""The trail, read and broken: what its tests share."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any

import psycopg

from bot.audit.checkpoint import Checkpoint
from bot.audit.export import as_jsonl
from bot.audit.stored import snapshot, verify_stored
from bot.database.pool import connect
from tests.integration.core_parts import MINA, REJECT, House


async def verified(house: House, *checkpoints: Checkpoint) -> list[str]:
    """What is wrong with the stored trail, in sentences."""
    async with await connect(house.url) as connection:
        _, found = await verify_stored(connection, checkpoints)
        return [str(finding) for finding in found]


async def exported(house: House, since: Any = None, until: Any = None) -> list[bytes]:
    """The lines of an export."""
    async with await connect(house.url) as connection, snapshot(connection):
        return [line.encode() async for line in as_jsonl(connection, since, until)]


@contextmanager
def as_superuser(url: str):
    """A connection that no trigger stops; what it does is rolled back at the end."""
    with psycopg.connect(url) as connection:
        for table in ("audit", "audit_chain", "audit_texts", "audit_checkpoints"):
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        connection.commit()
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
