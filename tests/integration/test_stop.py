"""Stop: who may, what it ends, and what it tells of what has begun."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from agent.phrases.chat import STOPPED
from agent.phrases.tool_calls import UNRECORDED
from bot.approvals.grants import CallFacts
from bot.approvals.model import Action, Place, Verdict
from bot.approvals.policy.load import parse_policy
from bot.approvals.run import LostRun
from bot.conversations.stop_and_retry import Stopper, asks_to_stop
from bot.database.pool import transaction
from tests.support.agent_parts import Agent, make_agent
from tests.support.agent_stand_ins import Slow
from tests.support.house import WAIVED, House
from tests.support.people import APP, CHANNEL, DANA, MINA, OMAR, RAVI, person
from tests.support.policies import policy_text

THREAD = (CHANNEL, "100.1")
RULE = "\n  - {name: wiping, tools: [wipe], stages: [{approvers: managers}]}\n"
OPERATORS = policy_text(RULE, approvers={"managers": (MINA,), "operators": (DANA,)})


def stopper(house: House) -> Stopper:
    return Stopper(house.pool, house.people, house.policies, house.queue, lambda: APP)


async def waiting(house: House, thread_ts: str = "100.1") -> tuple[Agent, Any]:
    """An agent that waits for an approval of Ravi's, and its request."""
    agent = make_agent(house, ("wipe", {"path": "a"}))
    conversation = await agent.say(user=RAVI, thread_ts=thread_ts)
    return agent, await agent.request(conversation)


async def test_who_asked_ends_the_turn_and_what_it_waits_for(house: House):
    agent, request = await waiting(house)
    await house.write("and this?", user=OMAR)

    assert await stopper(house).stop_thread(person(RAVI), THREAD) == ""

    closed = await house.request(request.id)
    assert (closed.status, closed.chain.decisions[-1].person.user) == (
        "withdrawn",
        RAVI,
    )
    assert await agent.said("say") == [f"Stopped by <@{RAVI}>."]
    agent.will_say("To Omar.")
    await agent.work()
    assert await agent.said() == ["To Omar."]
    assert await agent.states() == ["failed", "answered"]
    assert STOPPED in agent.model.seen[-1][-1].text
    assert agent.results()["call_0"] == UNRECORDED
    assert agent.ledger.runs == []
    agent.will_say("Once told.")
    await agent.say("next")
    assert "[Stopped" not in agent.model.seen[-1][-1].text
    assert "stopped" in await house.trail()


async def test_threat_72_others_stop_nothing_but_operators_do(house: House):
    _, request = await waiting(house)
    stop = stopper(house).stop_thread

    assert await stop(person(DANA), THREAD) == "may_not_stop"
    house.people.refusals[RAVI] = "deactivated"
    assert await stop(person(RAVI), THREAD) == "deactivated"
    house.people.down = True
    assert await stop(person(DANA), THREAD) == "could_not_check"
    house.people.down = False
    assert (await house.request(request.id)).is_open

    house.policies.current = parse_policy(OPERATORS)
    assert await stop(person(DANA), THREAD) == ""
    assert (await house.request(request.id)).status == "withdrawn"
    assert len(await house.told(DANA)) == 2


@pytest.mark.parametrize("thread", [THREAD, (CHANNEL, "999.9")])
async def test_where_nothing_goes_on_nothing_is_stopped(house: House, thread: Any):
    agent = make_agent(house, "Hello.")
    await agent.say()
    stop = stopper(house).stop_thread

    assert await stop(person(RAVI), thread) == "nothing_to_stop"
    assert len(await house.told(RAVI)) == 1
    assert await stop(person(RAVI), thread, quietly=True) == "nothing_to_stop"
    assert len(await house.told(RAVI)) == 1


async def test_threat_72_a_forged_or_misplaced_stop_ends_nothing(house: House):
    agent, request = await waiting(house)
    _, other = await waiting(house, "200.2")
    await house.rows(
        "UPDATE deliveries SET posted_channel = channel_id, message_ts = '5.5'"
        " WHERE id = %s",
        request.place.notice,
    )
    here = Place(APP, CHANNEL, "5.5")
    click = Action(request.place.token, person(RAVI), Verdict.WITHDRAW, "slack", here)
    stop = stopper(house).stop_request

    for forged in (
        replace(click, request="no-such-token"),
        replace(click, request=other.place.token),
        replace(click, place=replace(here, message="6.6")),
        replace(click, place=replace(here, app="A9")),
        replace(click, person=person(RAVI, team="T9")),
    ):
        assert await stop(forged) == "misplaced"
    assert await stop(replace(click, person=person(MINA))) == "may_not_stop"
    assert (await house.request(request.id)).is_open

    assert await stop(click) == ""
    assert (await house.request(request.id)).status == "withdrawn"
    assert (await house.request(other.id)).is_open
    assert agent.ledger.runs == []


