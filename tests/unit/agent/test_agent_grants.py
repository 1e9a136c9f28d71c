"""The in-memory grants: one winner, and only for the arguments that were approved."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from agent.grant_protocol import Call, Claim, MemoryGrants, Outcome
from agent.phrases.tool_calls import NOT_APPROVED, RUNNING

CALL = Call("t1", "A", "wipe", {"path": "a"}, {})


def asking() -> MemoryGrants:
    return MemoryGrants(ask=frozenset({"wipe"}), denied={"drop": "Never."})


async def test_open_says_what_the_tool_needs_and_may_be_repeated():
    grants = asking()

    kinds = [
        (await grants.open(replace(CALL, name=name, tool_call_id=name))).kind
        for name in ["wipe", "drop", "peek", "wipe", "peek"]
    ]

    assert kinds == ["ask", "denied", "waived", "ask", "waived"]


async def test_exactly_one_of_many_claims_wins():
    grants = asking()
    ruling = await grants.open(CALL)
    grants.approve("t1", "A")

    claims = await asyncio.gather(*(grants.claim(CALL, ruling) for _ in range(50)))

    assert sum(c.won for c in claims) == 1
    assert {c.refusal for c in claims if not c.won} == {RUNNING}


async def test_a_call_that_needs_approval_is_not_won_without_one():
    grants = asking()
    ruling = await grants.open(CALL)

    claim = await grants.claim(CALL, ruling)

    assert claim == Claim(won=False, refusal=NOT_APPROVED)


async def test_a_forged_ruling_wins_nothing():
    grants = asking()
    await grants.open(CALL)
    waived = await grants.open(replace(CALL, name="peek", tool_call_id="B"))

    assert not (await grants.claim(CALL, waived)).won


@pytest.mark.parametrize("args", [{"path": "b"}, {"path": 1}, {"path": True}, {}])
async def test_other_arguments_than_the_approved_ones_win_nothing(args):
    grants = MemoryGrants(ask=frozenset({"wipe"}))
    one = replace(CALL, args={"path": 1.5})
    ruling = await grants.open(one)
    grants.approve("t1", "A")

    assert not (await grants.claim(replace(one, args=args), ruling)).won


async def test_true_is_not_the_number_one():
    grants = asking()
    one = replace(CALL, args={"n": 1})
    ruling = await grants.open(one)
    grants.approve("t1", "A")

    assert not (await grants.claim(replace(one, args={"n": True}), ruling)).won


async def test_a_waived_call_with_changed_arguments_wins_nothing():
    grants = MemoryGrants()
    ruling = await grants.open(CALL)

    assert not (await grants.claim(replace(CALL, args={"path": "b"}), ruling)).won


async def test_a_claim_before_any_open_wins_nothing():
    ruling = await MemoryGrants().open(CALL)

    claim = await MemoryGrants().claim(CALL, ruling)

    assert claim == Claim(won=False, refusal=NOT_APPROVED)


async def test_a_denied_call_wins_nothing_even_when_approved():
    grants = asking()
    drop = replace(CALL, name="drop")
    ruling = await grants.open(drop)
    grants.approve("t1", "A")

    claim = await grants.claim(drop, ruling)

    assert claim == Claim(won=False, refusal=NOT_APPROVED)


async def test_a_finished_call_gives_back_its_result():
    grants = MemoryGrants()
    ruling = await grants.open(CALL)
    await grants.claim(CALL, ruling)
    await grants.finish(CALL, Outcome("failed", "No such file."))

    claim = await grants.claim(CALL, ruling)

    assert claim == Claim(won=False, result="No such file.", status="failed")


def test_approving_what_was_never_opened_is_an_error():
    with pytest.raises(KeyError, match="No call A"):
        MemoryGrants().approve("t1", "A")
