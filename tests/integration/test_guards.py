"""A mutation check: with each guard taken out in turn something breaks that it keeps.

Each scenario returns what is wrong, which is nothing as long as the guard is there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from langgraph.errors import UnknownInterruptError
from langgraph.types import Command

from bot.approvals import grants, transitions
from bot.approvals.decide import Decider
from bot.approvals.grants import claim_resume
from bot.approvals.judge import Result
from bot.approvals.model import Effect, Request
from bot.approvals.run import LostRun, Run
from bot.approvals.transitions import Overtaken, expire
from bot.conversations import outcome, run_saver
from bot.conversations.engine import Engine
from bot.conversations.inbox import Incoming, receive
from bot.database.pool import transaction
from tests.support import guards
from tests.support.agent_parts import make_agent
from tests.support.foreign_parts import Theirs, make_foreign
from tests.support.guards import GUARDS, Guard
from tests.support.house import WAIVED, CallFacts, House, facts_of
from tests.support.people import CHANNEL, MINA, RAVI, TEAM

Scenario = Callable[[House], Awaitable[list[str]]]
USERS = (grants, outcome, transitions)  # of the statements
SAVES = ("put_checkpoints", "put_writes")
OWN = "AND c.generation = %(generation)s"


async def silence_after_an_approval(house: House) -> list[str]:
    """Another replica's clock has read the request before it was approved."""
    request = await house.ask()
    await house.click(MINA, request)
    await house.pass_time(hours=25)
    with suppress(Overtaken):
        async with transaction(house.pool) as connection:
            await expire(connection, house.queue, request)
    now = await house.request(request.id)
    return [] if now.status == "approved" else [f"it is {now.status}"]


async def a_click_judged_in_time(house: House) -> list[str]:
    request = await house.ask()
    judge = Decider._judge

    def slow(self: Decider, *given: Any) -> Result:
        result = judge(self, *given)
        return replace(result, effect=Effect.APPROVED, code="")

    await house.pass_time(hours=25)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Decider, "_judge", slow)
        await house.click(MINA, request)
    now = await house.request(request.id)
    return ["approved after the deadline"] if now.status == "approved" else []


async def two_claims(house: House) -> list[str]:
    request = await house.approved()
    run = await house.start_run(request.conversation)
    return _ran([await house.claim(run, facts_of(request)) for _ in range(2)])


async def two_claims_of_a_waived_call(house: House) -> list[str]:
    run = await house.start_run(await house.conversation())
    call = CallFacts("call-w", "peek", {"path": "a"}, {})
    return _ran([await house.claim(run, call, WAIVED) for _ in range(2)])


def _ran(taken: list[Any]) -> list[str]:
    won = [each for each in taken if each.won]
    return [] if len(won) == 1 else [f"it ran {len(won)} times"]


async def two_claims_at_a_resume(house: House) -> list[str]:
    agent = make_foreign(house, Theirs().parallel("act"))
    conversation = await agent.say()
    await house.click(MINA, await agent.request(conversation))
    request: Request = await agent.request(conversation)
    run = await house.start_run(conversation)
    won = [await claim_resume(house.pool, run, [request]) for _ in range(2)]
    return [] if won == [True, False] else [f"claims: {won}"]


async def a_claim_of_a_replaced_run(house: House) -> list[str]:
    request = await house.approved()
    old = await house.start_run(request.conversation)
    await house.start_run(request.conversation)
    with suppress(LostRun):
        if (await house.claim(old, facts_of(request))).won:
            return ["the replaced run acts"]
    return []


async def a_checkpoint_of_a_replaced_run(house: House) -> list[str]:
    agent = make_agent(house, "Hello.")
    old = await house.start_run(await house.conversation())
    await house.start_run(old.conversation)
    with suppress(LostRun):
        await agent.runner.engine.start(old, HumanMessage("hi"))
        await old.save()
    written = await house.one("SELECT count(*) FROM checkpoints")
    return [f"{written} checkpoints"] if written else []


async def an_answer_of_a_replaced_run(house: House) -> list[str]:
    agent = make_agent(house, "Too late.")
    begin = Engine.start

    async def overtaken(self: Engine, run: Run, messages: Any) -> Any:
        ran = await begin(self, run, messages)
        await house.start_run(run.conversation)
        return ran

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Engine, "start", overtaken)
        await agent.say()
    return await agent.said()


