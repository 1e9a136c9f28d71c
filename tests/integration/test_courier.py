"""The courier and the clock where two things meet in one instant."""

from __future__ import annotations

import asyncio
from typing import ClassVar

import psycopg
import pytest

import bot.jobs.courier as courier_module
from bot.approvals.ports import turn_job
from bot.base.errors import RetryLater
from bot.database.pool import transaction
from bot.jobs.clock import Clock
from bot.jobs.courier import AT_ONCE, Courier
from tests.support.house import House


class Letters:
    """An outbox of as many letters as it is told, which may be slow or refused."""

    lease = 5.0
    statements: ClassVar = {
        "pick": "UPDATE letters SET due_at = now() + %(lease)s"
        " WHERE key IN (SELECT key FROM letters WHERE open AND due_at <= now()"
        " ORDER BY key LIMIT %(most)s FOR UPDATE SKIP LOCKED) RETURNING key",
        "take": "SELECT key, tries FROM letters WHERE key = %(key)s AND open",
        "postpone": "UPDATE letters SET tries = tries + 1, due_at = now() + interval"
        " '1 hour' WHERE key = %(key)s",
    }

    def __init__(self, house: House) -> None:
        self.house = house
        self.sent: list[str] = []
        self.most = self.now = 0
        self.trouble: list[Exception] = []

    async def write(self, *keys: str) -> None:
        await self.house.rows(
            "CREATE TABLE IF NOT EXISTS letters (key text, open bool DEFAULT true,"
            " tries int DEFAULT 0, due_at timestamptz DEFAULT now());"
            " GRANT ALL ON letters TO PUBLIC"
        )
        for key in keys:
            await self.house.rows("INSERT INTO letters (key) VALUES (%s)", key)

    async def bring(self, row) -> bool:
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.005)  # time for others to be on their way
        self.now -= 1
        if self.trouble:
            raise self.trouble.pop()
        self.sent.append(row["key"])
        await self.house.rows(
            "UPDATE letters SET open = false WHERE key = %s", row["key"]
        )
        return False


async def test_a_row_that_is_handed_over_need_not_be_taken(house: House):
    letters = Letters(house)
    await letters.write("d1")
    letters.statements = {**Letters.statements, "take": "SELECT 1 WHERE false"}
    courier = Courier(house.pool, letters)
    courier.hand({"id": "d1", "key": "d1", "tries": 0})
    courier.send("d1")
    await courier.stop()
    assert letters.sent == ["d1"]


async def test_a_row_handed_over_too_long_ago_is_left(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    letters = Letters(house)
    await letters.write("d1")
    letters.statements = {**Letters.statements, "take": "SELECT 1 WHERE false"}
    monkeypatch.setattr(courier_module, "FIRST_PART", 0)
    courier = Courier(house.pool, letters)
    courier.hand({"id": "d1", "key": "d1", "tries": 0})
    courier.send("d1")
    await courier.stop()
    assert letters.sent == []


async def until(holds) -> None:
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)


async def test_a_change_at_the_end_of_a_sending_is_sent(house: House):
    letters = Letters(house)
    await letters.write("d1")
    courier = Courier(house.pool, letters)
    courier.send("d1")
    task = courier._under_way["d1"]
    while not task.done():  # noqa: ASYNC110 - the very step after its end is meant
        await asyncio.sleep(0)
    await house.rows("UPDATE letters SET open = true")
    courier.send("d1")  # perhaps before the end was noticed
    await courier.stop()

    assert letters.sent == ["d1", "d1"]


async def test_changes_during_a_sending_and_after_it_are_one_edit(house: House):
    letters = Letters(house)
    await letters.write("d1")
    courier = Courier(house.pool, letters)

    async def bring(row) -> bool:
        letters.sent.append(row["key"])
        if len(letters.sent) == 1:
            courier.send("d1", can_wait=True)
            asyncio.get_running_loop().call_later(0.01, courier.send, "d1", True)
        return False

    letters.bring = bring
    courier.send("d1")
    await until(lambda: not courier._under_way)
    assert letters.sent == ["d1", "d1"]


async def test_all_that_is_due_goes_out_some_at_once(house: House):
    letters = Letters(house)
    await letters.write(*(f"d{number}" for number in range(40)))
    courier = Courier(house.pool, letters)

    await courier.look()
    await until(lambda: len(letters.sent) == 40)
    await courier.stop()

    assert sorted(letters.sent) == sorted(f"d{number}" for number in range(40))
    assert 1 < letters.most <= AT_ONCE


async def test_a_refused_letter_is_tried_again_by_its_process(house: House):
    letters = Letters(house)
    letters.trouble = [RetryLater(0), OSError("away")]
    await letters.write("d1")
    courier = Courier(house.pool, letters)

    courier.send("d1")
    await until(lambda: letters.sent)
    await courier.stop()

    assert letters.sent == ["d1"]
    assert await house.one("SELECT tries FROM letters") == 2


