"""The right to run one call: claimed once, only for what was approved."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from psycopg import OperationalError

from agent.grant_protocol import Call, Outcome, Permission
from bot.approvals.grants import CallFacts, Taken, finish
from bot.approvals.model import Execution, Status
from bot.approvals.run import LostRun, Run
from bot.conversations import stored_grants
from bot.conversations.stored_grants import StoredGrants, current_run
from tests.support.house import REJECT, WAIVED, House, break_audit, facts_of
from tests.support.people import MINA


async def end(house: House, run: Run, call: CallFacts, state=Execution.DONE, text="ok"):
    await finish(house.pool, house.queue, run, call, state, text)


async def test_of_twenty_claims_at_once_one_wins(house: House):
    request = await house.approved()
    run = await house.start_run(request.conversation)
    taken = await asyncio.gather(
        *(house.claim(run, facts_of(request)) for _ in range(20))
    )
    assert [t.won for t in taken].count(True) == 1
    assert all(t.refusal for t in taken if not t.won)
    assert (await house.trail(request)).count("claimed") == 1


async def test_of_twenty_waived_claims_at_once_one_wins(house: House):
    run = await house.start_run(await house.conversation())
    call = CallFacts("call-w", "peek", {"path": "a"}, {})
    taken = await asyncio.gather(*(house.claim(run, call, WAIVED) for _ in range(20)))
    assert [t.won for t in taken].count(True) == 1
    [grant] = await house.rows("SELECT rule, policy_version, state FROM grants")
    assert grant == {"rule": "looking", "policy_version": "v1", "state": "executing"}


async def test_a_later_run_gets_a_finished_calls_stored_result(house: House):
    request = await house.approved()
    run = await house.start_run(request.conversation)
    assert (await house.claim(run, facts_of(request))).won
    await end(house, run, facts_of(request), text="wiped a.txt")

    for _ in range(2):
        taken = await house.claim(run, facts_of(request))
        run = await house.start_run(request.conversation)
        assert (taken.won, taken.state) == (False, Execution.DONE)
        assert taken.result == "wiped a.txt"
    assert (await house.trail(request)).count("ran") == 1


@pytest.mark.parametrize("state", [Execution.DONE, Execution.FAILED])
async def test_the_end_of_a_call_redraws_what_tells_it(house: House, state: Execution):
    request = await house.approved()
    run = await house.start_run(request.conversation)
    await house.claim(run, facts_of(request))
    told = {request.place.card}
    if state is Execution.FAILED:
        told.add(request.place.notice)
    shown = "SELECT revision FROM deliveries WHERE id = %s"
    before = [await house.one(shown, each) for each in told]
    house.handed.clear()

    await end(house, run, facts_of(request), state)

    assert {*house.handed} == told
    after = [await house.one(shown, each) for each in told]
    assert after == [revision + 1 for revision in before]
    now = (await house.request(request.id)).end
    assert now.finished_at is not None
    assert now.decided_at is not None
    assert now.finished_at >= now.decided_at


async def test_a_failed_call_keeps_its_words_and_never_reruns(house: House):
    request = await house.approved()
    run = await house.start_run(request.conversation)
    await house.claim(run, facts_of(request))
    await end(house, run, facts_of(request), Execution.FAILED, "disk full")
    later = await house.start_run(request.conversation)
    taken = await house.claim(later, facts_of(request))
    assert (taken.state, taken.result) == (Execution.FAILED, "disk full")
    now = (await house.request(request.id)).end
    assert (now.execution, now.failure) == (Execution.FAILED, "disk full")


async def test_a_dead_runs_claim_ends_as_unknown_and_never_reruns(
    house: House,
):
    request = await house.approved()
    dead = await house.start_run(request.conversation)
    assert (await house.claim(dead, facts_of(request))).won
    await house.forget_jobs()

    for _ in range(3):
        run = await house.start_run(request.conversation)
        taken = await house.claim(run, facts_of(request))
        assert (taken.won, taken.state) == (False, Execution.UNKNOWN)

    assert (await house.trail(request)).count("unknown") == 1
    call = await house.one("SELECT id::text FROM deliveries WHERE kind = 'call'")
    shown = {request.place.card, request.place.notice, call}
    assert {*house.handed} == shown
    with pytest.raises(LostRun):
        await end(house, dead, facts_of(request))
    assert (await house.request(request.id)).end.execution is Execution.UNKNOWN


async def test_a_run_that_was_replaced_takes_nothing_and_stops(house: House):
    request = await house.approved()
    lost = await house.start_run(request.conversation)
    run = await house.start_run(request.conversation)
    with pytest.raises(LostRun):
        await house.claim(lost, facts_of(request))
    with pytest.raises(LostRun):
        await house.claim(lost, CallFacts("call-w", "peek", {}, {}), WAIVED)
    assert (await house.claim(run, facts_of(request))).won


async def test_a_replaced_run_cannot_mark_its_successors_work_unknown(
    house: House,
):
    request = await house.approved()
    lost = await house.start_run(request.conversation)
    run = await house.start_run(request.conversation)
    assert (await house.claim(run, facts_of(request))).won
    with pytest.raises(LostRun):
        await house.claim(lost, facts_of(request))
    await end(house, run, facts_of(request))
    assert (await house.request(request.id)).end.execution is Execution.DONE


async def test_a_replaced_run_stops_but_what_it_did_is_known(house: House):
    request = await house.approved()
    lost = await house.start_run(request.conversation)
    assert (await house.claim(lost, facts_of(request))).won
    run = await house.start_run(request.conversation)
    with pytest.raises(LostRun):
        await end(house, lost, facts_of(request), text="wiped")
    taken = await house.claim(run, facts_of(request))
    assert (taken.state, taken.result) == (Execution.DONE, "wiped")
    assert (await house.trail(request)).count("ran") == 1


async def test_without_an_approval_nothing_is_taken(house: House):
    pending = await house.ask()
    rejected = await house.ask(conversation=pending.conversation)
    await house.click(MINA, rejected, REJECT)
    run = await house.start_run(pending.conversation)
    for request in (pending, rejected):
        taken = await house.claim(run, facts_of(request))
        assert (taken.won, taken.state) == (False, None)
        assert taken.refusal == "no approval is stored for it"
    unheard = CallFacts("call-x", "wipe", {}, {})
    assert (await house.claim(run, unheard)).refusal == "no approval is stored for it"
    assert await house.rows("SELECT * FROM grants") == []
    assert (await house.trail()).count("refused") == 3


@pytest.mark.parametrize(
    "change",
    [
        {"tool": "drop"},
        {"arguments": {"path": "b.txt"}},
        {"arguments": {"path": "a.txt", "force": True}},
        {"schema": {"type": "object"}},
        {"tool_call": "call-other"},
    ],
    ids=str,
)
async def test_another_call_than_the_approved_one_does_not_run(house: House, change):
    request = await house.approved()
    run = await house.start_run(request.conversation)
    taken = await house.claim(run, facts_of(request, **change))
    assert not taken.won
    assert taken.refusal
    assert (await house.claim(run, facts_of(request))).won


MUTATIONS = [
    ("requests", "tool = 'peek'"),
    ("requests", 'arguments = \'{"path":"b.txt"}\''),
    ("requests", "schema_digest = 'x'"),
    ("requests", "requester_id = 'U0OLAF'"),
    ("requests", "enterprise_id = 'E9'"),
    ("requests", "policy_version = 'v0'"),
    ("requests", "interrupt_id = 'other'"),
    ("requests", "call_digest = repeat('0', 64)"),
    ("requests", "grant_digest = repeat('0', 64)"),
    ("requests", "status = 'rejected'"),
    ("grants", "call_digest = repeat('0', 64)"),
    ("grants", "grant_digest = repeat('0', 64)"),
    ("grants", "request_id = NULL"),
]


@pytest.mark.parametrize(("table", "change"), MUTATIONS, ids=str)
async def test_what_is_changed_between_approval_and_run_does_not_run(
    house: House, table, change
):
    request = await house.approved()
    await house.rows(f"UPDATE {table} SET {change}")
    run = await house.start_run(request.conversation)
    taken = await house.claim(run, facts_of(request))
    assert (taken.won, taken.state) == (False, None)
    assert taken.refusal
    assert (await house.one("SELECT state FROM grants")) == "approved"
    [refused] = await house.rows("SELECT detail FROM audit WHERE event = 'refused'")
    assert refused["detail"]["word"] == taken.refusal


async def test_without_a_trail_nothing_is_taken(house: House):
    request = await house.approved()
    run = await house.start_run(request.conversation)
    break_audit(house.url)
    with pytest.raises(Exception, match="the trail is full"):
        await house.claim(run, facts_of(request))
    with pytest.raises(Exception, match="the trail is full"):
        await house.claim(run, CallFacts("call-w", "peek", {}, {}), WAIVED)
    assert [row["state"] for row in await house.rows("SELECT state FROM grants")] == [
        "approved"
    ]


async def test_a_waived_call_is_raised_as_approved_with_its_grant(
    house: House,
):
    request = await house.ask("peek")
    assert (request.status, request.end.execution) == (
        Status.APPROVED,
        Execution.APPROVED,
    )
    run = await house.start_run(request.conversation)
    assert (await house.claim(run, facts_of(request))).won


async def test_a_claim_whose_answer_got_lost_is_this_runs(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    lose_answer(monkeypatch)
    call = await approved_call(house)
    kept = StoredGrants(house.pool, house.policies, house.queue)

    assert (await kept.claim(call, Permission("ask"))).won
    assert (await house.rows("SELECT event FROM audit")).count(
        {"event": "claimed"}
    ) == 1
    assert not (await kept.claim(call, Permission("ask"))).won


async def test_a_call_with_a_request_was_asked_about(house: House):
    call = await approved_call(house)
    kept = StoredGrants(house.pool, house.policies, house.queue)
    other = replace(call, tool_call_id="another")
    rulings = [await kept.open(each) for each in (call, other)]
    assert [ruling.is_asked for ruling in rulings] == [True, False]


async def test_another_try_wins_nothing_by_a_lost_answer(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    call = await approved_call(house)
    kept = StoredGrants(house.pool, house.policies, house.queue)
    assert (await kept.claim(call, Permission("ask"))).won
    lose_answer(monkeypatch)

    assert not (await kept.claim(call, Permission("ask"))).won


async def test_of_two_tries_after_a_cut_connection_one_wins(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    call = await approved_call(house)
    tries, won, real = [0], asyncio.Event(), stored_grants.grants.claim

    async def claim(*args: Any, **how: Any) -> Taken:
        tries[0] += 1
        if tries[0] == 1:  # nothing was claimed
            raise OperationalError("server closed the connection unexpectedly")
        if tries[0] == 3:
            await won.wait()
        taken = await real(*args, **how)
        won.set()
        return taken

    monkeypatch.setattr(stored_grants.grants, "claim", claim)
    monkeypatch.setattr(stored_grants, "CLAIM_WAITS", (0, 0))
    kept = StoredGrants(house.pool, house.policies, house.queue)
    permission = Permission("ask")
    both = await asyncio.gather(*(kept.claim(call, permission) for _ in range(2)))
    assert sorted(each.won for each in both) == [False, True]


async def test_a_call_whose_end_is_not_stored_never_runs_again(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    async def away(*args: Any) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    call = await approved_call(house)
    kept = StoredGrants(house.pool, house.policies, house.queue)
    assert (await kept.claim(call, Permission("ask"))).won
    monkeypatch.setattr(stored_grants.grants, "finish", away)
    monkeypatch.setattr(stored_grants, "FINISH_WAITS", ())
    with pytest.raises(OperationalError):
        await kept.finish(call, Outcome("done", "wiped"))

    lose_answer(monkeypatch)
    assert not (await kept.claim(call, Permission("ask"))).won


async def test_a_replaced_run_wins_nothing_by_a_lost_answer(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    call = await approved_call(house)

    async def replaced() -> None:
        await house.start_run(call.thread_id)

    lose_answer(monkeypatch, then=replaced)
    kept = StoredGrants(house.pool, house.policies, house.queue)
    with pytest.raises(LostRun):
        await kept.claim(call, Permission("ask"))


async def approved_call(house: House) -> Call:
    """A call that people approved, in a run that is the current one of this test."""
    request = await house.approved()
    current_run.set(await house.start_run(request.conversation))
    facts = facts_of(request)
    place = request.conversation, facts.tool_call, facts.tool
    return Call(*place, dict(facts.arguments), dict(facts.schema))


def lose_answer(
    monkeypatch: pytest.MonkeyPatch, then: Callable[[], Awaitable[None]] | None = None
) -> None:
    """The connection dies after a claim has been made, before its answer is read."""
    left, real = [1], stored_grants.grants.claim

    async def claim(*args: Any, **how: Any) -> Taken:
        taken = await real(*args, **how)
        if left:
            left.pop()
            if then is not None:
                await then()
            raise OperationalError("server closed the connection unexpectedly")
        return taken

    monkeypatch.setattr(stored_grants.grants, "claim", claim)
    monkeypatch.setattr(stored_grants, "CLAIM_WAITS", (0, 0))
