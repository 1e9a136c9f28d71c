"""Four replicas that start at once on an empty database, or on any older schema.

One of them is killed in the middle of a migration; the others see to it all the same.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bot.database import migrate as module
from bot.database.migrate import migrate
from bot.database.pending_migrations import missing
from bot.database.pool import connect
from tests.support.root import ROOT

NAMES = [name for name, _ in module._migrations()]
SOME = (0, len(NAMES) // 2, len(NAMES) - 1)
REPLICAS = 4
#: Processes of their own, made from one that has imported all that they need.
FORKS = """
import asyncio, json, os, sys
from bot.base import faults
from bot.database.migrate import migrate
url, order, number = sys.argv[1:]
faults.arm(f"@{order}")
children = []
for _ in range(int(number)):
    child = os.fork()
    if not child:
        asyncio.run(migrate(url))
        os._exit(0)
    children.append(child)
print("ended", json.dumps([os.waitpid(child, 0)[1] for child in children]))
"""


async def migrate_at_once(url: str, order: Path) -> list[int]:
    """Migrate from all replicas at once, and return the wait status of each."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", FORKS, url, str(order), str(REPLICAS)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 100)
    assert process.returncode == 0, err.decode()
    [line] = [x for x in out.decode().splitlines() if x.startswith("ended ")]
    return json.loads(line.removeprefix("ended "))


async def bring_to(url: str, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database with the first migrations only."""
    older = list(module._migrations())[:number]
    with monkeypatch.context() as patch:
        patch.setattr(module, "_migrations", lambda: iter(older))
        await migrate(url)


@pytest.mark.parametrize(
    "number",
    [
        # the first, one in between, and the last; the rest with `make long`
        pytest.param(number, id=name, marks=[pytest.mark.long] * (number not in SOME))
        for number, name in enumerate(["empty", *NAMES[:-1]])
    ],
)
async def test_one_of_four_is_killed_and_the_schema_is_whole(
    empty_database: str,
    number: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    if number:
        await bring_to(empty_database, number, monkeypatch)
    order = tmp_path / "order"
    order.write_text("migrating")
    ended = await migrate_at_once(empty_database, order)

    assert sorted(ended) == [0] * (REPLICAS - 1) + [signal.SIGKILL]
    async with await connect(empty_database) as connection:
        assert await missing(connection) == []
        assert await names(connection) == sorted(NAMES)
        assert await half_made(connection) == []


async def test_an_index_that_was_cut_off_is_made_again(empty_database: str):
    await migrate(empty_database)
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute(
            "UPDATE pg_index SET indisvalid = false"
            " WHERE indexrelid = 'checkpoints_thread_id_idx'::regclass"
        )
        # the saver notes a step after it has done it
        connection.execute("DELETE FROM checkpoint_migrations WHERE v >= 6")
    await migrate(empty_database)
    async with await connect(empty_database) as connection:
        assert await half_made(connection) == []
        found = await connection.execute(
            "SELECT count(*) AS n FROM pg_indexes"
            " WHERE indexname = 'checkpoints_thread_id_idx'"
        )
        assert await found.fetchone() == {"n": 1}


async def names(connection: Any) -> list[str]:
    found = await connection.execute("SELECT name FROM migrations ORDER BY 1")
    return [row["name"] for row in await found.fetchall()]


async def half_made(connection: Any) -> list[Any]:
    found = await connection.execute(
        "SELECT FROM pg_index WHERE NOT indisvalid OR NOT indisready"
    )
    return await found.fetchall()
