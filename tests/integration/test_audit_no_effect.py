"""No audit, no effect: at each step, if the trail refuses, nothing of it stays."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
import pytest

from bot.approvals.deadlines import expire_due
from bot.approvals.grants import CallFacts, deny, finish
from bot.approvals.model import Execution, Request, Verdict
from bot.approvals.policy.model import Denied
from bot.approvals.transitions import orphan, reject_by_operator
from bot.database.pool import transaction
from tests.support.house import (
    APPROVE,
    REJECT,
    WAIVED,
    House,
    break_audit,
    facts_of,
    mend_audit,
)
from tests.support.people import MINA, OLAF, OMAR, RAVI

Act = Callable[[], Awaitable[Any]]
TABLES = (
    *("messages", "requests", "stages", "decisions", "grants", "deliveries"),
    *("comments", "procrastinate_jobs", "audit", "audit_chain", "audit_texts"),
)


async def world(house: House) -> dict[str, list[Any]]:
    """Everything that a step could change."""
    return {
        table: await house.rows(f"SELECT to_jsonb(t) AS row FROM {table} t ORDER BY 1")
        for table in TABLES
    }


def clicking(
    house: House, user: str, request: Request, verdict: Verdict, **word
) -> Act:
    return lambda: house.click(user, request, verdict, **word)


async def receiving(house: House) -> Act:
    return house.write


async def raising(house: House) -> Act:
    conversation = await house.conversation()
    return lambda: house.ask(conversation=conversation)


async def raising_waived(house: House) -> Act:
    conversation = await house.conversation()
    return lambda: house.ask("peek", conversation=conversation)


async def recording(house: House) -> Act:
    return clicking(house, MINA, await house.ask("pay"), APPROVE)


async def passing_a_stage(house: House) -> Act:
    return clicking(house, MINA, await house.ask("sign"), APPROVE)


async def approving(house: House) -> Act:
    return clicking(house, MINA, await house.ask(), APPROVE)


async def rejecting(house: House) -> Act:
    return clicking(house, MINA, await house.ask(), REJECT, reason="no")


async def editing(house: House) -> Act:
    request = await house.ask("sign")
    return clicking(house, MINA, request, Verdict.EDIT, arguments={"path": "b.txt"})


async def withdrawing(house: House) -> Act:
    return clicking(house, RAVI, await house.ask(), Verdict.WITHDRAW)


async def refusing(house: House) -> Act:
    return clicking(house, OLAF, await house.ask(), APPROVE)


async def being_late(house: House) -> Act:
    return clicking(house, OMAR, await house.approved(), REJECT)


async def expiring(house: House) -> Act:
    await house.ask()
    await house.pass_time(hours=25)
    return lambda: expire_due(house.pool, house.queue)


async def stopping(house: House) -> Act:
    request = await house.ask()
    return lambda: reject_by_operator(
        house.pool, house.queue, request.id, "stop", "operator ann"
    )


async def orphaning(house: House) -> Act:
    request = await house.ask()

    async def act() -> None:
        async with transaction(house.pool) as connection:
            await orphan(connection, house.queue, [request], "gone")

    return act


async def claiming(house: House) -> Act:
    request = await house.approved()
    run = await house.start_run(request.conversation)
    return lambda: house.claim(run, facts_of(request))


async def claiming_waived(house: House) -> Act:
    run = await house.start_run(await house.conversation())
    call = CallFacts("call-w", "peek", {"path": "a"}, {})
    return lambda: house.claim(run, call, WAIVED)


async def denying(house: House) -> Act:
    run = await house.start_run(await house.conversation())
    call = CallFacts("call-d", "drop", {}, {})
    return lambda: deny(house.pool, run, call, Denied("never", "No."), "v1")


async def ending(house: House, state: Execution) -> Act:
    request = await house.approved()
    run = await house.start_run(request.conversation)
    call = facts_of(request)
    assert (await house.claim(run, call)).won
    return lambda: finish(house.pool, house.queue, run, call, state, "ok")


async def running(house: House) -> Act:
    return await ending(house, Execution.DONE)


async def failing(house: House) -> Act:
    return await ending(house, Execution.FAILED)


async def becoming_unknown(house: House) -> Act:
    request = await house.approved()
    run = await house.start_run(request.conversation)
    call = facts_of(request)
    assert (await house.claim(run, call)).won
    later = await house.start_run(request.conversation)
    return lambda: house.claim(later, call)


STEPS = [
    *(receiving, raising, raising_waived, recording, passing_a_stage, approving),
    *(rejecting, editing, withdrawing, refusing, being_late, expiring, stopping),
    *(orphaning, claiming, claiming_waived, denying, running, failing),
    becoming_unknown,
]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
async def test_when_the_trail_refuses_nothing_of_a_step_stays(house: House, step):
    act = await step(house)
    before = await world(house)
    for table in ("audit", "audit_chain"):
        break_audit(house.url, table)
        with pytest.raises(psycopg.errors.RaiseException, match="the trail is full"):
            await act()
        assert await world(house) == before
        mend_audit(house.url)

    # a step that does nothing would pass so far
    rows = len(before["audit"])
    await act()
    assert await house.one("SELECT count(*) FROM audit") > rows
