"""A pool gives its connections in turn, and what follows a use follows its commit."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import psycopg
import pytest
from psycopg.types.json import set_json_loads
from psycopg_pool import PoolClosed, PoolTimeout

from bot.database.pool import Connection, Pool, make_pool, transaction


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    """A pool of one connection, for which nobody waits long."""
    async with make_pool(database, name="one", size=1, timeout=0.2) as made:
        await made.wait()
        yield made


async def test_a_graphs_own_json_reads_nothing_of_ours(pool: Pool):
    set_json_loads(lambda found: found)  # as a graph may, for all of the process
    try:
        async with pool.connection() as connection:
            row = await (await connection.execute("SELECT '[1]'::jsonb")).fetchone()
    finally:
        set_json_loads(json.loads)
    assert row == {"jsonb": [1]}


async def test_who_waits_takes_a_connection_in_turn(pool: Pool):
    took = list[int]()

    async def use(number: int) -> None:
        async with pool.connection() as connection:
            took.append(number)
            await connection.execute("SELECT 1")

    await asyncio.gather(*(use(number) for number in range(20)))
    assert took == [*range(20)]


async def test_who_waits_too_long_leaves_the_turn_to_others(pool: Pool):
    async with pool.connection():
        with pytest.raises(PoolTimeout):
            await pool.getconn()
    async with pool.connection(timeout=0.1) as connection:
        await connection.execute("SELECT 1")


async def test_who_was_cancelled_leaves_the_turn_to_others(pool: Pool):
    async with pool.connection():
        waiting = [asyncio.create_task(pool.getconn()) for _ in range(3)]
        await asyncio.sleep(0)
        for each in waiting:
            each.cancel()
    await asyncio.wait(waiting)
    async with pool.connection() as connection:
        await connection.execute("SELECT 1")


async def test_nobody_waits_for_a_pool_that_was_closed(pool: Pool):
    async with pool.connection():
        waiting = asyncio.create_task(pool.getconn())
        await asyncio.sleep(0)
        await pool.close()
    with pytest.raises(PoolClosed):
        await waiting


async def test_who_meets_a_pool_without_connections_leaves_the_turn(pool: Pool):
    async with pool.connection() as connection:
        connection.pgconn.finish()
    with pytest.raises(PoolTimeout):
        await pool.getconn(timeout=0)
    async with pool.connection(timeout=5) as connection:
        await connection.execute("SELECT 1")


async def test_what_follows_a_use_finds_its_connection_free(pool: Pool):
    followed = list[str]()
    async with pool.connection() as connection:
        connection.after_commit.append(lambda: followed.append("it"))
        assert not followed
    assert followed == ["it"]
    async with pool.connection():
        pass
    assert followed == ["it"]


@pytest.mark.parametrize("use", [Pool.connection, transaction])
async def test_nothing_follows_a_use_that_failed(
    pool: Pool, use: Callable[[Pool], AbstractAsyncContextManager[Connection]]
):
    followed = list[str]()

    async def fail() -> None:
        async with use(pool) as connection:
            connection.after_commit.append(lambda: followed.append("it"))
            await connection.execute("nonsense")

    with pytest.raises(psycopg.errors.SyntaxError):
        await fail()
    async with use(pool):
        pass
    assert not followed


async def test_connections_that_were_all_in_use_stay(database: str):
    async with make_pool(database, name="two", size=2, timeout=5) as pool:
        async with pool.connection(), pool.connection():
            pass
        await pool._shrink_pool()  # as every ten minutes, by what is spare from now on
        async with pool.connection(), pool.connection():
            pass
        await pool._shrink_pool()
        assert pool.get_stats()["pool_size"] == 2
