"""The courier and the clock where two things meet in one instant."""

from __future__ import annotations

import asyncio

from bot.approvals.ports import turn_job
from bot.database.pool import transaction
from bot.jobs.clock import Clock
from bot.jobs.courier import Courier
from tests.integration.core_parts import House


async def test_a_change_at_the_end_of_a_sending_is_sent(house: House):
    sent: list[str] = []

    async def deliver(delivery: str) -> None:
        sent.append(delivery)

    await house.queue.app.open_async()
    courier = Courier(house.pool, house.queue, deliver)
    courier.send("d1", 1, can_wait=False)
    task = courier._under_way["d1"]
    while not task.done():  # noqa: ASYNC110 - the very step after its end is meant
        await asyncio.sleep(0)
    courier.send("d1", 2, can_wait=False)  # perhaps before the end was noticed
    await courier.stop()
    await house.queue.app.close_async()

    assert sent == ["d1", "d1"]


async def test_two_clocks_return_a_dead_workers_jobs_once(house: House):
    await house.queue.app.open_async()
    async with transaction(house.pool) as connection:
        jobs = [turn_job(f"conversation {number}") for number in range(40)]
        await house.queue.defer(connection, jobs)
    beat = (
        "INSERT INTO procrastinate_workers (last_heartbeat)"
        " VALUES (now() - make_interval(secs => %s))"
    )
    await house.rows(beat, 3600)
    dead = await house.one("SELECT id FROM procrastinate_workers")
    await house.rows(
        "UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s", dead
    )
    await house.rows(beat, 0)
    alive = await house.one("SELECT max(id) FROM procrastinate_workers")
    clocks = [Clock(5, house.pool, house.queue) for _ in range(2)]
    fetched: list[int] = []

    async def work() -> None:
        manager = house.queue.app.job_manager
        for _ in range(200):
            if job := await manager.fetch_job(queues=["runs"], worker_id=alive):
                fetched.append(job.id)
            await asyncio.sleep(0.002)

    await asyncio.gather(work(), *(clock.tick() for clock in clocks))
    await house.queue.app.close_async()

    assert len(fetched) == len(set(fetched)) == 40
