"""Four replicas that start at once on an empty database, or on any older schema.

One of them is killed in the middle of a migration; the others see to it all the same.
"""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bot.database import migrate as module
from bot.database.migrate import migrate, missing
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
for line in sys.stdin:
    url, order, number = json.loads(line)
    children = []
    for _ in range(number):
        child = os.fork()
        if not child:
            faults.arm(f"@{order}")
            asyncio.run(migrate(url))
            os._exit(0)
        children.append(child)
    print("ended", json.dumps([os.waitpid(child, 0)[1] for child in children]))
    sys.stdout.flush()
"""


@pytest.fixture(scope="module")
def forks() -> Iterator[subprocess.Popen[str]]:
    """The process that replicas are made from."""
    with subprocess.Popen(
        [sys.executable, "-c", FORKS],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


def migrate_at_once(forks: subprocess.Popen[str], url: str, order: Path) -> list[int]:
    """Migrate from all replicas at once, and return the wait status of each."""
    assert forks.stdin is not None
    assert forks.stdout is not None
    forks.stdin.write(json.dumps([url, str(order), REPLICAS]) + "\n")
    forks.stdin.flush()
    for line in forks.stdout:
        if line.startswith("ended "):
            return json.loads(line.removeprefix("ended "))
    raise AssertionError("no replica could be made")


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
    forks: subprocess.Popen[str],
    number: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    if number:
        await bring_to(empty_database, number, monkeypatch)
    order = tmp_path / "order"
    order.write_text("migrating")
    ended = await asyncio.to_thread(migrate_at_once, forks, empty_database, order)

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
