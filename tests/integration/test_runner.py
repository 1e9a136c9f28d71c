"""From a message to an answer, on the real graph and the real database."""

from __future__ import annotations

from typing import Any

import pytest

from bot.approvals.deadlines import expire_due
from bot.approvals.model import Execution, Status
from bot.approvals.run import Run
from bot.conversations.engine import Engine
from bot.conversations.graph_state import GraphState
from tests.support.agent_parts import make_agent
from tests.support.house import REJECT, House
from tests.support.people import MINA, OMAR, RAVI


async def test_a_message_is_answered_once_however_often_its_job_runs(house: House):
    agent = make_agent(house, "Hello Ravi.")
    conversation = await agent.say()
    for _ in range(2):
        await agent.runner.turn(conversation)
        await agent.runner.resume(conversation)
    assert await agent.said() == ["Hello Ravi."]
    assert await agent.states() == ["answered"]
    assert len(agent.model.seen) == 1


async def test_a_waived_call_gets_a_grant_but_no_card(house: House):
    agent = make_agent(house, ("peek", {"path": "a"}), "It says hello.")
    await agent.say()
    assert agent.ledger.runs == ["peek a"]
    assert await agent.said() == ["It says hello."]
    assert await house.rows("SELECT * FROM requests") == []
    [grant] = await house.rows("SELECT rule, state, result FROM grants")
    assert grant == {"rule": "looking", "state": "done", "result": "peek did a"}


async def test_a_gated_call_runs_only_after_its_approval(
    house: House,
):
    agent = make_agent(house, ("wipe", {"path": "a"}), "Done.")
    conversation = await agent.say(user=RAVI)
    request = await agent.request(conversation)
    assert (request.call.tool, request.call.arguments) == ("wipe", {"path": "a"})
    assert request.people.requester.user == RAVI
    assert (agent.ledger.runs, await agent.said()) == ([], [])
    assert await agent.states() == ["running"]
    assert request.place.card in house.handed

    await house.click(MINA, request)
    await agent.work()

    assert agent.ledger.runs == ["wipe a"]
    assert await agent.said() == ["Done."]
    assert await agent.states() == ["answered"]
    assert (await agent.request(conversation)).end.execution is Execution.DONE
    assert await house.trail(request) == [
        *("requested", "approved", "claimed", "ran", "resumed")
    ]


async def test_what_was_answered_is_noted_before_the_next_question(house: House):
    agent = make_agent(house, ("wipe", {"path": "a"}), ("wipe", {"path": "b"}))
    conversation = await agent.say()
    await house.click(MINA, await agent.request(conversation))
    await agent.work()
    assert len(await agent.requests(conversation)) == 2
    assert (await house.trail())[-3:] == ["ran", "resumed", "requested"]


async def test_a_replaced_run_asks_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    agent = make_agent(house, ("wipe", {"path": "a"}))
    start = Engine.start

    async def overtaken(self: Engine, run: Run, *given: Any) -> GraphState:
        ran = await start(self, run, *given)
        await house.start_run(run.conversation)
        return ran

    monkeypatch.setattr(Engine, "start", overtaken)
    await agent.say()
    assert await house.rows("SELECT * FROM requests") == []
    assert house.handed == []


async def test_the_model_is_told_of_a_reject_and_nothing_runs(house: House):
    agent = make_agent(house, ("wipe", {"path": "a"}), "As you wish.")
    conversation = await agent.say()
    await house.click(OMAR, await agent.request(conversation), REJECT)
    await agent.work()
    assert agent.ledger.runs == []
    assert "rejected" in agent.results()["call_0"]
    assert await agent.said() == ["As you wish."]


async def test_silence_reaches_the_model_as_timed_out(house: House):
    agent = make_agent(house, ("wipe", {"path": "a"}), "Nobody came.")
    conversation = await agent.say()
    await house.pass_time(days=2)
    await expire_due(house.pool, house.queue)
    await agent.work()
    assert (await agent.request(conversation)).status is Status.TIMED_OUT
    assert "timed out" in agent.results()["call_0"]
    assert agent.ledger.runs == []


async def test_a_withdrawn_call_does_not_run(house: House):
    agent = make_agent(house, ("wipe", {"path": "a"}), "Fine.")
    conversation = await agent.say(user=RAVI)
    await house.click(RAVI, await agent.request(conversation), REJECT)
    await agent.work()
    assert "withdrawn" in agent.results()["call_0"]
    assert agent.ledger.runs == []


