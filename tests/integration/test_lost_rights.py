"""Between the verdict and the run: a right that was lost voids its decision."""

from __future__ import annotations

import pytest

from bot.approvals.deadlines import expire_due
from bot.approvals.model import Effect, Execution, Outcome, Status
from bot.base.errors import SlackUnavailable
from bot.conversations.engine import Engine
from bot.conversations.stored_grants import StoredGrants
from tests.support.agent_parts import Crash, crash_once, make_agent
from tests.support.house import REJECT, House
from tests.support.people import DANA, MINA, OMAR, RAVI


async def decided(house: House, agent, *people: str, tool: str = "wipe"):
    """A request whose last word is spoken and whose resume waits."""
    agent.will_say((tool, {"path": "a"}), "Over.")
    conversation = await agent.say()
    request = await agent.request(conversation)
    for user in people:
        await house.click(user, request)
    house.handed.clear()
    return await house.request(request.id)


@pytest.mark.parametrize("word", ["deactivated", "guest", "other team"])
async def test_an_approver_who_lost_the_right_is_asked_after(house: House, word):
    agent = make_agent(house)
    request = await decided(house, agent, MINA)
    house.people.refusals[MINA] = word
    await agent.work()

    reopened = await house.request(request.id)
    assert (reopened.status, reopened.end.execution) == (Status.PENDING, None)
    assert (reopened.chain.decisions, reopened.chain.stage_index) == ((), 0)
    assert (reopened.end.decided_at, agent.ledger.runs) == (None, [])
    assert await house.rows("SELECT * FROM grants") == []
    call = await house.one("SELECT id::text FROM deliveries WHERE kind = 'call'")
    assert set(house.handed) == {request.place.card, request.place.notice, call}
    assert await house.trail(request) == ["requested", "approved", "voided"]
    [void] = await house.rows("SELECT user_id, void_reason FROM decisions")
    why = f"<@{MINA}> may no longer decide: {word}"
    assert void == {"user_id": MINA, "void_reason": why}
    assert (reopened.end.outcome, reopened.end.note) == (Outcome.REOPENED, why)

    assert (await house.click(OMAR, request)).effect is Effect.APPROVED
    await agent.work()
    assert agent.ledger.runs == ["wipe a"]
    assert await agent.said() == ["Over."]


async def test_an_approver_who_left_the_group_is_asked_after(house: House):
    agent = make_agent(house)
    request = await decided(house, agent, MINA)
    house.policies.change("{users: [U0MINA, U0OMAR]}", "{users: [U0OLAF, U0OMAR]}")
    await agent.work()
    assert (await house.request(request.id)).is_open
    assert (await house.click(MINA, request)).code == "not_in_group"


async def test_who_regained_the_right_may_decide_again(house: House):
    agent = make_agent(house)
    request = await decided(house, agent, MINA)
    house.people.refusals[MINA] = "deactivated"
    await agent.work()
    house.people.refusals.clear()
    assert (await house.click(MINA, request)).effect is Effect.APPROVED
    await agent.work()
    assert agent.ledger.runs == ["wipe a"]


async def test_while_slack_is_away_an_approved_call_waits(house: House):
    agent = make_agent(house)
    request = await decided(house, agent, MINA)
    house.people.down = True
    with pytest.raises(SlackUnavailable):
        await agent.work()
    assert (await house.request(request.id)).status is Status.APPROVED
    assert agent.ledger.runs == []
    house.people.down = False
    await agent.work()
    assert agent.ledger.runs == ["wipe a"]


async def test_a_rejection_needs_no_second_look(house: House):
    agent = make_agent(house, ("wipe", {"path": "a"}), "Over.")
    conversation = await agent.say()
    await house.click(MINA, await agent.request(conversation), REJECT)
    house.people.down = True
    await agent.work()
    assert await agent.said() == ["Over."]


async def test_reopening_an_early_stage_resets_the_later_ones(house: House):
    agent = make_agent(house)
    request = await decided(house, agent, MINA, DANA, tool="sign")
    house.people.refusals[MINA] = "deactivated"
    await agent.work()

    reopened = await house.request(request.id)
    assert (reopened.chain.stage_index, reopened.chain.decisions) == (0, ())
    assert reopened.chain.stages[1].opened_at is None
    assert (await house.click(DANA, request)).code == "not_in_group"
    assert (await house.click(OMAR, request)).effect is Effect.STAGE_PASSED
    assert (await house.click(DANA, request)).effect is Effect.APPROVED
    await agent.work()
    assert agent.ledger.runs == ["sign a"]


async def test_a_later_stage_that_falls_leaves_the_earlier_ones(house: House):
    agent = make_agent(house)
    request = await decided(house, agent, MINA, DANA, tool="sign")
    house.people.refusals[DANA] = "deactivated"
    await agent.work()
    reopened = await house.request(request.id)
    assert reopened.chain.stage_index == 1
    assert [d.person.user for d in reopened.chain.decisions] == [MINA]
    assert (await house.click(OMAR, request)).effect is Effect.APPROVED


