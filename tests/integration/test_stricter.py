"""A policy that becomes stricter while a request waits adds its demands to it."""

from __future__ import annotations

import pytest

from bot.approvals.model import Effect, Outcome, Status, Verdict
from tests.support.agent_parts import make_agent
from tests.support.house import POLICY, REJECT, House, parsed
from tests.support.people import DANA, FAY, MINA, OLAF, OMAR

ONE = "stages: [{approvers: managers}]}"
WITH_BOSSES = "stages: [{approvers: managers}, {approvers: bosses}]}"
WIPE = "tools: [wipe], why: Gone is gone., "


def put(house: House, text: str) -> None:
    house.policies.current = parsed(text)


def stricter(house: House, stages: str = WITH_BOSSES) -> None:
    assert WIPE + ONE in POLICY
    put(house, POLICY.replace(WIPE + ONE, WIPE + stages))


async def test_an_added_stage_is_found_at_the_click(house: House):
    request = await house.ask()
    stricter(house)
    assert (await house.click(MINA, request)).effect is Effect.STAGE_PASSED

    now = await house.request(request.id)
    assert [s.approvers for s in now.chain.stages] == ["managers", "bosses"]
    assert (now.chain.stage_index, now.end.outcome) == (1, Outcome.REOPENED)
    assert now.end.note == ("The policy has changed and asks for more now: bosses.")
    assert await house.trail(request) == ["requested", "tightened", "stage_passed"]
    assert (await house.click(DANA, request)).effect is Effect.APPROVED


async def test_even_a_refused_click_brings_the_card_up_to_date(house: House):
    request = await house.ask()
    stricter(house)
    assert (await house.click(OLAF, request)).code == "not_in_group"
    assert len((await house.request(request.id)).chain.stages) == 2


async def test_a_larger_quorum_opens_a_passed_stage_again(house: House):
    put(house, POLICY.replace(WIPE + ONE, WIPE + WITH_BOSSES))
    request = await house.ask()
    assert (await house.click(MINA, request)).effect is Effect.STAGE_PASSED
    put(
        house,
        POLICY.replace(
            WIPE + ONE,
            WIPE + "stages: [{approvers: managers, quorum: 2}, {approvers: bosses}]}",
        ),
    )
    assert (await house.click(DANA, request)).code == "not_in_group"
    now = await house.request(request.id)
    assert (now.chain.stage_index, now.chain.stages[0].quorum) == (0, 2)
    assert (await house.click(OMAR, request)).effect is Effect.STAGE_PASSED
    assert (await house.click(DANA, request)).effect is Effect.APPROVED


async def test_a_looser_policy_takes_nothing_away(house: House):
    request = await house.ask("pay")
    put(house, POLICY.replace("tools: [pay]", "tools: [pay_no_more]"))
    waived = POLICY.replace("{name: looking, tools: [peek]", "{name: x, tools: [pay]")
    put(
        house,
        waived.replace(
            "  - name: paying\n    tools: [pay]", "  - name: p\n    tools: [q]"
        ),
    )
    assert (await house.click(MINA, request)).effect is Effect.RECORDED
    assert (await house.click(OMAR, request)).effect is Effect.STAGE_PASSED
    assert (await house.click(DANA, request)).effect is Effect.APPROVED
    assert len((await house.request(request.id)).chain.stages) == 2


async def test_any_click_rejects_a_call_that_is_now_denied(
    house: House,
):
    request = await house.ask()
    put(house, POLICY.replace("tools: [drop]", 'tools: ["*"]'))
    ended = await house.click(MINA, request)
    assert (ended.effect, ended.code) == (Effect.REJECTED, Outcome.DENIED)
    now = await house.request(request.id)
    assert (now.status, now.end.outcome) == (Status.REJECTED, Outcome.DENIED)
    assert (now.end.note, now.chain.decisions) == ("Not from here.", ())


