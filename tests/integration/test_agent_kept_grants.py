"""Grants beside the checkpoints: at most once, over processes and for all time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from agent.checkpointers import KeptGrants, open_checkpointer
from agent.grant_protocol import Call, Claim, Outcome
from agent.phrases.tool_calls import NOT_APPROVED, RUNNING
from tests.support.terminal_parts import place

CALL = Call("t1", "A", "wipe", {"path": "a", "n": 1}, {})


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def grants(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[KeptGrants]:
    where = place(request, tmp_path)
    async with open_checkpointer(where, {"peek"}) as kept:
        yield kept.grants


async def test_the_first_ruling_counts(grants: KeptGrants):
    free = replace(CALL, name="peek", tool_call_id="B")

    assert [(await grants.open(c)).kind for c in (CALL, free)] == ["ask", "waived"]
    assert (await grants.open(replace(CALL, name="peek"))).kind == "ask"


async def test_exactly_one_of_many_claims_wins(grants: KeptGrants):
    ruling = await grants.open(CALL)
    await grants.decide("t1", "A", CALL.args)

    claims = await asyncio.gather(*(grants.claim(CALL, ruling) for _ in range(20)))

    assert sum(c.won for c in claims) == 1
    assert {c.refusal for c in claims if not c.won} == {RUNNING}


async def test_nothing_is_won_without_an_approval_or_after_a_reject(grants: KeptGrants):
    ruling = await grants.open(CALL)
    refused = Claim(won=False, refusal=NOT_APPROVED)

    assert await grants.claim(CALL, ruling) == refused
    assert await grants.decide("t1", "A", CALL.args)
    assert await grants.decide("t1", "A", None)
    assert await grants.claim(CALL, ruling) == refused


async def test_a_claim_before_any_open_wins_nothing(grants: KeptGrants):
    other = await grants.open(replace(CALL, tool_call_id="B"))

    assert await grants.claim(CALL, other) == Claim(won=False, refusal=NOT_APPROVED)
    assert not await grants.decide("t1", "A", CALL.args)


@pytest.mark.parametrize(
    "args", [{"path": "b", "n": 1}, {"path": "a", "n": True}, {"path": "a"}]
)
async def test_other_arguments_than_the_approved_ones_win_nothing(
    grants: KeptGrants, args: dict[str, object]
):
    ruling = await grants.open(CALL)
    free = replace(CALL, name="peek", tool_call_id="B")
    waived = await grants.open(free)
    await grants.decide("t1", "A", CALL.args)

    assert not (await grants.claim(replace(CALL, args=args), ruling)).won
    assert not (await grants.claim(replace(free, args=args), waived)).won


async def test_an_edit_is_won_with_the_edited_arguments_alone(grants: KeptGrants):
    edited = replace(CALL, args={"path": "it's; --", "n": 2})
    ruling = await grants.open(CALL)
    await grants.decide("t1", "A", edited.args)

    assert not (await grants.claim(CALL, ruling)).won
    assert (await grants.claim(edited, ruling)).won


@pytest.mark.parametrize("status", ["done", "failed"])
async def test_a_finished_call_gives_back_its_result(grants: KeptGrants, status: str):
    ruling = await grants.open(CALL)
    await grants.decide("t1", "A", CALL.args)
    await grants.claim(CALL, ruling)
    await grants.finish(CALL, Outcome(status, "So it ended."))

    claim = await grants.claim(CALL, ruling)

    assert claim == Claim(won=False, result="So it ended.", status=status)
    assert not await grants.decide("t1", "A", None)
    assert await grants.begun("t1", "A") == (CALL.args, True)


async def test_what_is_known_outlives_the_process(lasting: str):
    async with open_checkpointer(lasting, {"peek"}) as kept:
        ruling = await kept.grants.open(CALL)
        await kept.grants.decide("t1", "A", CALL.args)
        await kept.grants.claim(CALL, ruling)

    async with open_checkpointer(lasting, {"peek", "wipe"}) as kept:
        assert (await kept.grants.open(CALL)).kind == "ask"
        assert (await kept.grants.claim(CALL, ruling)).refusal == RUNNING
        assert await kept.grants.begun("t1", "A") == (CALL.args, False)
        assert await kept.grants.begun("t2", "A") is None


async def test_two_processes_have_one_winner(lasting: str):
    async with (
        open_checkpointer(lasting, ()) as one,
        open_checkpointer(lasting, ()) as two,
    ):
        both = [one.grants, two.grants]
        for number in range(10):
            call = replace(CALL, tool_call_id=f"call {number}")
            ruling, _ = await asyncio.gather(*(g.open(call) for g in both))
            await one.grants.decide("t1", call.tool_call_id, call.args)
            claims = await asyncio.gather(*(g.claim(call, ruling) for g in both))
            assert sorted(claim.won for claim in claims) == [False, True]
