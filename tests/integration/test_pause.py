"""A pause: nothing is claimed until it is lifted, and then what waited goes on."""

from __future__ import annotations

import asyncio

import pytest

from bot.approvals import SQL, grants
from bot.approvals.grants import CallFacts
from bot.approvals.model import Effect, Execution
from bot.approvals.pause import Actor, Operators, PauseAnswer, lift, pause, pauses
from bot.conversations.runner import Runner
from bot.database.pool import transaction
from tests.support.agent_parts import make_agent
from tests.support.house import POLICY, WAIVED, House, facts_of, parsed
from tests.support.people import DANA, MINA, OLAF, RAVI, TEAM, person
from tests.support.post import Post
from tests.support.shown import everything

OPS = Actor("operator ops", "cli")


async def pause_it(house: House, reason: str = "the disk burns") -> bool:
    return await pause(house.pool, house.queue, TEAM, reason, OPS)


async def lift_it(house: House) -> bool:
    return await lift(house.pool, house.queue, TEAM, OPS)


async def test_what_was_approved_waits_and_goes_on_when_lifted(house: House):
    agent = make_agent(house)
    agent.will_say(("wipe", {"path": "a"}), "Over.")
    request = await agent.request(await agent.say())
    assert await pause_it(house)
    assert not await pause_it(house, "again")
    assert (await house.click(MINA, request)).effect is Effect.APPROVED
    await agent.work()
    now = await house.request(request.id)
    assert (now.end.execution, agent.ledger.runs) == (Execution.APPROVED, [])
    [said] = await agent.said("say")
    assert "the disk burns" in said

    assert await lift_it(house)
    assert not await lift_it(house)
    await agent.work()
    assert agent.ledger.runs == ["wipe a"]
    assert (await agent.said())[-1] == "Over."
    rows = await house.rows("SELECT event, actor, via FROM audit WHERE actor ~ 'ops'")
    assert [row["event"] for row in rows] == ["paused", "pause_lifted"]


async def test_a_pause_that_meets_a_run_is_waited_out(house: House, monkeypatch):
    """It begins after the job has looked, and right before the call's claim."""
    agent = make_agent(house)
    agent.will_say(("wipe", {"path": "a"}), "Over.")
    request = await agent.request(await agent.say())
    await house.click(MINA, request)
    real = Runner._resume

    async def late(*given):
        monkeypatch.setattr(Runner, "_resume", real)
        await pause_it(house)
        await real(*given)

    monkeypatch.setattr(Runner, "_resume", late)
    await agent.work()
    assert agent.ledger.runs == []
    await lift_it(house)
    await agent.work()
    assert agent.ledger.runs == ["wipe a"]
    assert (await house.trail(request))[-1] == "resumed"


async def test_a_pause_between_two_claims_of_a_turn(house: House, monkeypatch):
    """The first call runs while the second meets it; lifted, both have run once."""
    agent, real = make_agent(house), grants.claim
    turns, met, claims = asyncio.Lock(), asyncio.Event(), list[bool]()
    agent.will_say([("wipe", {"path": "a"}), ("wipe", {"path": "b"})], "Over.")
    conversation = await agent.say()
    for request in await agent.requests(conversation):
        await house.click(MINA, request)
    agent.ledger.before = met.wait

    async def one_by_one(*given, **how):
        async with turns:
            if claims:
                await pause_it(house)
            taken = await real(*given, **how)
            claims.append(taken.won)
            if taken.is_paused:
                met.set()
            return taken

    monkeypatch.setattr(grants, "claim", one_by_one)
    await agent.work()
    monkeypatch.setattr(grants, "claim", real)
    assert claims[:2] == [True, False]
    assert len(agent.ledger.runs) == 1
    await lift_it(house)
    await agent.work()
    assert sorted(agent.ledger.runs) == ["wipe a", "wipe b"]
    assert await agent.said() == ["Over."]
    ends = [each.end.execution for each in await agent.requests(conversation)]
    assert ends == [Execution.DONE] * 2


