"""Many words at the same moment: one verdict, and a grant only where it is a yes."""

from __future__ import annotations

import asyncio
import random

import pytest

from bot.approvals.deadlines import expire_due
from bot.approvals.model import Effect, Request, Status
from bot.approvals.run import Run
from bot.approvals.transitions import orphan, reject_by_operator
from bot.conversations.outcome import RunEnd, end_run
from tests.support.house import APPROVE, REJECT, House
from tests.support.people import MINA, OMAR

CLOSED = {Effect.APPROVED, Effect.REJECTED, Effect.WITHDRAWN, Effect.TIMED_OUT}


async def grants_of(house: House, request) -> int:
    return await house.one(
        "SELECT count(*) FROM grants WHERE request_id = %s", request.id
    )


@pytest.mark.parametrize("seed", range(2))
async def test_approve_and_reject_at_once_have_one_winner(house: House, seed):
    request = await house.ask()
    words = [(MINA, APPROVE), (OMAR, REJECT)] * 6
    random.Random(seed).shuffle(words)

    judged = await asyncio.gather(
        *(house.click(user, request, verdict) for user, verdict in words)
    )

    effects = [result.effect for result in judged]
    assert len([effect for effect in effects if effect in CLOSED]) == 1
    assert effects.count(Effect.LATE) == 11
    closed = await house.request(request.id)
    approved = closed.status is Status.APPROVED
    assert await grants_of(house, request) == int(approved)
    assert len(closed.chain.decisions) == 1
    assert len(await house.jobs("resume")) == 1
    trail = await house.trail(request)
    assert trail.count("approved") + trail.count("rejected") == 1
    assert trail.count("late") == 11


async def test_a_quorum_clicking_at_once_passes_its_stage_once(house: House):
    request = await house.ask("pay")
    judged = await asyncio.gather(
        *(house.click(user, request) for user in (MINA, OMAR) for _ in range(4))
    )
    effects = [result.effect for result in judged]
    assert effects.count(Effect.RECORDED) == 1
    assert effects.count(Effect.STAGE_PASSED) == 1
    assert effects.count(Effect.REFUSED) == 6
    waiting = await house.request(request.id)
    assert (waiting.chain.stage_index, len(waiting.chain.decisions)) == (1, 2)


async def test_clicks_expiry_and_operator_at_the_deadline_have_one_winner(
    house: House,
):
    requests = [await house.ask() for _ in range(12)]
    await house.rows(
        "UPDATE requests SET expires_at = bot_now() + interval '30 milliseconds'"
        " * (position + 1)"
    )

    async def sweep():
        for _ in range(4):
            await expire_due(house.pool, house.queue)
            await asyncio.sleep(0.01)

    await asyncio.gather(
        *(house.click(MINA, request) for request in requests),
        sweep(),
        *(house.click(OMAR, request, REJECT) for request in requests[6:]),
        reject_by_operator(house.pool, house.queue, requests[0].id, "stop", "op"),
        sweep(),
    )
    await house.rows(
        "UPDATE requests SET expires_at = bot_now() WHERE status='pending'"
    )
    await sweep()

    for request in requests:
        closed = await house.request(request.id)
        assert not closed.is_open
        approved = closed.status is Status.APPROVED
        assert await grants_of(house, request) == int(approved)
        trail = await house.trail(request)
        verdicts = {"approved", "rejected", "timed_out"}
        assert len([event for event in trail if event in verdicts]) == 1
    assert len(await house.jobs("resume")) == len(requests)


async def test_a_deadline_that_passes_between_judging_and_writing_wins(
    house: House, monkeypatch
):
    from bot.approvals import decide

    request = await house.ask()
    apply, judged = decide.apply, []

    async def slow_apply(connection, jobs, found, action, result):
        judged.append(result.effect)
        if len(judged) == 1:
            await connection.execute(
                "UPDATE requests SET expires_at = bot_now() WHERE id = %s", [found.id]
            )
            # the result was there before; its transaction is rolled back as a whole
            await house.pass_time(hours=25)
        await apply(connection, jobs, found, action, result)

    monkeypatch.setattr(decide, "apply", slow_apply)
    assert (await house.click(MINA, request)).effect is Effect.TIMED_OUT

    assert judged == [Effect.APPROVED, Effect.TIMED_OUT]
    closed = await house.request(request.id)
    assert (closed.status, closed.chain.decisions) == (Status.TIMED_OUT, ())
    assert await grants_of(house, request) == 0


def run_of(request: Request) -> Run:
    """The run that has raised a request, and has nothing to answer."""
    return Run(request.team, request.conversation, 0, {})


async def test_a_run_writing_its_end_does_not_block_a_click(house: House):
    """A grant refers to the conversation, which the end of a run holds."""
    request = await house.ask()
    async with house.pool.connection() as connection, connection.transaction():
        await end_run(connection, run_of(request), RunEnd())
        clicked = await asyncio.wait_for(house.click(MINA, request), 5)
    assert clicked.effect is Effect.APPROVED


async def test_orphaning_and_approving_at_once_do_not_block_each_other(house: House):
    for _ in range(5):
        request = await house.ask()

        async def settle(request=request):
            async with house.pool.connection() as connection, connection.transaction():
                await end_run(connection, run_of(request), RunEnd())
                await asyncio.sleep(0.01)
                await orphan(connection, house.queue, [request], "gone")

        await asyncio.gather(settle(), house.click(MINA, request))
        closed = await house.request(request.id)
        assert closed.status in {Status.APPROVED, Status.ORPHANED}
        approved = closed.status is Status.APPROVED
        assert await grants_of(house, request) == int(approved)
