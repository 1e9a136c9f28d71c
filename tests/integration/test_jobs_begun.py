"""A job that the process which writes it begins: no one else has to fetch it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest
from procrastinate.exceptions import ConnectorException
from procrastinate.manager import JobManager

from bot.approvals.ports import JobAtWork, at_work, turn_job
from bot.base.errors import RetryLater
from bot.conversations import inbox
from bot.conversations import runner as runner_module
from bot.conversations.inbox import Incoming, receive
from bot.conversations.runner import Runner
from bot.conversations.stop_and_retry import Stopper
from bot.database.pool import Connection, transaction
from bot.jobs import queue as module
from bot.jobs.clock import Clock
from bot.jobs.queue import Queue, Workers
from tests.support.agent_parts import make_agent
from tests.support.crashes import until
from tests.support.house import House
from tests.support.people import APP, CHANNEL, MINA, RAVI, TEAM, person
from tests.support.postgres import as_role

BEGIN = "SELECT begin_for_conversation('turn', %s, %s) AS begun"
MISSING = 0.3  # seconds
NEW = "00000000-0000-0000-0000-00000000000{}"


class Replica:
    """A queue with a worker; its jobs are noted, and end when they may."""

    def __init__(self, house: House, queue: Queue) -> None:
        self.house, self.queue = house, queue
        self.done: list[str] = []
        self.begun = 0
        self.runner: Runner | None = None  # what does them, if anything
        self.may_end = asyncio.Event()
        self.may_end.set()
        self.workers = Workers(queue)
        self.clock = Clock(5, house.pool, queue, held=self.workers.held)
        queue.register("turn", partial(self._work, "turn"))
        queue.register("resume", partial(self._work, "resume"))

    async def _work(self, name: str, conversation: str) -> None:
        self.begun += 1
        await self.may_end.wait()
        if self.runner:
            await getattr(self.runner, name)(conversation)
        self.done.append(f"{name} {conversation}")

    async def start(self) -> None:
        await self.queue.open()
        self.workers.start()
        await until(lambda: self.queue.free_worker)

    async def stop(self) -> None:
        self.may_end.set()
        await self.workers.stop()
        await self.queue.close()

    async def hand(self, conversation: str, number: int | None) -> int:
        """Write a job for the worker of that number, and have it begun if it is."""
        async with transaction(self.house.pool) as connection:
            begun = await begin(connection, conversation, number)
            self.queue.begin(connection, turn_job(conversation), begun)
        assert begun is not None
        return begun


@pytest.fixture
def poll() -> float:
    """The seconds between two looks for jobs that were not announced."""
    return module.POLL_IDLE


@pytest.fixture
async def replica(
    house: House, shorter, monkeypatch, poll: float
) -> AsyncIterator[Replica]:
    shorter(job_missing=MISSING)
    monkeypatch.setattr(module, "POLL_IDLE", poll)
    made = Replica(house, house.queue)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def one_at_once(monkeypatch):
    """A worker has room for one job; asked for before the replica."""
    monkeypatch.setattr(module, "CONCURRENCY", 1)


@pytest.fixture
def no_fetching(monkeypatch):
    """Nothing that waits in the table is ever fetched."""

    async def find_nothing(*_):
        return None

    monkeypatch.setattr(JobManager, "fetch_job", find_nothing)


async def begin(
    connection: Connection, conversation: str, number: int | None
) -> int | None:
    found = await connection.execute(BEGIN, [conversation, number])
    row = await found.fetchone()
    assert row
    return row["begun"]


async def states(house: House) -> list[tuple[str, int | None]]:
    found = await house.rows(
        "SELECT status, worker_id FROM procrastinate_jobs ORDER BY id"
    )
    return [(row["status"], row["worker_id"]) for row in found]


async def given_back(replica: Replica) -> None:
    """Let the clock look until somebody has done a job that is lost."""
    async with asyncio.timeout(30):
        while not replica.done:
            await replica.clock.tick()
            await asyncio.sleep(0.05)


async def comes(house: House, query: str) -> None:
    """Wait until the database has such a row."""
    async with asyncio.timeout(10):
        while not await house.rows(query):  # noqa: ASYNC110 - it has no event for that
            await asyncio.sleep(0.01)


@pytest.mark.usefixtures("no_fetching")
async def test_who_stores_a_message_begins_its_turn(house: House, replica: Replica):
    conversation = await house.write()
    await until(lambda: replica.done == [f"turn {conversation}"])
    await replica.stop()
    assert await states(house) == []


@pytest.mark.usefixtures("no_fetching")
async def test_who_stores_a_verdict_resumes_the_graph(house: House, replica: Replica):
    request = await house.ask()
    await house.click(MINA, request)
    await until(lambda: f"resume {request.conversation}" in replica.done)


@pytest.mark.usefixtures("no_fetching")
async def test_who_stores_a_message_starts_its_run(
    house: House, replica: Replica, monkeypatch
):
    agent = make_agent(house, "Hello.")
    replica.runner = agent.runner
    monkeypatch.setattr(runner_module, "start", None)  # what reads and starts alone
    conversation = await house.write()
    await until(lambda: replica.done == [f"turn {conversation}"])
    assert await agent.said() == ["Hello."]


async def test_a_run_after_the_first_starts_with_its_job(
    house: House, replica: Replica
):
    agent = make_agent(house, "Hello.", "Hello again.")
    replica.runner = agent.runner
    await house.write()
    await until(lambda: replica.done and replica.queue.announced.worker.jobs == set())
    replica.may_end.clear()
    await house.write()
    await until(lambda: replica.begun == 2)
    assert await agent.states() == ["answered", "received"]
    replica.may_end.set()
    await until(lambda: len(replica.done) == 2)
    assert await agent.said() == ["Hello.", "Hello again."]


async def test_a_started_run_that_nobody_began_is_picked_up(
    house: House, replica: Replica, monkeypatch
):
    agent = make_agent(house, "Hello.")
    replica.runner = agent.runner
    with monkeypatch.context() as patch:
        patch.setattr(replica.queue.announced, "hand", lambda *_: None)
        await house.write()
    assert await agent.states() == ["running"]
    await given_back(replica)
    assert await agent.said() == ["Hello."]


async def test_a_job_tried_again_starts_its_run_anew(
    house: House, replica: Replica, monkeypatch
):
    tries: list[JobAtWork | None] = []

    async def turn(self: Runner, conversation: str) -> None:
        tries.append(at_work.get())
        if len(tries) == 1:
            raise RetryLater(0)

    monkeypatch.setattr(Runner, "turn", turn)
    replica.runner = make_agent(house).runner
    await house.write()
    await until(lambda: len(tries) == 2)
    assert [job and job.row is not None for job in tries] == [True, False]


async def test_a_stop_where_nothing_goes_on_is_for_the_agent(
    house: House, replica: Replica
):
    agent = make_agent(house, "What shall I stop?")
    replica.runner = agent.runner
    replica.may_end.clear()
    stop = Incoming("", TEAM, CHANNEL, "2.1", "100.1", "EvNext", RAVI, "stop")
    assert await receive(house.pool, house.queue, stop)
    asked = house.pool, house.people, house.policies, house.queue, lambda: APP
    place, word = (CHANNEL, "100.1"), {"said": "2.1", "quietly": True}
    stopped = Stopper(*asked).stop_thread(person(RAVI), place, **word)
    assert await agent.states() == ["running"]
    assert await stopped == "nothing_to_stop"
    replica.may_end.set()
    await until(lambda: replica.done)
    assert await agent.said() == ["What shall I stop?"]


async def test_a_message_that_starts_its_run_waits_for_the_disk(
    house: House, replica: Replica, monkeypatch
):
    replica.may_end.clear()
    shown: list[Any] = []

    async def look(connection: Connection, *_: Any) -> None:
        found = await connection.execute("SHOW synchronous_commit")
        shown.append(await found.fetchone())

    monkeypatch.setattr(inbox, "_whisper", look)
    async with house.pool.connection() as connection:  # the pool gives it out again
        await connection.execute("SET synchronous_commit = on")
    ts = "100.1"
    unread = Incoming("", TEAM, CHANNEL, ts, ts, "Ev1", RAVI, "hi", ("a picture",))
    assert await receive(house.pool, house.queue, unread)
    assert shown == [{"synchronous_commit": "on"}]
    assert await house.rows("SELECT state FROM messages") == [{"state": "running"}]


async def test_a_replica_begins_what_it_stored_itself(house: House, replica: Replica):
    other = Replica(house, Queue(as_role(house.url)))
    await other.start()
    replica.may_end.clear()
    other.may_end.clear()
    await house.write(thread_ts="1.1")
    house.queue = other.queue
    await house.write(thread_ts="2.2")
    await until(lambda: (replica.begun, other.begun) == (1, 1))
    assert await states(house) == [
        ("doing", replica.queue.free_worker),
        ("doing", other.queue.free_worker),
    ]
    await other.stop()


async def test_a_process_without_a_worker_leaves_it_to_others(house: House):
    await house.write()
    request = await house.ask()
    await house.click(MINA, request)
    assert await states(house) == [("todo", None)] * 2


async def test_what_is_at_work_in_a_conversation_comes_first(
    house: House, replica: Replica
):
    replica.may_end.clear()
    conversation = await house.write()
    await house.write()
    await until(lambda: replica.begun == 1)
    assert [state for state, _ in await states(house)] == ["doing", "todo"]
    replica.may_end.set()
    await until(lambda: replica.done == [f"turn {conversation}"] * 2)


async def test_what_waits_in_a_conversation_comes_first(house: House):
    conversation = await house.write()  # without a worker: it waits
    number = await house.one("SELECT worker_id FROM procrastinate_register_worker_v1()")
    async with house.pool.connection() as connection:
        assert await begin(connection, conversation, number) is None
    assert await states(house) == [("todo", None)] * 2


async def test_two_at_once_in_a_conversation_wait_for_no_lock(house: House):
    number = await house.one("SELECT worker_id FROM procrastinate_register_worker_v1()")
    async with transaction(house.pool) as first:
        assert await begin(first, NEW.format(1), number) is not None
        async with asyncio.timeout(5), transaction(house.pool) as second:
            assert await begin(second, NEW.format(1), number) is None
    assert await states(house) == [("doing", number), ("todo", None)]


async def test_the_end_of_a_run_is_not_waited_for(house: House):
    number = await house.one("SELECT worker_id FROM procrastinate_register_worker_v1()")
    async with house.pool.connection() as beside:
        await begin(beside, NEW.format(1), number)
        async with asyncio.timeout(5), transaction(house.pool) as ending:
            await ending.execute("DELETE FROM procrastinate_jobs")
            assert await begin(beside, NEW.format(1), number) is None


async def test_one_that_is_fetched_meanwhile_comes_first(house: House):
    number = await house.one("SELECT worker_id FROM procrastinate_register_worker_v1()")
    async with house.pool.connection() as beside:
        async with transaction(house.pool) as connection:
            await connection.execute(
                "INSERT INTO procrastinate_jobs (queue_name, task_name, lock, status)"
                " VALUES ('runs', 'turn', %s, 'doing')",
                [NEW.format(1)],
            )
            waiting = asyncio.create_task(begin(beside, NEW.format(1), number))
            await house.blocked(waiting)
        assert await waiting is None
    assert await states(house) == [("doing", None), ("todo", None)]


async def test_fetching_one_whose_lock_was_just_taken_is_no_trouble(
    house: House, replica: Replica
):
    number = replica.queue.free_worker
    async with transaction(house.pool) as connection:
        begun = await begin(connection, NEW.format(1), number)
        async with house.pool.connection() as beside:
            await replica.queue.defer(beside, [turn_job(NEW.format(1))])
        await comes(house, "SELECT 1 FROM pg_locks WHERE NOT granted")
        replica.queue.begin(connection, turn_job(NEW.format(1)), begun)
    await until(lambda: len(replica.done) == 2)
    assert replica.queue.free_worker == number  # the same one, not a new one


async def test_a_worker_that_was_struck_off_gets_no_job(house: House, replica: Replica):
    number = replica.queue.free_worker
    await house.rows("DELETE FROM procrastinate_workers WHERE id = %s", number)
    async with house.pool.connection() as connection:
        assert await begin(connection, NEW.format(1), number) is None


@pytest.mark.usefixtures("one_at_once")
async def test_a_full_worker_leaves_it_to_others(house: House, replica: Replica):
    replica.may_end.clear()
    await house.write(thread_ts="1.1")
    await house.write(thread_ts="2.2")
    assert [state for state, _ in await states(house)] == ["doing", "todo"]


async def test_a_stopping_worker_leaves_it_to_others(house: House, replica: Replica):
    replica.may_end.clear()
    await house.write(thread_ts="1.1")
    await until(lambda: replica.begun == 1)
    stopping = asyncio.create_task(replica.workers.stop())
    await asyncio.sleep(0)
    await house.write(thread_ts="2.2")
    assert [state for state, _ in await states(house)] == ["doing", "todo"]
    replica.may_end.set()
    await stopping


async def test_a_job_whose_commit_had_no_answer_is_given_back(
    house: House, replica: Replica, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr(replica.queue.announced, "hand", lambda *_: None)
        conversation = await house.write()
    assert [state for state, _ in await states(house)] == ["doing"]
    await given_back(replica)
    assert replica.done == [f"turn {conversation}"]


@pytest.mark.usefixtures("one_at_once")
async def test_a_job_handed_over_is_kept_until_the_end(house: House, replica: Replica):
    replica.may_end.clear()
    number = replica.queue.free_worker
    first = await replica.hand(NEW.format(1), number)
    second = await replica.hand(NEW.format(2), number)  # written at the same time
    await until(lambda: replica.begun == 1)
    for _ in range(20):
        await replica.clock.tick()
        await asyncio.sleep(MISSING / 10)
    assert replica.workers.held() == {number: {first, second}}
    assert await states(house) == [("doing", number)] * 2

    stopping = asyncio.create_task(replica.workers.stop())
    await comes(house, "SELECT 1 FROM procrastinate_jobs WHERE status = 'todo'")
    assert await states(house) == [("doing", number), ("todo", number)]
    replica.may_end.set()
    await stopping
    assert replica.done == [f"turn {NEW.format(1)}"]


async def test_a_job_written_while_the_worker_stops_is_given_back(
    house: House, replica: Replica
):
    replica.may_end.clear()
    number = replica.queue.free_worker
    await replica.hand(NEW.format(1), number)
    await until(lambda: replica.begun == 1)
    async with transaction(house.pool) as connection:
        begun = await begin(connection, NEW.format(2), number)
        stopping = asyncio.create_task(replica.workers.stop())
        await until(lambda: replica.queue.free_worker is None)
        for _ in range(20):  # it looks for no jobs any more
            await house.one("SELECT 1")
        replica.queue.begin(connection, turn_job(NEW.format(2)), begun)
    await comes(house, "SELECT 1 FROM procrastinate_jobs WHERE status = 'todo'")
    assert not stopping.done()
    replica.may_end.set()
    await stopping
    assert replica.done == [f"turn {NEW.format(1)}"]


async def test_a_worker_that_broke_leaves_it_to_others(
    house: House, replica: Replica, monkeypatch
):
    replica.may_end.clear()
    number = replica.queue.free_worker
    await replica.hand(NEW.format(1), number)
    await until(lambda: replica.begun == 1)

    async def break_down(*_):
        raise ConnectorException

    with monkeypatch.context() as patch:
        patch.setattr(JobManager, "fetch_job", break_down)
        await house.rows(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, lock, args)"
            """ VALUES ('runs', 'turn', 'due', '{"conversation": "due"}')"""
        )
        await until(lambda: replica.queue.free_worker is None, 5)  # its jobs go on
    replica.may_end.set()
    await until(lambda: "turn due" in replica.done)


async def test_jobs_of_a_worker_that_is_gone_are_not_begun(
    house: House, replica: Replica
):
    number = replica.queue.free_worker
    async with transaction(house.pool) as connection:
        begun = await begin(connection, NEW.format(1), number)
        replica.queue.begin(connection, turn_job(NEW.format(1)), begun)
        [act] = connection.after_commit
        connection.after_commit.clear()
    await replica.workers.stop()
    act()  # after the end of the worker whose job it was
    replica.workers = Workers(replica.queue)
    replica.workers.start()
    await until(lambda: replica.queue.free_worker)
    await replica.hand(NEW.format(2), replica.queue.free_worker)
    await until(lambda: replica.done)
    assert replica.done == [f"turn {NEW.format(2)}"]


@pytest.mark.parametrize("poll", [60.0])
async def test_a_job_handed_over_during_a_look_is_begun(replica: Replica, monkeypatch):
    looks, may_find = asyncio.Event(), asyncio.Event()

    async def look_long(*_):
        looks.set()
        await may_find.wait()

    monkeypatch.setattr(JobManager, "fetch_job", look_long)
    replica.queue.announced.waiting.add(0)
    replica.queue.announced.worker.wake()
    await looks.wait()
    await replica.hand(NEW.format(1), replica.queue.free_worker)
    may_find.set()
    await until(lambda: replica.done)


@pytest.mark.parametrize("poll", [0.2])
async def test_many_handed_over_keep_no_other_job_waiting(
    house: House, replica: Replica
):
    await house.rows(
        "INSERT INTO procrastinate_jobs (queue_name, task_name, lock, args, status)"
        """ VALUES ('runs', 'turn', 'due', '{"conversation": "due"}', 'doing')"""
    )
    # due, and announced to nobody
    await house.rows("UPDATE procrastinate_jobs SET status = 'todo'")
    async with asyncio.timeout(20):
        while "turn due" not in replica.done:
            await replica.hand(str(uuid.uuid4()), replica.queue.free_worker)