async def test_an_approved_call_that_has_not_begun_never_does(house: House):
    agent, request = await waiting(house)
    await house.click(MINA, request)

    assert await stopper(house).stop_thread(person(RAVI), THREAD) == ""
    await agent.work()

    assert agent.ledger.runs == []
    grants = "SELECT count(*) FROM grants WHERE request_id = %s"
    assert await house.one(grants, request.id) == 0
    closed = await house.request(request.id)
    assert closed.end.note == "It did not run: its turn was stopped before."


async def test_a_waived_call_that_meets_a_stop_never_runs(house: House):
    """The stop has looked at what runs, and is not written yet."""
    run = await house.start_run(await house.conversation())
    call = CallFacts("call-w", "peek", {"path": "a"}, {})
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    async with transaction(house.pool) as connection:
        await connection.execute(
            "UPDATE conversations SET generation = generation + 1 WHERE id = %s",
            (run.conversation,),
        )
        claiming = asyncio.ensure_future(house.claim(run, call, WAIVED))
        while not (claiming.done() or await house.one(waiting)):  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert not claiming.done()
    with pytest.raises(LostRun):
        await claiming


@pytest.fixture
async def thinking(
    house: House, monkeypatch, shorter
) -> tuple[Agent, asyncio.Task[Any]]:
    """An agent at its first message, whose model thinks until it is cancelled."""
    shorter(unsaved=0.01)
    agent, slow = make_agent(house), Slow()
    real = type(agent.model)._agenerate

    async def think(self: Any, *given: Any, **named: Any) -> Any:
        if not agent.model.script:
            await slow.work()
        return await real(self, *given, **named)

    monkeypatch.setattr(type(agent.model), "_agenerate", think)
    await house.write()
    turn = asyncio.create_task(agent.work())
    await slow.began.wait()
    return agent, turn


async def stop(agent: Agent, turn: asyncio.Task[Any]) -> None:
    assert await stopper(agent.house).stop_thread(person(RAVI), THREAD) == ""
    conversation = await agent.house.one("SELECT id::text FROM conversations")
    agent.runner.under_way.stop(conversation)  # as the replica's listener does
    await turn


async def test_a_running_call_of_the_model_is_cancelled(thinking):
    agent, turn = thinking
    await stop(agent, turn)
    assert await agent.said() == []
    assert await agent.said("say") == [f"Stopped by <@{RAVI}>."]
    assert await agent.states() == ["failed"]


async def test_the_agent_knows_what_a_stopped_turn_was_about(thinking):
    agent, turn = thinking
    async with asyncio.timeout(10):
        # a table has no event to wait for
        while not await agent.house.rows("SELECT 1 FROM checkpoints"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await stop(agent, turn)
    agent.will_say("What?")
    await agent.say("and?")
    _, first, second = agent.model.seen[-1]
    assert (first.text, second.text.startswith("and?")) == ("hello", True)


async def test_a_tool_that_has_begun_goes_on_and_is_told(house: House):
    agent, request = await waiting(house)
    slow = Slow()
    agent.ledger.before = slow.work
    await house.click(MINA, request)
    resume = asyncio.create_task(agent.work())
    await slow.began.wait()

    assert await stopper(house).stop_thread(person(RAVI), THREAD) == ""
    agent.runner.under_way.stop(request.conversation)
    slow.may_end.set()
    await resume

    [said] = await agent.said("say")
    assert "can't be stopped" in said
    assert agent.ledger.runs == ["wipe a"]
    assert (await house.request(request.id)).end.execution == "done"
    assert await agent.said() == []


@pytest.mark.parametrize(
    ("text", "stops"),
    [("stop", True), (" Stop! ", True), ("stop it", False), ("", False)],
)
def test_only_the_word_alone_stops(text: str, stops: bool):
    assert asks_to_stop(text) is stops