async def an_answer_to_what_is_not_asked(house: House) -> list[str]:
    agent = make_agent(house, ("wipe", {"path": "a"}), "Over.")
    conversation = await agent.say()
    run = await house.start_run(conversation)
    stray = Command(resume={"0" * 32: {"type": "approve"}})
    with suppress(UnknownInterruptError):
        await agent.runner.engine._invoke(run, stray)
        return ["it was taken without a word"]
    return []


async def one_event_twice(house: House) -> list[str]:
    event = Incoming("", TEAM, CHANNEL, "5.1", "5.1", "Ev-once", RAVI, "hello")
    taken = [await receive(house.pool, house.queue, event) for _ in range(2)]
    return [] if taken == [True, False] else ["it is answered twice"]


async def one_interrupt_twice(house: House) -> list[str]:
    agent = make_agent(house, ("wipe", {"path": "a"}), "Over.")
    conversation = await agent.say()
    run = await house.start_run(conversation)
    # its turn, once more: what a job does that has been given back
    await house.rows("UPDATE requests SET resumed_at = bot_now()")
    await house.rows("UPDATE messages SET state = 'running'")
    await agent.runner.turn(run.conversation)
    cards = await house.one("SELECT count(*) FROM deliveries WHERE kind = 'card'")
    return [] if cards == 1 else [f"{cards} cards"]


SCENARIOS: dict[str, Scenario] = {
    "conditional UPDATE": silence_after_an_approval,
    "conditional UPDATE against the deadline": a_click_judged_in_time,
    "claim": two_claims,
    "claim of a waived call": two_claims_of_a_waived_call,
    "claim at a resume": two_claims_at_a_resume,
    "generation at the claim": a_claim_of_a_replaced_run,
    "generation in the saver": a_checkpoint_of_a_replaced_run,
    "generation at the end of a turn": an_answer_of_a_replaced_run,
    "strict resume": an_answer_to_what_is_not_asked,
    "dedupe of messages": one_event_twice,
    "dedupe of requests": one_interrupt_twice,
}


async def take_out(house: House, guard: Guard, patch: pytest.MonkeyPatch) -> None:
    if guard.statement:
        rooms = [each for each in USERS if guard.statement in each.SQL]
        whole = rooms[0].SQL[guard.statement]
        assert whole.count(guard.guard) == 1
        without = whole.replace(guard.guard, guard.instead)
        for room in rooms:
            patch.setattr(room, "SQL", {**room.SQL, guard.statement: without})
    if guard.function:
        made = "SELECT pg_get_functiondef(%s::regproc)"
        whole = await house.one(made, guard.function)
        assert whole.count(guard.guard) == 1
        await house.rows(whole.replace(guard.guard, guard.instead))
    for constraint in guard.constraints:
        await house.rows(f"ALTER TABLE {guard.table} DROP CONSTRAINT {constraint}")
    if guard.name == "generation in the saver":
        lax = {name: run_saver.SQL[name].replace(OWN, "") for name in SAVES}
        patch.setattr(run_saver, "SQL", {**run_saver.SQL, **lax})
    if guard.name == "strict resume":
        patch.setattr(Engine, "_prepare", without_strictness(Engine._prepare))


def without_strictness(prepare: Any) -> Any:
    def lax(self: Engine, run: Run) -> Any:
        graph, config = prepare(self, run)
        del config["configurable"]["__pregel_strict_resume"]
        return graph, config

    return lax


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
async def test_with_its_guard_nothing_breaks(house: House, guard: Guard):
    assert await SCENARIOS[guard.name](house) == []


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
async def test_without_its_guard_something_breaks(
    house: House, guard: Guard, monkeypatch: pytest.MonkeyPatch
):
    await take_out(house, guard, monkeypatch)
    assert await SCENARIOS[guard.name](house) != []


def test_the_published_table_names_the_guards_that_are_taken_out():
    assert guards.PAGE.read_text(encoding="utf-8") == guards.page()
    assert SCENARIOS.keys() == {guard.name for guard in GUARDS}