async def test_one_of_a_quorum_that_falls_leaves_the_other(house: House):
    house.policies.change("[U0MINA, U0OMAR]", "[U0MINA, U0OMAR, U0OLAF]")
    agent = make_agent(house)
    request = await decided(house, agent, MINA, OMAR, DANA, tool="pay")
    house.people.refusals[OMAR] = "guest"
    await agent.work()
    reopened = await house.request(request.id)
    assert reopened.chain.stage_index == 0
    assert [d.person.user for d in reopened.chain.decisions] == [MINA]


@pytest.mark.parametrize("known", ["accounts", "mailboxes"])
async def test_two_accounts_of_one_person_are_no_quorum(house: House, known: str):
    house.policies.change("[U0MINA, U0OMAR]", "[U0MINA, U0OMAR, U0OLAF]")
    agent = make_agent(house)
    request = await decided(house, agent, MINA, OMAR, DANA, tool="pay")
    setattr(house.people, known, {MINA: "one@x.com", OMAR: "one@x.com"})
    await agent.work()
    reopened = await house.request(request.id)
    assert [d.person.user for d in reopened.chain.decisions] == [MINA]
    assert f"another account of <@{MINA}>" in reopened.end.note
    assert agent.ledger.runs == []


async def test_losing_the_last_approver_rejects_and_names_the_stage(
    house: House,
):
    agent = make_agent(house)
    request = await decided(house, agent, MINA, OMAR, DANA, tool="pay")
    house.people.refusals[DANA] = "deactivated"
    await agent.work()
    closed = await house.request(request.id)
    assert (closed.status, closed.end.outcome) == (Status.REJECTED, Outcome.UNFILLABLE)
    assert closed.end.note == "bosses"
    assert agent.ledger.runs == []
    assert "bosses" in agent.results()["call_0"]
    assert await agent.said() == ["Over."]


async def test_losing_the_last_approver_after_the_deadline_times_out(
    house: House,
):
    agent = make_agent(house)
    request = await decided(house, agent, MINA, OMAR, DANA, tool="pay")
    house.people.refusals[DANA] = "deactivated"
    await house.pass_time(days=2)
    await agent.work()
    assert (await house.request(request.id)).is_open
    await expire_due(house.pool, house.queue)
    await agent.work()
    assert (await house.request(request.id)).status is Status.TIMED_OUT
    assert "timed out" in agent.results()["call_0"]


@pytest.mark.parametrize(
    ("name", "after", "execution", "runs"),
    [
        ("claim", True, Execution.UNKNOWN, []),
        ("finish", True, Execution.DONE, ["wipe a"]),
    ],
)
async def test_a_call_that_has_begun_is_not_asked_about_again(
    house: House, monkeypatch, name, after, execution, runs
):
    agent = make_agent(house)
    request = await decided(house, agent, MINA)
    crash_once(monkeypatch, StoredGrants, name, after=after)
    with pytest.raises(Crash):
        await agent.work()
    house.people.refusals[MINA] = "deactivated"
    house.people.asked.clear()
    await agent.work()
    assert house.people.asked == []
    closed = await house.request(request.id)
    assert (closed.status, closed.end.execution) == (Status.APPROVED, execution)
    assert agent.ledger.runs == runs
    assert await agent.said() == ["Over."]


async def test_of_two_answers_the_one_that_stands_goes_on(house: House):
    both = [("wipe", {"path": "a"}, "call_a"), ("wipe", {"path": "b"}, "call_b")]
    agent = make_agent(house, both, "Over.")
    conversation = await agent.say()
    first, second = await agent.requests(conversation)
    await house.click(MINA, first)
    await house.click(OMAR, second)
    house.people.refusals[MINA] = "guest"
    await agent.work()
    assert agent.ledger.runs == ["wipe b"]
    assert [r.id for r in await agent.open_requests(conversation)] == [first.id]
    await house.click(OMAR, first)
    await agent.work()
    assert agent.ledger.runs == ["wipe b", "wipe a"]
    assert await agent.said() == ["Over."]


async def test_an_answer_kept_from_a_failed_run_approves_nothing(
    house: House, monkeypatch
):
    """LangGraph repeats a stored yes whatever it is told later; the grant does not."""
    agent = make_agent(house)
    request = await decided(house, agent, MINA)
    crash_once(monkeypatch, StoredGrants, "claim")
    with pytest.raises(Crash):
        await agent.work()
    house.people.refusals[MINA] = "deactivated"
    await agent.work()
    assert (await house.request(request.id)).is_open
    await house.click(OMAR, request, REJECT)
    await agent.work()
    assert agent.ledger.runs == []
    assert (await house.request(request.id)).status is Status.REJECTED
    assert await agent.said() == ["Over."]


async def test_the_requesters_own_later_fate_changes_no_verdict(house: House):
    agent = make_agent(house)
    await decided(house, agent, MINA)
    house.people.refusals[RAVI] = "deactivated"
    await agent.work()
    assert agent.ledger.runs == ["wipe a"]


async def test_each_verdict_is_looked_up_again_before_the_run(
    house: House, monkeypatch
):
    agent = make_agent(house)
    await decided(house, agent, MINA, DANA, tool="sign")
    house.people.asked.clear()
    resume = Engine.resume

    async def watched(self, run, answers):
        assert house.people.asked == [RAVI, MINA, DANA]
        return await resume(self, run, answers)

    monkeypatch.setattr(Engine, "resume", watched)
    await agent.work()
    assert agent.ledger.runs == ["sign a"]
