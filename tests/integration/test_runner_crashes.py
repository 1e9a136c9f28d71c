"""The process dies at every point of a run: nothing is lost, nothing happens twice."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from langgraph.errors import UnknownInterruptError
from langgraph.types import Command

from agent import graph as graph_module
from bot.approvals import grants
from bot.approvals.model import Execution, Status
from bot.approvals.run import Run
from bot.conversations import runner as runner_module
from bot.conversations.engine import Engine
from bot.conversations.outcome import Settler
from bot.conversations.stored_grants import StoredGrants
from tests.support.agent_parts import Crash, crash_once, make_agent
from tests.support.house import REJECT, House
from tests.support.people import MINA, OMAR, TEAM
from tests.support.trail_parts import verified

ASK = ("wipe", {"path": "a"})


@pytest.mark.parametrize(
    ("owner", "name", "after", "answers"),
    [
        (runner_module.Runner, "_start_run", True, 1),
        (Engine, "start", False, 1),
        (Engine, "start", True, 2),  # the first one was stored nowhere
        (Settler, "settle", False, 2),
        (Settler, "settle", True, 1),
    ],
    ids=["started", "before run", "after run", "before settle", "after settle"],
)
async def test_a_crash_of_a_turn_asks_once_in_the_end(
    house: House, monkeypatch, owner, name, after, answers
):
    agent = make_agent(house, *[ASK] * answers, "Done.")
    crash_once(monkeypatch, owner, name, after=after)
    conversation = await house.write()
    await agent.work_through_a_crash()

    request = await agent.request(conversation)
    cards = await house.rows("SELECT id FROM deliveries WHERE kind = 'card'")
    assert [str(card["id"]) for card in cards] == [request.place.card]
    assert len(agent.model.seen) == answers
    await house.click(MINA, request)
    await agent.work()
    assert agent.ledger.runs == ["wipe a"]
    assert await agent.said() == ["Done."]
    assert await agent.states() == ["answered"]
    types = [message.type for message in agent.model.seen[-1]]
    assert types == ["system", "human", "ai", "tool"]


@pytest.mark.parametrize(
    ("owner", "name", "after", "ran", "execution"),
    [
        (Engine, "resume", False, 1, Execution.DONE),
        (StoredGrants, "claim", False, 1, Execution.DONE),
        (StoredGrants, "claim", True, 0, Execution.UNKNOWN),
        (StoredGrants, "finish", False, 1, Execution.UNKNOWN),
        (StoredGrants, "finish", True, 1, Execution.DONE),
        (Engine, "resume", True, 1, Execution.DONE),
        (Settler, "settle", False, 1, Execution.DONE),
        (Settler, "settle", True, 1, Execution.DONE),
    ],
    ids=[
        "before resume",
        "before claim",
        "after claim",
        "before finish",
        "after finish",
        "after resume",
        "before settle",
        "after settle",
    ],
)
async def test_a_crashed_resume_runs_the_call_at_most_once(
    house: House, monkeypatch, owner, name, after, ran, execution
):
    agent = make_agent(house, ASK, "Over.", "Over.")
    conversation = await agent.say()
    await house.click(MINA, await agent.request(conversation))
    crash_once(monkeypatch, owner, name, after=after)
    await agent.work_through_a_crash()

    request = await agent.request(conversation)
    assert agent.ledger.runs == ["wipe a"] * ran
    assert (request.status, request.end.execution) == (Status.APPROVED, execution)
    unknown = execution is Execution.UNKNOWN
    assert ("unknown" in agent.results()["call_0"]) is unknown
    end = "unknown" if unknown else "ran"
    life = ["requested", "approved", "claimed", end, "resumed"]
    assert await house.trail(request) == life
    assert await verified(house) == []
    assert await agent.said() == ["Over."]
    assert await agent.states() == ["answered"]
    assert (
        await house.one("SELECT count(*) FROM requests WHERE resumed_at IS NULL") == 0
    )
    await agent.runner.resume(conversation)
    assert agent.ledger.runs == ["wipe a"] * ran
    assert await agent.said() == ["Over."]


async def test_a_crash_while_the_model_sums_up_repeats_no_call(
    house: House, monkeypatch
):
    agent = make_agent(house, "Hello.", ASK, "Over.", "Over.", "They said hello.")
    await agent.say("hello", thread_ts="100.1")
    conversation = await agent.say("wipe it", thread_ts="100.1")
    await house.click(MINA, await agent.request(conversation))
    monkeypatch.setattr("agent.prompts.MOST_SAID", 1)  # tokens, from here on
    crash_once(monkeypatch, graph_module._Nodes, "_told")
    await agent.work_through_a_crash()

    assert agent.ledger.runs == ["wipe a"]
    assert len(await agent.said()) == 2
    assert await agent.states() == ["answered", "answered"]
    assert await verified(house) == []


async def test_a_waived_call_cut_off_is_not_run_again(house: House, monkeypatch):
    agent = make_agent(house, ("peek", {"path": "a"}), "I do not know.")
    crash_once(monkeypatch, StoredGrants, "finish")
    await house.write()
    await agent.work_through_a_crash()
    assert agent.ledger.runs == ["peek a"]
    assert "unknown" in agent.results()["call_0"]
    assert await agent.said() == ["I do not know."]


async def test_a_waived_call_that_the_server_forgot_runs_once(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    """The server alone crashes, which takes back what did not wait for the disk."""
    agent = make_agent(house, ("peek", {"path": "a"}), ("peek", {"path": "a"}), "Over.")
    real = grants.claim

    async def claim(*given: Any, **options: Any) -> grants.Taken:
        monkeypatch.setattr(grants, "claim", real)
        await house.rows("DELETE FROM checkpoints")
        return await real(*given, **options)

    monkeypatch.setattr(grants, "claim", claim)
    conversation = await agent.say()
    assert (agent.ledger.runs, await agent.states()) == ([], ["running"])
    await agent.runner.turn(conversation)  # as the clock has it done
    assert agent.ledger.runs == ["peek a"]
    assert await agent.said() == ["Over."]


async def test_a_crash_with_two_answers_loses_neither(house: House, monkeypatch):
    both = [("wipe", {"path": "a"}, "call_a"), ("wipe", {"path": "b"}, "call_b")]
    agent = make_agent(house, both, "Over.", "Over.")
    conversation = await agent.say()
    for request in await agent.requests(conversation):
        await house.click(MINA, request)
    crash_once(monkeypatch, Engine, "resume", after=True)
    await agent.work_through_a_crash()
    assert sorted(agent.ledger.runs) == ["wipe a", "wipe b"]
    assert await agent.said() == ["Over."]


async def test_a_crash_between_two_answers_keeps_the_second_question(
    house: House, monkeypatch
):
    both = [("wipe", {"path": "a"}, "call_a"), ("wipe", {"path": "b"}, "call_b")]
    agent = make_agent(house, both, "Over.")
    conversation = await agent.say()
    first, second = await agent.requests(conversation)
    await house.click(MINA, first)
    crash_once(monkeypatch, Settler, "settle")
    with pytest.raises(Crash):
        await agent.work()
    await house.click(OMAR, second)
    await agent.work()
    assert sorted(agent.ledger.runs) == ["wipe a", "wipe b"]
    assert await agent.said() == ["Over."]


async def replace_run(house: House, conversation: str) -> None:
    await house.rows(
        "UPDATE conversations SET generation = generation + 1 WHERE id = %s",
        conversation,
    )


@pytest.mark.parametrize("fails", [False, True])
async def test_a_replaced_run_writes_nothing_and_ends_its_job(
    house: House, monkeypatch, fails
):
    agent = make_agent(house, "Too late.")
    start = Engine.start

    async def overtaken(self, run, graph_input):
        ran = await start(self, run, graph_input)
        await replace_run(house, run.conversation)
        if fails:
            raise ValueError("and it failed")
        return ran

    monkeypatch.setattr(Engine, "start", overtaken)
    await agent.say()
    assert await agent.said() == []
    assert await agent.said("say") == []
    assert await agent.states() == ["running"]


async def test_a_run_that_was_replaced_before_its_call_runs_nothing(
    house: House, monkeypatch
):
    peek = ("peek", {"path": "a"})
    agent = make_agent(house, peek, peek, "Peeked.")
    claim = StoredGrants.claim

    async def overtaken(self, call, ruling):
        await replace_run(house, call.thread_id)
        return await claim(self, call, ruling)

    monkeypatch.setattr(StoredGrants, "claim", overtaken)
    await agent.say()
    assert agent.ledger.runs == []
    assert await agent.states() == ["running"]
    monkeypatch.setattr(StoredGrants, "claim", claim)
    conversation = str(await house.one("SELECT id FROM conversations"))
    await agent.runner.turn(conversation)
    assert agent.ledger.runs == ["peek a"]


async def test_a_question_that_the_graph_no_longer_asks_is_orphaned(house: House):
    agent = make_agent(house, ASK, "Done.")
    conversation = await agent.say()
    request = await agent.request(conversation)
    stray = await house.ask(conversation=conversation)
    await house.click(MINA, request)
    house.handed.clear()
    await agent.work()
    closed = await house.request(stray.id)
    assert closed.status is Status.ORPHANED
    assert {stray.place.card, stray.place.notice} <= {*house.handed}
    assert await house.trail(stray) == ["requested", "orphaned"]
    assert (await house.click(MINA, stray)).code == "orphaned"
    assert await agent.said() == ["Done."]


async def test_an_answer_to_a_vanished_question_ends_the_request(house: House):
    agent = make_agent(house, "Hello.")
    conversation = await agent.say()
    stray = await house.ask(conversation=conversation)
    await house.click(MINA, stray)
    await agent.work()
    assert agent.ledger.runs == []
    assert (
        await house.one("SELECT count(*) FROM requests WHERE resumed_at IS NULL") == 0
    )


async def test_langgraph_refuses_an_answer_to_what_it_does_not_ask(house: House):
    """Without strict mode it would be taken for a later question, or say nothing."""
    agent = make_agent(house, ASK, "Over.")
    conversation = await agent.say()
    request = await agent.request(conversation)
    run = Run(TEAM, conversation, 1, {request.call.id: request})
    stray = Command(resume={"0" * 32: {"type": "approve"}})
    with pytest.raises(UnknownInterruptError) as refused:
        await agent.runner.engine._invoke(run, stray)
    assert list(refused.value.pending_ids) == [request.interrupt]
    await house.click(MINA, request, REJECT)
    await agent.work()
    assert agent.ledger.runs == []


async def test_a_job_for_a_conversation_that_is_gone_does_nothing(house: House):
    agent = make_agent(house)
    await agent.runner.turn(str(uuid.uuid4()))
    await agent.runner.resume(str(uuid.uuid4()))
    assert await house.trail() == []