async def test_a_waived_call_is_told_that_nothing_runs(house: House):
    run = await house.start_run(await house.conversation())
    call = CallFacts("call-w", "peek", {"path": "a"}, {})
    await pause_it(house)
    taken = await house.claim(run, call, WAIVED)
    assert (taken.won, taken.is_paused) == (False, True)
    await lift_it(house)
    assert (await house.claim(run, call, WAIVED)).won


async def test_pause_and_claim_wait_for_each_other(house: House):
    """Whichever is written first decides: the other one finds it."""
    request = await house.approved()
    run = await house.start_run(request.conversation)
    async with transaction(house.pool) as connection:
        key = {"team": TEAM, "reason": "stop", "actor": "ops"}
        await connection.execute(SQL["lock_pause"], key)
        await connection.execute(SQL["pause"], key)
        late = asyncio.create_task(house.claim(run, facts_of(request)))
        await house.blocked(late)
    taken = await late
    assert (taken.won, taken.is_paused) == (False, True)

    await lift_it(house)
    async with transaction(house.pool) as connection:
        await connection.execute("SELECT pause_of(%s)", [TEAM])  # as a claim does
        late = asyncio.create_task(pause_it(house))
        await house.blocked(late)
    assert await late


async def test_cards_say_that_nothing_runs(house: House, post: Post):
    request, approved = await house.ask(), await house.approved()
    await post.work()
    await pause_it(house, "the disk <burns>")
    await post.work()
    for each in (request, approved):
        shown = await _card(house, post, each.id)
        assert "Paused" in shown
        assert "the disk &lt;burns&gt;" in shown
    await lift_it(house)
    await post.work()
    assert "Paused" not in await _card(house, post, request.id)


async def _card(house: House, post: Post, request: str) -> str:
    ts = (await house.request(request)).place.ts
    [message] = [each for each in post.slack.messages if each["ts"] == ts]
    return everything(message)


async def test_each_workspace_is_paused_by_itself(house: House):
    await house.rows("INSERT INTO workspaces (team_id, simulated) VALUES ('T1', true)")
    await house.rows("INSERT INTO workspaces (team_id, simulated) VALUES ('T2', true)")
    await pause(house.pool, house.queue, "T2", "theirs", OPS)
    async with house.pool.connection() as connection:
        (one, ours), (two, theirs) = await pauses(connection)
    assert (one, ours, two) == ("T1", None, "T2")
    assert theirs is not None
    assert (theirs.reason, theirs.by) == ("theirs", "operator ops")
    request = await house.approved()
    run = await house.start_run(request.conversation)
    assert (await house.claim(run, facts_of(request))).won


@pytest.fixture
def operators(house: House) -> Operators:
    """For a policy whose operators are Dana alone."""
    groups = f"approvers:\n  operators: {{users: [{DANA}]}}"
    house.policies.current = parsed(POLICY.replace("approvers:", groups, 1))
    return Operators(house.pool, house.queue, house.people, house.policies)


async def test_operators_pause_and_lift_from_slack(house: House, operators: Operators):
    assert await operators.pause(person(DANA), "stop") is PauseAnswer.PAUSED
    assert await operators.pause(person(DANA), "stop") is PauseAnswer.PAUSED_BEFORE
    assert await operators.lift(person(DANA)) is PauseAnswer.LIFTED
    assert await operators.lift(person(DANA)) is PauseAnswer.NOT_PAUSED
    house.policies.current = parsed(POLICY)
    assert await operators.pause(person(DANA), "stop") is PauseAnswer.NO_OPERATORS


async def test_threat_49_strangers_lift_no_pause(house: House, operators: Operators):
    await pause_it(house)
    house.people.refusals[DANA] = "deactivated"
    for user in (MINA, RAVI, OLAF, DANA):
        assert await operators.lift(person(user)) is PauseAnswer.NOT_OPERATOR
    house.people.refusals.clear()
    assert await operators.lift(person(DANA, team="T9")) is PauseAnswer.NOT_PAUSED
    house.people.down = True
    assert await operators.lift(person(DANA)) is PauseAnswer.COULD_NOT_CHECK
    assert (await house.trail()).count("refused") == 5
    assert await house.one("SELECT count(*) FROM pauses") == 1
