"""The effect of a person's decision, on the real database."""

from __future__ import annotations

import psycopg
import pytest

from bot.approvals.judge import Result
from bot.approvals.model import Effect, Execution, Outcome, Status
from bot.approvals.transitions import reject_by_operator
from tests.support.house import APPROVE, REJECT, House, break_audit
from tests.support.people import DANA, MINA, OLAF, OMAR, RAVI, person

UNFILLABLE = Outcome.UNFILLABLE


async def test_an_approval_writes_decision_grant_trail_and_jobs_together(house: House):
    request = await house.ask()
    await house.forget_jobs()

    assert await house.click(MINA, request, click="9.9") == Result(Effect.APPROVED)

    closed = await house.request(request.id)
    assert (closed.status, closed.end.execution) == (
        Status.APPROVED,
        Execution.APPROVED,
    )
    assert [d.person.user for d in closed.chain.decisions] == [MINA]
    assert closed.chain.decisions[0].click == "9.9"
    assert closed.chain.stage_index == 1
    assert await house.trail(request) == ["requested", "approved"]
    jobs = [(job.name, job.lock) for job in await house.jobs()]
    assert jobs == [("resume", request.conversation)]
    assert sorted(house.handed) == sorted([request.place.card, request.place.notice])
    assert await house.told(MINA) == []


@pytest.mark.parametrize("verdict", [APPROVE, REJECT])
async def test_when_the_trail_refuses_nothing_of_a_verdict_stays(house: House, verdict):
    request = await house.ask()
    await house.forget_jobs()
    break_audit(house.url)

    with pytest.raises(psycopg.errors.RaiseException, match="the trail is full"):
        await house.click(MINA, request, verdict)

    untouched = await house.request(request.id)
    assert untouched == request
    assert (await house.jobs(), house.handed) == ([], [])
    assert await house.rows("SELECT * FROM grants") == []
    assert await house.told(MINA) == []


async def test_when_the_trail_refuses_a_refusal_is_not_told_either(house: House):
    request = await house.ask()
    break_audit(house.url)
    with pytest.raises(psycopg.errors.RaiseException):
        await house.click(OLAF, request)
    assert await house.told(OLAF) == []


async def test_a_rejection_closes_without_a_grant(house: House):
    request = await house.ask()
    assert await house.click(OMAR, request, REJECT) == Result(Effect.REJECTED)
    closed = await house.request(request.id)
    assert (closed.status, closed.end.execution) == (Status.REJECTED, None)
    assert [job.lock for job in await house.jobs("resume")] == [request.conversation]


async def test_a_requester_whose_payload_names_no_enterprise_can_withdraw(
    house: House,
):
    request = await house.ask(requester=person(RAVI, enterprise="E1"))
    assert (await house.click(RAVI, request)).code == "requester"
    assert (await house.click(RAVI, request, REJECT)).effect is Effect.WITHDRAWN


async def test_the_operator_rejects_even_what_is_overdue(house: House):
    request = await house.ask()
    await house.forget_jobs()
    await house.pass_time(hours=25)

    before = await reject_by_operator(
        house.pool, house.queue, request.id, "wrong file", "operator root"
    )

    assert before == request
    closed = await house.request(request.id)
    assert (closed.status, closed.end.outcome) == (Status.REJECTED, Outcome.OPERATOR)
    assert closed.end.note == "wrong file"
    assert [job.name for job in await house.jobs()].count("resume") == 1
    [row] = await house.rows("SELECT actor, via FROM audit WHERE event = 'rejected'")
    assert row == {"actor": "operator root", "via": "cli"}


async def test_the_operator_changes_nothing_that_is_closed_or_unknown(house: House):
    request = await house.approved()
    trail = await house.trail()
    again = await reject_by_operator(
        house.pool, house.queue, request.id, "late", "operator root"
    )
    assert again == request
    unknown = await reject_by_operator(house.pool, house.queue, "no", "", "root")
    assert unknown is None
    assert (await house.request(request.id)).status is Status.APPROVED
    assert await house.trail() == trail


async def test_a_chain_wants_its_quorum_and_then_the_next_stage(house: House):
    request = await house.ask("pay")
    early = await house.click(DANA, request)
    assert early == Result(Effect.REFUSED, "not_in_group")
    assert (await house.click(MINA, request)).effect is Effect.RECORDED
    twice = await house.click(MINA, request)
    assert twice == Result(Effect.REFUSED, "already_decided")
    assert (await house.click(OMAR, request)).effect is Effect.STAGE_PASSED
    waiting = await house.request(request.id)
    assert (waiting.status, waiting.chain.stage_index) == (Status.PENDING, 1)
    assert waiting.chain.stages[1].opened_at is not None
    assert await house.jobs("resume") == []
    assert (await house.click(DANA, request)).effect is Effect.APPROVED
    assert [d.stage for d in (await house.request(request.id)).chain.decisions] == [
        0,
        0,
        1,
    ]
    assert await house.trail(request) == [
        "requested",
        "refused",
        "recorded",
        "refused",
        "stage_passed",
        "approved",
    ]


async def test_a_person_of_two_stages_decides_one_of_them(house: House):
    request = await house.ask("sign")
    assert (await house.click(OMAR, request)).effect is Effect.STAGE_PASSED
    again = await house.click(OMAR, request)
    assert again == Result(Effect.REFUSED, "already_decided")
    cannot_take_back = await house.click(OMAR, request, REJECT)
    assert cannot_take_back == Result(Effect.REFUSED, "already_decided")
    assert (await house.click(DANA, request)).effect is Effect.APPROVED


async def test_one_reject_ends_a_chain_at_any_stage(house: House):
    request = await house.ask("pay")
    await house.click(MINA, request)
    assert (await house.click(OMAR, request, REJECT)).effect is Effect.REJECTED
    late = await house.click(DANA, request)
    assert late == Result(Effect.LATE, "rejected")


async def test_a_request_that_cannot_be_filled_is_rejected_at_once(
    house: House,
):
    request = await house.ask("pay", requester=person(MINA))
    assert request.status is Status.REJECTED
    assert (request.end.outcome, request.end.note) == (UNFILLABLE, "managers")
    assert request.place.card == ""
    jobs = [(job.name, job.lock) for job in await house.jobs()]
    assert jobs == [("resume", request.conversation)]
    assert await house.trail(request) == ["rejected"]


async def test_using_up_a_later_stages_last_approver_rejects_the_request(
    house: House,
):
    house.policies.change("{users: [U0DANA, U0OMAR]}", "{users: [U0OMAR, U0RAVI]}")
    request = await house.ask("sign")
    result = await house.click(OMAR, request)
    assert (result.effect, result.code) == (Effect.REJECTED, UNFILLABLE)
    closed = await house.request(request.id)
    assert (closed.end.outcome, closed.end.note) == (UNFILLABLE, "directors")
    assert [d.person.user for d in closed.chain.decisions] == [OMAR]
    assert closed.end.execution is None


async def test_who_wrote_in_the_turn_does_not_decide(house: House):
    request = await house.ask(participants=[OMAR])
    refused = await house.click(OMAR, request)
    assert refused == Result(Effect.REFUSED, "participant")
    assert (await house.click(MINA, request)).effect is Effect.APPROVED