async def test_an_added_stage_reopens_an_approved_request(house: House):
    agent = make_agent(house, ("wipe", {"path": "a"}), "Over.")
    conversation = await agent.say()
    request = await agent.request(conversation)
    await house.click(MINA, request)
    stricter(house)
    house.handed.clear()
    await agent.work()

    again = await house.request(request.id)
    assert (again.status, again.chain.stage_index) == (Status.PENDING, 1)
    assert [d.person.user for d in again.chain.decisions] == [MINA]
    assert again.end.outcome is Outcome.REOPENED
    assert agent.ledger.runs == []
    assert await house.rows("SELECT * FROM grants") == []
    assert await house.rows("SELECT 1 FROM deliveries WHERE kind = 'call'")
    assert (await house.click(DANA, request)).effect is Effect.APPROVED
    await agent.work()
    assert agent.ledger.runs == ["wipe a"]
    assert await agent.said() == ["Over."]


@pytest.mark.parametrize("before_the_run", [False, True])
async def test_an_added_live_stage_lists_its_current_members(
    house: House, before_the_run: bool
):
    house.people.groups["usergroup:S0FINANCE"] = (FAY,)
    agent = make_agent(house, ("wipe", {"path": "a"}), "Over.")
    request = await agent.request(await agent.say())
    if before_the_run:
        await house.click(MINA, request)
    finance = POLICY.replace("{users: [U0DANA]}", "{usergroup: S0FINANCE}")
    put(house, finance.replace(WIPE + ONE, WIPE + WITH_BOSSES))
    if before_the_run:
        await agent.work()
    else:
        assert (await house.click(MINA, request)).effect is Effect.STAGE_PASSED
    assert (await house.request(request.id)).chain.stages[1].people == (FAY,)
    assert (await house.click(FAY, request)).effect is Effect.APPROVED


async def test_an_approved_call_that_is_now_denied_does_not_run(house: House):
    agent = make_agent(house, ("wipe", {"path": "a"}), "Over.")
    conversation = await agent.say()
    request = await agent.request(conversation)
    await house.click(MINA, request)
    put(house, POLICY.replace("tools: [drop]", 'tools: ["*"]'))
    await agent.work()
    closed = await house.request(request.id)
    assert (closed.status, closed.end.outcome) == (Status.REJECTED, Outcome.DENIED)
    assert agent.ledger.runs == []
    assert "Not from here." in agent.results()["call_0"]
    assert await agent.said() == ["Over."]


async def test_an_added_stage_that_nobody_can_fill_rejects_it(house: House):
    agent = make_agent(house, ("wipe", {"path": "a"}), "Over.")
    conversation = await agent.say()
    request = await agent.request(conversation)
    await house.click(MINA, request)
    alone = POLICY.replace("bosses: {users: [U0DANA]}", "bosses: {users: [U0MINA]}")
    put(house, alone.replace(WIPE + ONE, WIPE + WITH_BOSSES))
    await agent.work()
    closed = await house.request(request.id)
    assert (closed.end.outcome, closed.end.note) == (Outcome.UNFILLABLE, "bosses")
    assert agent.ledger.runs == []


async def test_a_stronger_confirmation_is_asked_of_the_next_click(house: House):
    request = await house.ask()
    stricter(house, "stages: [{approvers: managers}], confirm: typed}")
    assert (await house.click(MINA, request)).code == "typed_wrong"
    typed = await house.click(MINA, request, typed="a.txt")
    assert typed.effect is Effect.APPROVED


async def test_a_verdict_that_the_policy_no_longer_allows_is_refused(house: House):
    request = await house.ask()
    stricter(house, "stages: [{approvers: managers}], allow: [reject]}")
    assert (await house.click(MINA, request)).code == "not_allowed"
    edited = await house.click(MINA, request, Verdict.EDIT, arguments={"path": "b"})
    assert edited.code == "not_allowed"
    assert (await house.click(MINA, request, REJECT)).effect is Effect.REJECTED
