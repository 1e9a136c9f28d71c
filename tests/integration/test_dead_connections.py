"""Connections that are closed, reset, forgotten, never answered hold no work up."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest

from bot.approvals.ports import turn_job
from bot.database import pool as pools
from bot.database.migrate import migrate
from bot.database.pool import TRANSIENT, Connection, Pool, make_pool, transaction
from bot.jobs.queue import Queue, Workers
from tests.support.crashes import until
from tests.support.house import House
from tests.support.proxy import Proxy, make_proxy

SIZE = 8
HANG = 30  # seconds after which something waits for ever


@pytest.fixture
async def proxy(database: str) -> AsyncIterator[Proxy]:
    async with make_proxy(database) as made:
        await made.open()
        yield made


@asynccontextmanager
async def full_pool(url: str, **options: Any) -> AsyncIterator[Pool]:
    """A pool whose connections are all there, and have not been used for long."""
    pool = make_pool(url, name="test", size=SIZE, timeout=5, smallest=SIZE, **options)
    async with asyncio.timeout(HANG), pool:
        await pool.wait()
        yield pool


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no connection be taken for alive because of its last use."""
    monkeypatch.setattr(pools, "TRUSTED", 0.0)


async def one(pool: Pool) -> int:
    async with pool.connection() as connection:
        row = await (await connection.execute("SELECT 1 AS one")).fetchone()
    return row["one"] if row else 0


@pytest.mark.parametrize("kind", ["cut", "reset", "forget"])
async def test_idle_connections_that_died_cost_no_use(
    proxy: Proxy, idle: None, shorter: Callable[..., None], kind: str
):
    shorter(sign_of_life=0.2)
    async with full_pool(proxy.url) as pool:
        getattr(proxy, kind)()
        uses = await asyncio.gather(*(one(pool) for _ in range(2 * SIZE)))
    assert uses == [1] * 2 * SIZE


async def test_the_connection_used_last_is_used_next(database: str):
    async with full_pool(database) as pool:
        async with pool.connection() as first, pool.connection() as last:
            assert first is not last
        async with pool.connection() as given_back_last:
            pass
        async with pool.connection() as again:
            assert again is given_back_last


async def test_connections_closed_by_the_server_cost_no_use(database: str, idle: None):
    url = psycopg.conninfo.make_conninfo(database, options="-c idle_session_timeout=2s")
    async with full_pool(url) as pool:
        await until_nobody_is_connected(database)
        uses = await asyncio.gather(*(one(pool) for _ in range(2 * SIZE)))
    assert uses == [1] * 2 * SIZE


async def until_nobody_is_connected(database: str) -> None:
    """Wait until the server has closed all sessions of the pool."""
    others = (
        "SELECT FROM pg_stat_activity WHERE application_name = 'approval-bot test'"
        " AND datname = current_database()"
    )
    async with await pools.connect(database) as connection:
        while await (await connection.execute(others)).fetchone():  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.02)


async def test_a_connection_in_use_asks_for_no_sign_of_life(
    database: str, monkeypatch: pytest.MonkeyPatch
):
    waits = 0
    real = Connection.wait

    async def counted(*given: Any, **named: Any) -> Any:
        nonlocal waits
        waits += 1
        return await real(*given, **named)

    async with full_pool(database) as pool:
        monkeypatch.setattr(Connection, "wait", counted)
        for _ in range(5):
            async with pool.connection():
                pass
    assert waits == 0


async def test_a_statement_without_an_answer_ends_and_is_replaced(
    proxy: Proxy, shorter: Callable[..., None]
):
    shorter(statement=1)
    async with full_pool(proxy.url) as pool:
        async with pool.connection() as connection:
            proxy.forget()
            with pytest.raises(TRANSIENT):
                await connection.execute("SELECT 1")
            assert connection.closed
        assert await one(pool) == 1


async def test_a_server_that_never_answers_is_left_and_found_again(
    proxy: Proxy, idle: None, shorter: Callable[..., None]
):
    shorter(sign_of_life=0.2)
    async with full_pool(proxy.url) as pool:
        proxy.fall_silent()
        with pytest.raises(TRANSIENT):
            await one(pool)
        proxy.speak()
        assert await again(lambda: one(pool)) == 1