async def test_a_denied_call_is_on_the_trail_without_a_card(house: House):
    agent = make_agent(house, ("drop", {"path": "a"}), "I may not.")
    await agent.say()
    assert agent.ledger.runs == []
    assert "Not from here." in agent.results()["call_0"]
    assert await house.rows("SELECT * FROM requests") == []
    assert "denied" in await house.trail()


async def test_a_call_without_enough_approvers_is_refused_at_once(
    house: House,
):
    agent = make_agent(house, ("pay", {"path": "a"}), "Nobody can.")
    await agent.say(user=MINA)
    assert "managers" in agent.results()["call_0"]
    assert await agent.said() == ["Nobody can."]


async def test_a_loosened_policy_does_not_run_a_rejected_call(
    house: House,
):
    agent = make_agent(house, ("wipe", {"path": "a"}), "Good.")
    conversation = await agent.say()
    await house.click(MINA, await agent.request(conversation), REJECT)
    house.policies.change("tools: [peek]", "tools: [peek, wipe]")
    await agent.work()
    assert agent.ledger.runs == []
    assert "rejected" in agent.results()["call_0"]


TWO = [("wipe", {"path": "a"}, "call_a"), ("wipe", {"path": "b"}, "call_b")]


async def test_a_safe_sibling_runs_at_once_and_only_once(house: House):
    calls = [("peek", {"path": "x"}, "call_x"), ("wipe", {"path": "a"}, "call_a")]
    agent = make_agent(house, calls, "Both done.")
    conversation = await agent.say()
    assert agent.ledger.runs == ["peek x"]
    await house.click(MINA, await agent.request(conversation))
    await agent.work()
    assert agent.ledger.runs == ["peek x", "wipe a"]
    assert await agent.said() == ["Both done."]


async def test_two_calls_decided_together_are_resumed_in_one_run(house: House):
    agent = make_agent(house, TWO, "One of two.")
    conversation = await agent.say()
    first, second = await agent.requests(conversation)
    await house.click(MINA, first)
    await house.click(OMAR, second, REJECT)
    await agent.work()
    assert agent.ledger.runs == ["wipe a"]
    assert await agent.said() == ["One of two."]
    assert len(agent.model.seen) == 2
    assert "rejected" in agent.results()["call_b"]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("verdicts", ["yes no", "no yes", "yes yes"])
async def test_two_calls_are_decided_one_after_the_other(house: House, order, verdicts):
    agent = make_agent(house, TWO, "That is all.")
    conversation = await agent.say()
    requests = await agent.requests(conversation)
    wanted = []
    for number, verdict in zip(order, verdicts.split(), strict=True):
        request = requests[number]
        assert await agent.said() == []
        if verdict == "yes":
            await house.click(MINA, request)
            wanted.append(f"wipe {request.call.arguments['path']}")
        else:
            await house.click(MINA, request, REJECT)
        await agent.work()
        assert agent.ledger.runs == wanted
    assert await agent.said() == ["That is all."]
    assert await agent.states() == ["answered"]


async def test_a_click_during_a_run_is_worked_off_afterwards(house: House, monkeypatch):
    agent = make_agent(house, TWO, "Both gone.")
    conversation = await agent.say()
    first, second = await agent.requests(conversation)
    resume = Engine.resume

    async def slow_resume(self, run, answers):
        if second.interrupt not in answers:
            await house.click(OMAR, second)
        return await resume(self, run, answers)

    monkeypatch.setattr(Engine, "resume", slow_resume)
    await house.click(MINA, first)
    await agent.work()
    assert sorted(agent.ledger.runs) == ["wipe a", "wipe b"]
    assert await agent.said() == ["Both gone."]


async def test_a_turns_second_question_gets_its_own_card(house: House):
    again = [("wipe", {"path": "b"}, "call_2")]
    agent = make_agent(house, ("wipe", {"path": "a"}), again, "Both wiped.")
    conversation = await agent.say(user=RAVI)
    await house.click(MINA, await agent.request(conversation))
    await agent.work()
    first, second = await agent.requests(conversation)
    assert (second.people.requester.user, second.is_open) == (RAVI, True)
    assert second.place.card != first.place.card
    late = await house.click(OMAR, first)
    assert late.code == "approved"
    assert agent.ledger.runs == ["wipe a"]
    await house.click(MINA, second)
    await agent.work()
    assert agent.ledger.runs == ["wipe a", "wipe b"]
