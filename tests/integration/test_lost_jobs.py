"""A job whose end could not be stored, or whose fetching was cut, is done again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from procrastinate.exceptions import ConnectorException

from bot.approvals.ports import resume_job, turn_job
from bot.jobs.clock import Clock
from bot.jobs.queue import KnownWorker, Workers
from tests.support.house import House

MISSING = 1.0  # seconds; a busy machine may take some tenths to fetch a job


class Record:
    """The jobs done, the workers, and the duty that finds the jobs that they lost."""

    def __init__(self, house: House) -> None:
        self.done: list[str] = []
        self.held = asyncio.Event()
        self.held.set()
        self.workers = Workers(house.queue)
        self.clock = Clock(5, house.pool, house.queue, held=self.workers.held)
        house.queue.register("turn", self.turn)
        house.queue.register("resume", self.resume)

    async def turn(self, conversation: str) -> None:
        self.done.append("turn")
        await self.held.wait()

    async def resume(self, conversation: str) -> None:
        self.done.append("resume")

    async def until(self, *done: str) -> None:
        """Look for lost jobs until all of this was done."""
        async with asyncio.timeout(30):
            while self.done != [*done]:
                await self.clock.tick()
                await asyncio.sleep(0.05)


@pytest.fixture
async def record(house: House, shorter) -> AsyncIterator[Record]:
    shorter(job_missing=MISSING)
    await house.queue.open()
    made = Record(house)
    yield made
    await made.workers.stop()
    await house.queue.close()


async def defer(house: House, *jobs) -> None:
    async with house.pool.connection() as connection:
        await house.queue.defer(connection, jobs)


async def test_a_job_whose_end_was_not_stored_frees_its_lock(
    house: House, record: Record, monkeypatch
):
    real = KnownWorker._persist_job_status

    async def cut_off(*_, **__):
        monkeypatch.setattr(KnownWorker, "_persist_job_status", real)
        raise ConnectorException

    monkeypatch.setattr(KnownWorker, "_persist_job_status", cut_off)
    await defer(house, turn_job("c1"), resume_job("c1"))
    record.workers.start()

    await record.until("turn", "turn", "resume")
    await record.workers.stop()
    assert await house.jobs() == []


async def test_a_job_whose_fetching_was_cut_is_fetched_again(
    house: House, record: Record, monkeypatch
):
    manager = house.queue.app.job_manager
    real = manager.fetch_job

    async def cut_off(*given, **named):
        job = await real(*given, **named)
        if job is not None:
            monkeypatch.setattr(manager, "fetch_job", real)
            return None  # the answer is lost on its way
        return job

    monkeypatch.setattr(manager, "fetch_job", cut_off)
    await defer(house, turn_job("c1"))
    record.workers.start()

    await record.until("turn")


async def test_a_running_job_is_left_alone_however_long(house: House, record: Record):
    record.held.clear()
    await defer(house, turn_job("c1"))
    record.workers.start()
    await record.until("turn")

    for _ in range(20):
        await record.clock.tick()
        await asyncio.sleep(MISSING / 10)
    record.held.set()
    await record.workers.stop()

    assert record.done == ["turn"]
    assert await house.jobs() == []
