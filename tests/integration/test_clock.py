"""The clock: what is overdue, stalled or left behind is taken up by whoever ticks."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable

import pytest

from bot.approvals.model import Status
from bot.approvals.ports import turn_job
from bot.base.time_limits import TimeLimits
from bot.jobs.clock import Clock, seldom
from tests.support.crashes import until
from tests.support.house import REJECT, House, break_audit
from tests.support.people import APPROVALS, MINA
from tests.support.post import Post
from tests.support.post import shown as shown_of

MINUTES = {"minutes": 2}
assert TimeLimits().left_behind <= 60


@pytest.fixture
async def clock(house: House) -> AsyncIterator[Clock]:
    await house.queue.open()
    yield Clock(5, house.pool, house.queue)
    await house.queue.close()


async def found_jobs(house: House, clock: Clock) -> set[tuple[str, str]]:
    """Lose all jobs, then return those that a tick takes up."""
    await house.forget_jobs()
    await clock.tick()
    return {(job.name, job.lock) for job in await house.jobs()}


async def due(post: Post) -> set[str]:
    """The messages that a clock finds unsent, and would send."""
    return {*await post.courier.pick()}


async def test_a_message_without_a_job_is_taken_up(house: House, clock: Clock):
    conversation = await house.write()
    assert await found_jobs(house, clock) == set()
    await house.pass_time(**MINUTES)
    assert await found_jobs(house, clock) == {("turn", conversation)}


async def test_a_turn_that_was_cut_off_is_taken_up(house: House, clock: Clock):
    conversation = await house.write()
    await house.rows("UPDATE messages SET state = 'running'")
    await house.pass_time(**MINUTES)
    assert await found_jobs(house, clock) == {("turn", conversation)}


@pytest.mark.parametrize("state", ["answered", "failed", "refused"])
async def test_a_message_that_is_done_with_is_not(house: House, clock: Clock, state):
    await house.write()
    await house.rows("UPDATE messages SET state = %s", state)
    await house.pass_time(**MINUTES)
    assert await found_jobs(house, clock) == set()


async def shown(house: House) -> None:
    await house.rows(
        "UPDATE deliveries SET shown = revision, state = 'sent', message_ts = '1.1'"
    )


@pytest.mark.parametrize(
    ("state", "found"), [("received", True), ("held", False), ("running", False)]
)
async def test_while_people_are_waited_for_only_unanswered_messages_are_work(
    house: House, clock: Clock, state, found
):
    conversation = await house.write()
    await house.rows("UPDATE messages SET state = %s", state)
    await house.ask(conversation=conversation)
    await shown(house)
    await house.pass_time(**MINUTES)
    jobs = await found_jobs(house, clock)
    assert jobs == ({("turn", conversation)} if found else set())


async def test_a_verdict_that_no_run_has_taken_is_taken_up(house: House, clock: Clock):
    request = await house.ask()
    await house.click(MINA, request, REJECT)
    await shown(house)
    assert await found_jobs(house, clock) == set()
    await house.pass_time(**MINUTES)
    assert await found_jobs(house, clock) == {("resume", request.conversation)}
    await house.rows("UPDATE requests SET resumed_at = bot_now()")
    assert await found_jobs(house, clock) == set()


async def test_an_unsent_card_is_due_without_its_notice(house: House, post: Post):
    request = await house.ask()
    assert await due(post) == {request.place.card}
    assert await due(post) == set()  # until this process's lease would be over
    await house.rows("UPDATE deliveries SET due_at = clock_timestamp()")
    assert await due(post) == {request.place.card}


async def test_what_a_living_process_holds_is_not_due(house: House, post: Post):
    await house.ask()
    lease = "UPDATE deliveries SET taken_until = clock_timestamp() + interval '%s s'"
    await house.rows(lease % 60)
    assert await due(post) == set()
    await house.rows(lease % -1)
    assert await due(post) != set()


async def test_a_notice_whose_card_stands_is_due(house: House, post: Post):
    request = await house.ask()
    await house.rows(
        "UPDATE deliveries SET shown = revision, message_ts = '1.1' WHERE kind='card'"
    )
    assert await due(post) == {request.place.notice}


async def test_a_closed_requests_notice_needs_no_posted_card(
    house: House, clock: Clock, post: Post
):
    request = await house.ask()
    await house.rows("UPDATE deliveries SET shown = 99 WHERE kind = 'card'")
    assert await due(post) == set()
    await house.pass_time(days=2)
    await clock.tick()
    assert await due(post) == {request.place.notice}


async def test_an_edit_that_nobody_has_made_is_due(house: House, post: Post):
    request = await house.ask()
    await shown(house)
    assert await due(post) == set()
    await house.rows(
        "UPDATE deliveries SET revision = revision + 1 WHERE id = %s",
        request.place.card,
    )
    assert await due(post) == {request.place.card}


async def test_a_tick_has_unsent_messages_sent(house: House, post: Post):
    clock = Clock(5, house.pool, house.queue, when={"messages": post.courier.look})
    await house.ask()
    await clock.tick()
    async with asyncio.timeout(20):
        while not await house.rows("SELECT 1 FROM deliveries WHERE shown > 0"):  # noqa: ASYNC110 - a row has no event
            await asyncio.sleep(0.01)
    assert [message["channel"] for message in post.slack.messages] == [APPROVALS]


async def test_what_a_card_offered_goes_when_its_time_is_over(
    house: House, clock: Clock, post: Post
):
    request = await house.ask()
    await post.work()
    await house.click(MINA, request, REJECT)
    await post.work()
    assert "Add a reason" in card_now(post)
    await clock.tick()
    assert await due(post) == set()

    await house.pass_time(seconds=61)
    await clock.tick()
    await post.work()
    assert "Rejected" in card_now(post)
    assert "Add a reason" not in card_now(post)
    await clock.tick()
    assert await due(post) == set()


def card_now(post: Post) -> str:
    """The card as its last edit shows it."""
    edits = post.slack.called("chat_update")
    return shown_of([each for each in edits if each["channel"] == APPROVALS][-1])


@pytest.mark.parametrize("status", ["todo", "doing"])
async def test_work_that_has_a_job_is_left_to_it(house: House, clock: Clock, status):
    await house.write()
    await house.pass_time(**MINUTES)
    await house.rows("UPDATE procrastinate_jobs SET status = %s", status)
    if status == "doing":
        await house.rows(
            "INSERT INTO procrastinate_workers DEFAULT VALUES;"
            "UPDATE procrastinate_jobs SET"
            " worker_id = (SELECT id FROM procrastinate_workers)"
        )
    await clock.tick()
    jobs = await house.rows("SELECT status FROM procrastinate_jobs")
    assert jobs == [{"status": status}]


async def test_a_failed_job_is_replaced_by_a_new_one(house: House, clock: Clock):
    conversation = await house.write()
    await house.rows("UPDATE procrastinate_jobs SET status = 'failed'")
    await house.pass_time(**MINUTES)
    await clock.tick()
    assert [(j.name, j.lock) for j in await house.jobs()] == [("turn", conversation)]


@pytest.mark.parametrize("known", [True, False], ids=["silent worker", "no worker"])
async def test_a_dead_workers_job_returns_to_the_queue(
    house: House, clock: Clock, known
):
    await house.write()
    worker = None
    if known:
        worker = await house.one(
            "INSERT INTO procrastinate_workers (last_heartbeat)"
            " VALUES (now() - interval '1 minute') RETURNING id"
        )
    await house.rows(
        "UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s", worker
    )
    assert await house.jobs() == []
    await clock.tick()
    assert [job.name for job in await house.jobs()] == ["turn"]


async def test_the_job_of_a_living_worker_stays_with_it(house: House, clock: Clock):
    await house.write()
    worker = await house.one(
        "INSERT INTO procrastinate_workers DEFAULT VALUES RETURNING id"
    )
    await house.rows(
        "UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s", worker
    )
    await clock.tick()
    assert await house.jobs() == []


async def test_a_tick_expires_what_is_overdue(house: House, clock: Clock):
    request = await house.ask()
    await house.pass_time(days=2)
    await clock.tick()
    assert (await house.request(request.id)).status is Status.TIMED_OUT


async def test_a_failing_duty_stops_neither_other_duties_nor_the_clock(
    house: House, clock: Clock
):
    conversation = await house.write()
    await house.ask()
    await house.pass_time(days=2)
    break_audit(house.url)
    before = clock.last_tick
    assert ("turn", conversation) in await found_jobs(house, clock)
    assert clock.last_tick > before


async def test_an_extra_duty_runs_at_every_tick(house: House):
    ticks: list[str] = []

    async def watch() -> None:
        ticks.append("watched")
        raise OSError

    clock = Clock(5, house.pool, house.queue, [watch])
    request = await house.ask()
    await house.pass_time(days=2)
    await house.queue.open()
    await clock.tick()
    await clock.tick()
    await house.queue.close()
    assert ticks == ["watched", "watched"]
    assert (await house.request(request.id)).status is Status.TIMED_OUT


async def test_a_duty_that_hangs_keeps_no_other_waiting(
    house: House, shorter: Callable[..., None]
):
    shorter(duty=0.05)
    over, begun = asyncio.Event(), 0

    async def hang() -> None:
        nonlocal begun
        begun += 1
        await over.wait()

    clock = Clock(5, house.pool, house.queue, [hang])
    request = await house.ask()
    await house.pass_time(days=2)
    async with asyncio.timeout(20):
        while (await house.request(request.id)).status is not Status.TIMED_OUT:
            await clock.tick()
            await asyncio.sleep(0.01)  # while a duty takes long, a tick takes no time
        assert begun == 1  # the first one is still at it
        over.set()
        while begun < 2:
            await clock.tick()
            await asyncio.sleep(0.01)


async def test_a_clock_that_cannot_look_says_how_late_it_is(
    house: House, shorter: Callable[..., None]
):
    shorter(late_tick=0.001)
    clock = Clock(0.05, house.pool, house.queue)
    assert clock.trouble == ""  # it does not tick yet
    await house.pool.close()
    clock.start()
    await until(lambda: "late" in clock.trouble)
    await clock.stop()


async def test_a_clock_that_ticks_is_not_late(house: House):
    clock = Clock(0.05, house.pool, house.queue)
    before = clock.last_tick
    clock.start()
    await until(lambda: clock.last_tick > before + 0.1)
    assert clock.trouble == ""
    await clock.stop()


async def test_a_rolled_back_transaction_leaves_no_job(house: House):
    class NoMore(Exception):
        pass

    async def defer_and_fail():
        async with house.pool.connection() as connection, connection.transaction():
            job = turn_job(str(uuid.uuid4()))
            await house.queue.defer(connection, [job])
            raise NoMore

    with pytest.raises(NoMore):
        await defer_and_fail()
    assert await house.jobs() == []


async def test_a_seldom_duty_runs_when_due_and_again_after_failing(
    monkeypatch: pytest.MonkeyPatch,
):
    now, done = 1000.0, []

    async def duty() -> None:
        done.append(now)
        if len(done) == 1:
            raise ConnectionError

    monkeypatch.setattr("bot.jobs.clock.time.monotonic", lambda: now)
    at_times = seldom(duty)
    await at_times()
    assert done == []
    now += 60
    with pytest.raises(ConnectionError):
        await at_times()
    await at_times()
    await at_times()
    assert len(done) == 2