async def test_messages_of_one_commit_go_out_in_their_order(house: House):
    letters = Letters(house)
    keys = ["d3", "d1", "d2", "d4"]
    letters.trouble = [RetryLater(0), RetryLater(0)]  # of the first one
    await letters.write(*keys)
    courier = Courier(house.pool, letters)
    house.queue.send, house.queue.line_up = courier.send, courier.line_up

    async with transaction(house.pool) as connection:
        house.queue.post(connection, keys)
    await until(lambda: len(letters.sent) == 4)
    await courier.stop()

    assert letters.sent == keys
    assert courier._to_be_sent == {}


async def test_a_message_that_hangs_holds_up_those_behind_it_shortly(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(courier_module, "IN_ORDER", 0.02)
    letters = Letters(house)
    letters.trouble = [RetryLater(60)]
    await letters.write("d1", "d2")
    courier = Courier(house.pool, letters)

    for key in ("d1", "d2"):
        courier.send(key, place=courier.line_up("c1"))
    await until(lambda: letters.sent)
    await courier.stop()

    assert letters.sent == ["d2"]


async def test_a_row_handed_over_outlasts_a_wait_in_vain(house: House):
    letters = Letters(house)
    letters.lease = 10.0  # so that a slow machine sends it within its first part
    await letters.write("d1", "d2")
    letters.statements = {**Letters.statements, "take": "SELECT 1 WHERE false"}
    courier, slow, real = Courier(house.pool, letters), asyncio.Event(), letters.bring

    async def bring(row) -> bool:
        if row["key"] == "d1":
            await slow.wait()
        return await real(row)

    letters.bring = bring
    for key in ("d1", "d2"):
        courier.hand({"id": key, "key": key, "tries": 0})
        courier.send(key, place=courier.line_up("c1"))
    await asyncio.wait({courier._under_way["d2"]})
    assert letters.sent == ["d2"]
    slow.set()
    await courier.stop()


async def test_messages_of_a_conversation_go_out_in_their_order(house: House):
    letters = Letters(house)
    await letters.write("d1", "d2", "other")
    courier = Courier(house.pool, letters)
    slow, real = asyncio.Event(), letters.bring

    async def bring(row) -> bool:
        if row["key"] == "d1":
            await slow.wait()
        return await real(row)

    letters.bring = bring
    for key, conversation in (("d1", "c1"), ("d2", "c1"), ("other", "c2")):
        courier.send(key, place=courier.line_up(conversation))
    await until(lambda: letters.sent == ["other"])
    slow.set()
    await courier.stop()
    assert letters.sent == ["other", "d1", "d2"]
    assert not courier._last


async def test_what_was_written_first_goes_out_first(house: House):
    """The next turn can be over before the answer to the commit of the last comes."""
    letters = Letters(house)
    await letters.write("d1", "d2")
    courier = Courier(house.pool, letters)
    house.queue.send, house.queue.line_up = courier.send, courier.line_up

    async with transaction(house.pool) as late:
        house.queue.post(late, ["d1"], conversation="c1")
        async with transaction(house.pool) as connection:
            house.queue.post(connection, ["d2"], conversation="c1")
        await asyncio.wait({courier._under_way["d2"]}, timeout=0.1)
        assert letters.sent == []
    await until(lambda: len(letters.sent) == 2)
    await courier.stop()

    assert letters.sent == ["d1", "d2"]
    assert not courier._last


async def test_nothing_waits_for_what_was_not_written(house: House):
    courier = Courier(house.pool, Letters(house))
    house.queue.line_up = courier.line_up

    async def fail() -> None:
        async with transaction(house.pool) as connection:
            house.queue.post(connection, ["d1"], conversation="c1")
            await connection.execute("nonsense")

    with pytest.raises(psycopg.errors.SyntaxError):
        await fail()
    assert not courier._last


async def test_what_could_not_be_taken_is_sent_when_due(house: House):
    letters = Letters(house)
    courier = Courier(house.pool, letters)

    courier.send("d1")  # there is no such table yet
    await until(lambda: not courier._under_way)
    await letters.write("d1")
    await courier.look()
    await until(lambda: letters.sent)
    await courier.stop()

    assert letters.sent == ["d1"]


async def test_a_stopped_courier_leaves_the_rest_to_others(house: House):
    letters = Letters(house)
    await letters.write("d1")
    courier = Courier(house.pool, letters)
    await courier.stop()
    courier.send("d1")
    await courier.look()
    await courier.stop()
    assert letters.sent == []


async def test_two_clocks_return_a_dead_workers_jobs_once(house: House):
    await house.queue.open()
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
    await house.queue.close()

    assert len(fetched) == len(set(fetched)) == 40