async def again(work: Callable[[], Awaitable[int]]) -> int:
    """Do it until it succeeds, as people and the clock do."""
    with contextlib.suppress(TRANSIENT):
        return await work()
    return await again(work)


async def test_a_slow_statement_ends_and_leaves_its_connection(
    database: str, shorter: Callable[..., None]
):
    shorter(statement=0.5)
    async with full_pool(database) as pool, pool.connection() as connection:
        with pytest.raises(psycopg.errors.QueryCanceled):
            await connection.execute("SELECT pg_sleep(60)")
        assert not connection.closed


async def test_locks_of_a_forgotten_connection_are_freed(
    proxy: Proxy, database: str, shorter: Callable[..., None]
):
    shorter(transaction=0.3)
    lock = "SELECT pg_advisory_xact_lock(1)"

    async def be_forgotten() -> None:
        async with transaction(forgotten) as connection:
            await connection.execute(lock)
            proxy.forget()
            async with transaction(others) as other:
                await other.execute(lock)
            connection.patience = 0.1  # the rest is of no interest

    async with full_pool(proxy.url) as forgotten, full_pool(database) as others:
        with pytest.raises(TRANSIENT):
            await be_forgotten()


async def test_the_start_waits_for_no_silent_server(
    proxy: Proxy, shorter: Callable[..., None], monkeypatch: pytest.MonkeyPatch
):
    shorter(statement=0.3)
    real = Connection.connect

    async def fall_silent(*given: Any, **named: Any) -> Connection:
        connection = await real(*given, **named)
        proxy.fall_silent()
        return connection

    monkeypatch.setattr(Connection, "connect", fall_silent)
    async with asyncio.timeout(HANG):
        with pytest.raises(TRANSIENT):
            await migrate(proxy.url)


class Held:
    """A worker whose connections go through the proxy, and a job that it is at."""

    def __init__(self, house: House, url: str) -> None:
        self.house = house
        self.done: list[str] = []
        self.begun, self.over = asyncio.Event(), asyncio.Event()
        self.queue = Queue(url)
        self.queue.register("turn", self.turn)
        self.workers = Workers(self.queue)

    async def turn(self, conversation: str) -> None:
        if conversation == "held":
            self.begun.set()
            await self.over.wait()
        self.done.append(conversation)

    async def defer(self, conversation: str) -> None:
        async with self.house.pool.connection() as connection:
            await self.house.queue.defer(connection, [turn_job(conversation)])


@pytest.fixture
async def held(
    house: House, proxy: Proxy, shorter: Callable[..., None]
) -> AsyncIterator[Held]:
    shorter(statement=1, sign_of_life=0.2, heartbeat=0.1)
    made = Held(house, proxy.url)
    await made.queue.open()
    await made.defer("held")
    made.workers.start()
    await made.begun.wait()
    yield made
    made.over.set()
    proxy.speak()
    await made.workers.stop()
    await made.queue.close()


@pytest.mark.parametrize("kind", ["cut", "reset", "forget", "fall_silent"])
async def test_a_worker_goes_on_with_its_job_and_takes_others(
    held: Held, proxy: Proxy, kind: str
):
    before, connections = held.workers.held().keys(), proxy.connections
    getattr(proxy, kind)()
    await until(lambda: proxy.connections > connections + 1)  # some were replaced
    proxy.speak()
    await held.defer("next")
    await until(lambda: held.done == ["next"])
    held.over.set()
    await until(lambda: held.done == ["next", "held"])
    assert held.workers.held().keys() == before
    assert held.workers.trouble == ""


async def test_a_worker_without_a_heartbeat_is_not_ready(
    held: Held, proxy: Proxy, shorter: Callable[..., None]
):
    proxy.fall_silent()
    shorter(stalled=0.2)
    await until(lambda: "heartbeat" in held.workers.trouble)
    proxy.speak()
    await until(lambda: not held.workers.trouble)
