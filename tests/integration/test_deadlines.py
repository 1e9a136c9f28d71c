"""Silence is a reject, by the database's clock, and once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.approvals import SQL, deadlines
from bot.approvals.deadlines import expire_due
from bot.approvals.model import Status
from bot.database.pool import Connection
from tests.bench.waiting_rows import add_overdue
from tests.support.house import House, break_audit, open_house
from tests.support.people import MINA

HOUR = 3600


async def expire(house: House, **how) -> int:
    return await expire_due(house.pool, house.queue, **how)


async def test_what_is_not_overdue_stays_open(house: House):
    request = await house.ask()
    await house.pass_time(hours=23, minutes=59)
    assert await expire(house) == 0
    assert (await house.request(request.id)).is_open


async def test_an_overdue_request_is_closed_with_trail_card_and_resume(house: House):
    request = await house.ask()
    await house.forget_jobs()
    await house.pass_time(hours=24)

    assert await expire(house) == 1

    closed = await house.request(request.id)
    assert (closed.status, closed.chain.decisions) == (Status.TIMED_OUT, ())
    assert closed.end.execution is None
    assert await house.trail(request) == ["requested", "timed_out"]
    jobs = [(job.name, job.lock) for job in await house.jobs()]
    assert jobs == [("resume", request.conversation)]
    assert set(house.handed) == {request.place.card, request.place.notice}
    assert await expire(house) == 0


async def test_many_are_closed_in_batches_and_approved_ones_never(house: House):
    conversation = await house.conversation()
    overdue = [await house.ask(conversation=conversation) for _ in range(7)]
    approved = await house.approved(conversation=conversation)
    await house.pass_time(days=2)
    house.handed.clear()
    assert await expire(house, batch=3) == 7
    for request in overdue:
        assert (await house.request(request.id)).status is Status.TIMED_OUT
    assert (await house.request(approved.id)).status is Status.APPROVED
    # nor do they hold up others: the clock sends their cards, and their graphs go last
    last = await house.request(overdue[-1].id)
    assert set(house.handed) == {last.place.card, last.place.notice}
    behind = "SELECT count(*) FROM procrastinate_jobs WHERE priority < 0"
    assert await house.one(behind) == 7


async def test_a_batch_is_closed_in_one_statement(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    add_overdue(house.url, "late ", 100)
    waits = 0
    real = Connection.wait

    async def counted(*given: Any, **named: Any) -> Any:
        nonlocal waits
        waits += 1
        return await real(*given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(Connection, "wait", counted)
        patch.setattr(deadlines, "PACE", HOUR)  # for each that is overdue
        assert await expire(house, batch=25) == 100
    # a batch is begun, chosen, read, closed, committed; the last look finds none
    assert waits <= 4 * 5 + 8
    assert await house.one("SELECT count(*) FROM audit_chain") == 100
    # the graphs go on when all are closed, and the cards follow
    later = "SELECT count(*) FROM procrastinate_jobs WHERE scheduled_at > now()"
    assert await house.one(later) == 100
    outdated = (
        "SELECT count(*) FROM deliveries WHERE revision > shown AND due_at > now()"
    )
    assert await house.one(outdated) == 100


async def test_two_replicas_share_the_work(house: House):
    conversation = await house.conversation()
    requests = [await house.ask(conversation=conversation) for _ in range(20)]
    await house.pass_time(days=2)
    async with open_house(house.url) as other:
        counts = await asyncio.gather(
            *(expire(one, batch=2) for one in (house, other) for _ in range(2))
        )
    assert sum(counts) == 20
    for request in requests:
        assert await house.trail(request) == ["requested", "timed_out"]
    assert len(await house.jobs("resume")) == 20


async def test_a_stage_that_has_passed_does_not_stop_the_clock(house: House):
    request = await house.ask("sign")
    await house.click(MINA, request)
    await house.pass_time(days=2)
    assert await expire(house) == 1
    closed = await house.request(request.id)
    assert (closed.status, len(closed.chain.decisions)) == (Status.TIMED_OUT, 1)


async def test_when_the_trail_refuses_nothing_expires(house: House):
    request = await house.ask()
    await house.pass_time(days=2)
    break_audit(house.url)
    with pytest.raises(Exception, match="the trail is full"):
        await expire(house)
    assert (await house.request(request.id)).is_open


@pytest.mark.parametrize(
    ("statement", "index"),
    [("select_due", "requests_deadline"), ("select_waking", "requests_wake")],
)
async def test_due_requests_are_found_by_an_index(
    house: House, statement: str, index: str
):
    async with house.pool.connection() as connection, connection.transaction():
        await connection.execute("SET LOCAL enable_seqscan = off")
        await connection.execute("SET LOCAL enable_sort = off")
        text = f"EXPLAIN {SQL[statement]}"
        found = await connection.execute(text, {"limit": 25})  # type: ignore[arg-type]
        plan = "\n".join(row["QUERY PLAN"] for row in await found.fetchall())
    assert f"using {index}" in plan
    assert "Index Cond" in plan


async def test_a_stale_deadline_is_corrected_and_nothing_times_out(
    house: House,
):
    request = await house.ask()
    await house.rows("UPDATE requests SET stage_expires_at = bot_now()")
    assert await expire(house) == 0
    assert (await house.request(request.id)).is_open
    assert await house.one("SELECT stage_expires_at FROM requests") is None
