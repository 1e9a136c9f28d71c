"""A call's end is stored while the model is asked, and before anything follows it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.tools import tool
from psycopg import OperationalError

from bot.approvals import grants
from bot.approvals.run import LostRun, Run
from bot.base.errors import RetryLater
from bot.conversations import stored_grants
from bot.conversations.run_saver import RunSaver
from bot.conversations.stop_and_retry import Stopper
from tests.support.agent_parts import Agent, make_agent
from tests.support.agent_stand_ins import ScriptedModel, Slow, calls
from tests.support.foreign_parts import make_foreign, tool_loop
from tests.support.house import House
from tests.support.people import APP, CHANNEL, MINA, RAVI, person

PEEK, OTHER = ("peek", {"path": "a"}, "call_a"), ("peek", {"path": "b"}, "call_b")
STATES = "SELECT array_agg(state ORDER BY tool_call_id) FROM grants"


@pytest.fixture
def storing(monkeypatch: pytest.MonkeyPatch) -> Slow:
    """The storing of each end, which waits until it may go on."""
    slow, real = Slow(), grants.finish

    async def finish(*given: Any) -> None:
        await slow.work()
        await real(*given)

    monkeypatch.setattr(grants, "finish", finish)
    return slow


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not is_so():  # noqa: ASYNC110 - it looks at plain values
            await asyncio.sleep(0)


async def goes_no_further(house: House, work: asyncio.Task[Any]) -> None:
    """Give it time for what it must not do."""
    for _ in range(20):
        await house.one("SELECT 1")
    assert not work.done()


def model_of(agent: Agent, times: int) -> Callable[[], bool]:
    """Return what tells whether the model was asked exactly that often."""
    return lambda: len(agent.model.seen) == times


async def test_the_answer_waits_for_the_end_that_the_model_knows(house, storing):
    agent = make_agent(house, PEEK, "Peeked.")
    work = asyncio.create_task(agent.say())
    await until(model_of(agent, 2))
    await goes_no_further(house, work)
    assert (await house.one(STATES), await agent.said()) == (["executing"], [])
    storing.may_end.set()
    await work
    assert (await house.one(STATES), await agent.said()) == (["done"], ["Peeked."])
    assert await house.trail() == ["received", "claimed", "ran"]


async def test_the_next_call_waits_for_the_end_before_it(house, storing):
    agent = make_agent(house, PEEK, OTHER, "Over.")
    work = asyncio.create_task(agent.say())
    await until(model_of(agent, 2))
    await goes_no_further(house, work)
    assert agent.ledger.runs == ["peek a"]
    storing.may_end.set()
    await work
    assert agent.ledger.runs == ["peek a", "peek b"]
    assert await house.trail() == ["received", *["claimed", "ran"] * 2]


async def test_a_question_waits_for_the_end_beside_it(house, storing):
    agent = make_agent(house, [PEEK, ("wipe", {"path": "b"}, "call_b")])
    work = asyncio.create_task(agent.say())
    await storing.began.wait()
    await goes_no_further(house, work)
    assert await house.rows("SELECT 1 FROM requests") == []
    storing.may_end.set()
    assert await agent.request(await work)
    assert await house.one(STATES) == ["done"]


async def test_an_end_that_cannot_be_stored_ends_the_run(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    agent = make_agent(house, PEEK, "Peeked.", "I do not know.")

    async def away(*given: Any) -> None:
        raise OperationalError

    conversation = await house.write()
    with monkeypatch.context() as patched:
        patched.setattr(grants, "finish", away)
        patched.setattr(stored_grants, "FINISH_WAITS", (0,))
        with pytest.raises(OperationalError):
            await agent.runner.turn(conversation)
    assert (await agent.said(), len(agent.model.seen)) == ([], 2)
    await agent.work()
    assert agent.ledger.runs == ["peek a"]
    assert "unknown" in agent.results()["call_a"]
    assert await agent.said() == ["I do not know."]


async def test_each_end_is_stored_whatever_became_of_others(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    agent = make_agent(house, [PEEK, OTHER], "Peeked.")
    real, failed = grants.finish, list[str]()

    async def finish(*given: Any) -> None:
        if not failed:
            failed.append("the first")
            raise LostRun
        await real(*given)

    monkeypatch.setattr(grants, "finish", finish)
    await agent.say()
    assert sorted(await house.one(STATES)) == ["done", "executing"]
    assert await agent.said() == []


async def test_an_end_is_waited_for_after_one_that_failed(house: House):
    run = Run("", "", 1, {})
    saver, second = RunSaver(house.pool, run), Slow()

    async def fail() -> None:
        raise LostRun

    await saver.keep(fail())
    await saver.keep(second.work())
    saving = asyncio.create_task(saver.save())
    await second.began.wait()
    await goes_no_further(house, saving)
    second.may_end.set()
    with pytest.raises(LostRun):
        await saving


async def test_a_replaced_run_stores_its_end_and_no_more(house: House):
    agent = make_agent(house, PEEK, "Peeked.")
    conversation = await house.write()

    async def replaced() -> None:
        await house.start_run(conversation)

    agent.ledger.before = replaced
    await agent.runner.turn(conversation)
    assert (await house.one(STATES), await agent.said()) == (["done"], [])


async def test_a_stop_lets_the_end_be_stored(house, storing, monkeypatch):
    agent, thinking = make_agent(house, PEEK, "never"), Slow()
    real = type(agent.model)._agenerate

    async def answer(self: Any, *given: Any, **named: Any) -> Any:
        if agent.model.seen:
            await thinking.work()
        return await real(self, *given, **named)

    monkeypatch.setattr(type(agent.model), "_agenerate", answer)
    conversation = await house.write(user=RAVI)
    work = asyncio.create_task(agent.work())
    await thinking.began.wait()
    stopper = Stopper(
        house.pool, house.people, house.policies, house.queue, lambda: APP
    )
    assert await stopper.stop_thread(person(RAVI), (CHANNEL, "100.1")) == ""
    agent.runner.under_way.stop(conversation)
    await goes_no_further(house, work)
    storing.may_end.set()
    await work
    assert (await house.one(STATES), await agent.said()) == (["done"], [])


async def test_a_run_that_is_drained_has_stored_its_end(house, storing):
    agent = make_agent(house, PEEK, "Peeked.")
    engine = agent.runner.engine

    async def drained() -> None:
        engine.drain()

    agent.ledger.before = drained
    conversation = await house.write()
    turn = asyncio.create_task(agent.runner.turn(conversation))
    await storing.began.wait()
    await goes_no_further(house, turn)
    storing.may_end.set()
    with pytest.raises(RetryLater):
        await turn
    assert (await house.one(STATES), len(agent.model.seen)) == (["done"], 1)
    engine._drains = False  # as in another process
    await agent.runner.turn(conversation)
    assert (agent.ledger.runs, await agent.said()) == (["peek a"], ["Peeked."])


async def test_the_graph_of_others_waits_for_each_end(house, storing):
    @tool
    async def wipe(path: str) -> str:
        """Wipe a path."""
        return f"wiped {path}"

    model = ScriptedModel(script=[calls(("wipe", {"path": "a"})), "Done."])

    agent = make_foreign(house, tool_loop(model, wipe))
    await house.click(MINA, await agent.request(await agent.say()))
    work = asyncio.create_task(agent.work())
    await storing.began.wait()
    await goes_no_further(house, work)
    assert len(model.seen) == 1
    storing.may_end.set()
    await work
    assert (await house.one(STATES), await agent.said()) == (["done"], ["Done."])
