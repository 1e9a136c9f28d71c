"""The real queue at work: order within a lock, patience, giving up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from procrastinate.jobs import Job

from bot.approvals import SQL
from bot.approvals.ports import at_work, prune_job, resume_job, turn_job
from bot.base.errors import RetryLater, SlackUnavailable
from bot.jobs.queue import RUNS, Workers
from tests.support.crashes import until
from tests.support.house import House

JOBS = "SELECT id FROM procrastinate_jobs"
END = "DELETE FROM procrastinate_jobs WHERE id = {} RETURNING id"


@dataclass
class Work:
    """The work of the jobs: note their names, raise what the test wants."""

    house: House
    done: list[str] = field(default_factory=list)
    given_up: list[str] = field(default_factory=list)
    held_up: list[str] = field(default_factory=list)
    running: int = 0
    most: int = 0
    trouble: BaseException | None = None
    ends: bool | None = None  # deletes its own job; whether the word of that arrives
    together: asyncio.Barrier = field(default_factory=lambda: asyncio.Barrier(1))

    async def turn(self, conversation: str) -> None:
        self.running += 1
        self.most = max(self.most, self.running)
        await self.together.wait()
        await asyncio.sleep(0.05)  # longer than another one takes to be fetched
        self.running -= 1
        self.done.append(f"turn {conversation}")
        if self.ends is not None:
            await self.end()
        if self.trouble:
            raise self.trouble

    async def end(self) -> None:
        """As `end_run` does: the job goes in the transaction of what it came to."""
        job = at_work.get()
        assert job
        await self.house.rows(END.format(job.number))
        if self.ends:
            job.end()

    async def resume(self, conversation: str) -> None:
        self.done.append(f"resume {conversation}")

    async def give_up(self, conversation: str) -> None:
        self.given_up.append(conversation)
        if at_work.get():
            await self.end()

    async def hold_up(self, conversation: str) -> None:
        self.held_up.append(conversation)

    async def defer(self, *jobs) -> None:
        async with self.house.pool.connection() as connection:
            await self.house.queue.defer(connection, jobs)

    async def all(self) -> None:
        """Work until nothing is due now; a worker goes home before a taken lock."""
        due = "status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= now())"
        before = None
        while (now := await self.house.rows(f"{JOBS} WHERE {due}")) not in ([], before):
            before = now
            await self.house.queue.app.run_worker_async(
                queues=[RUNS],
                concurrency=4,
                wait=False,
                listen_notify=False,
                install_signal_handlers=False,
                delete_jobs="successful",
            )

    async def left(self) -> list[tuple[str, int, int]]:
        """Status, attempts, seconds until it is due, of each job that is left."""
        rows = await self.house.rows(
            "SELECT status, attempts, round(extract(epoch FROM scheduled_at - now()))"
            " AS wait FROM procrastinate_jobs ORDER BY id"
        )
        return [(r["status"], r["attempts"], int(r["wait"] or 0)) for r in rows]


@pytest.fixture
async def work(house: House) -> AsyncIterator[Work]:
    found = Work(house)
    house.queue.register("turn", found.turn, found.give_up, found.hold_up)
    house.queue.register("resume", found.resume)
    await house.queue.open()
    yield found
    await house.queue.close()


async def test_its_sessions_plan_a_statement_once_for_all_values(house: House):
    async with house.queue.pool as pool, pool.connection() as connection:
        found = await connection.execute(
            "SELECT setting, source FROM pg_settings WHERE name = 'plan_cache_mode'"
        )
        row = await found.fetchone()
    assert row == {"setting": "force_generic_plan", "source": "session"}


async def test_a_plan_for_small_tables_reads_no_whole_table(house: House):
    await house.ask()
    await house.rows("ANALYZE")
    async with house.queue.pool as pool, pool.connection() as connection:
        text = f"EXPLAIN {SQL['select_requests_named']}".encode()
        found = await connection.execute(text, {"ids": ["r"]})
        plan = "\n".join(row["QUERY PLAN"] for row in await found.fetchall())
    assert "Scan" in plan
    assert "Seq Scan" not in plan


async def test_one_of_many_jobs_is_found_without_statistics(house: House):
    await house.rows(
        "INSERT INTO procrastinate_jobs (queue_name, task_name, lock)"
        " SELECT 'runs', 'turn', n::text FROM generate_series(1, 3000) n"
    )
    fetch = "SELECT procrastinate_fetch_job_v2('{runs}', NULL)"
    async with house.queue.pool as pool, pool.connection() as connection:
        for _ in range(2):  # the first one reads the catalogs, too
            found = await connection.execute(
                f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {fetch}".encode()
            )
            [[made]] = [row["QUERY PLAN"] for row in await found.fetchall()]
    assert made["Plan"]["Shared Hit Blocks"] < 200


async def test_jobs_of_a_conversation_run_one_by_one_in_order(work: Work):
    await work.defer(turn_job("c1"), resume_job("c1"), turn_job("c1"))
    await work.all()
    assert work.done == ["turn c1", "resume c1", "turn c1"]
    assert work.most == 1
    assert await work.left() == []


async def test_jobs_of_other_conversations_run_beside(work: Work):
    work.together = asyncio.Barrier(2)  # each waits until it is not alone
    await work.defer(*(turn_job(f"c{number}") for number in range(4)))
    async with asyncio.timeout(30):
        await work.all()
    assert len(work.done) == 4
    assert work.most > 1


async def test_passing_trouble_keeps_a_job_and_its_order(work: Work):
    work.trouble = SlackUnavailable()
    await work.defer(turn_job("c1"), resume_job("c1"))
    await work.all()
    assert work.done == ["turn c1"]
    assert [status for status, _, _ in await work.left()] == ["todo", "todo"]
    assert work.given_up == []


async def test_a_wait_that_the_other_side_names_is_kept(work: Work):
    work.trouble = RetryLater(30)
    await work.defer(turn_job("c1"))
    await work.all()
    [(status, attempts, wait)] = await work.left()
    assert (status, attempts) == ("todo", 1)
    assert 25 <= wait <= 30


async def test_trouble_that_passes_is_never_given_up(work: Work):
    work.trouble = SlackUnavailable()
    await work.defer(turn_job("c1"))
    await work.house.rows("UPDATE procrastinate_jobs SET attempts = 500")
    await work.all()
    [(status, attempts, wait)] = await work.left()
    assert (status, attempts) == ("todo", 501)
    assert 10 <= wait <= 15
    assert work.given_up == []


@pytest.mark.parametrize(
    ("tries", "told"), [(0, []), (2, []), (3, ["c1"]), (9, ["c1"])]
)
async def test_who_waits_for_slack_is_told_from_the_fourth_try(
    work: Work, tries: int, told: list[str]
):
    work.trouble = SlackUnavailable()
    await work.defer(turn_job("c1"))
    await work.house.rows("UPDATE procrastinate_jobs SET attempts = %s", tries)
    await work.all()
    assert work.held_up == told
    assert [status for status, _, _ in await work.left()] == ["todo"]


async def test_a_bug_is_given_up_and_whoever_waits_is_told(work: Work):
    work.trouble = KeyError("a bug")
    await work.defer(turn_job("c1"))
    await work.all()
    assert [status for status, _, _ in await work.left()] == ["todo"]
    assert work.given_up == []
    await work.house.rows(
        "UPDATE procrastinate_jobs SET attempts = 3, scheduled_at = NULL"
    )
    await work.all()
    assert [status for status, _, _ in await work.left()] == ["failed"]
    assert work.given_up == ["c1"]


@pytest.mark.parametrize("is_told", [True, False])
@pytest.mark.parametrize("trouble", [None, SlackUnavailable()])
async def test_a_job_that_its_work_has_ended_stays_ended(
    work: Work, is_told: bool, trouble: BaseException | None
):
    work.trouble, work.ends = trouble, is_told
    await work.defer(turn_job("c1"), resume_job("c1"))
    await work.all()
    assert work.done == ["turn c1", "resume c1"]
    assert await work.left() == []
    assert work.house.queue.announced.over == set()


async def test_a_job_is_written_out_only_where_it_is_read(
    work: Work, caplog, monkeypatch
):
    written: list[str] = []
    write_out = Job.log_context

    def noted(job: Job):
        written.append(job.task_name)
        return write_out(job)

    monkeypatch.setattr(Job, "log_context", noted)
    caplog.set_level("WARNING", "procrastinate")
    await work.defer(turn_job("c1"), prune_job("c2"))  # nobody does the second one
    workers = Workers(work.house.queue)
    workers.start()
    await until(lambda: work.done and caplog.records)
    await workers.stop()
    assert {*written} == {"prune"}
    assert {record.job["task_name"] for record in caplog.records} == {"prune"}
