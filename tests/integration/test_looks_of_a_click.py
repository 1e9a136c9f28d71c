"""The look before a run begins with the click, and is as good as one of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from bot.approvals.model import Effect, Status, Verdict
from bot.slack import directory as module
from bot.slack.afresh import Afresh
from bot.slack.directory import Directory
from tests.support.agent_parts import Agent, make_agent
from tests.support.fake_slack import SlackOfMembers
from tests.support.house import REJECT, House
from tests.support.people import DANA, MINA, OMAR, RAVI, US, person


@pytest.fixture
def slack() -> SlackOfMembers:
    return SlackOfMembers()


@pytest.fixture
async def agent(house: House, slack: SlackOfMembers) -> Agent:
    """An agent whose Slack is asked; everybody has been looked up a moment ago."""
    people = Directory(cast("Any", slack), lambda: US)
    house.people, afresh = cast("Any", people), Afresh(people)
    house.begin_to_look = afresh.begin
    made = make_agent(house)
    recheck = replace(made.runner.recheck, people=afresh)
    made.runner = replace(made.runner, recheck=recheck)
    for user in (RAVI, MINA, OMAR, DANA):
        await people.look_up(person(user))
    slack.asked.clear()
    return made


async def asked(agent: Agent, tool: str = "wipe"):
    agent.will_say((tool, {"path": "a"}), "Over.")
    return await agent.request(await agent.say())


async def test_one_look_at_each_serves_click_and_run(house, agent, slack):
    request = await asked(agent)
    assert (await house.click(MINA, request)).effect is Effect.APPROVED
    await slack.have_answered(RAVI, MINA)
    await agent.work()
    assert agent.ledger.runs == ["wipe a"]
    assert slack.asked == [RAVI, MINA]


async def test_the_look_that_lets_a_click_count_serves_the_run(house, agent, slack):
    request = await asked(agent)
    house.people._known.clear()
    await house.click(MINA, request)
    await agent.work()
    assert slack.asked == [MINA, RAVI]


async def test_a_click_that_leads_to_no_run_asks_nothing(house, agent, slack):
    request = await asked(agent, "pay")
    assert (await house.click(MINA, request)).effect is Effect.RECORDED
    assert (await house.click(OMAR, request)).effect is Effect.STAGE_PASSED
    assert (await house.click(DANA, request, REJECT)).effect is Effect.REJECTED
    await agent.work()
    assert slack.asked == []


async def test_everybody_who_decided_is_looked_up_with_the_last_click(
    house, agent, slack
):
    request = await asked(agent, "pay")
    for user in (MINA, OMAR, DANA):
        await house.click(user, request)
    await slack.have_answered(RAVI, MINA, OMAR, DANA)
    await agent.work()
    assert len(slack.asked) == 4


async def test_an_edit_that_approves_begins_to_look_too(house, agent, slack):
    request = await asked(agent)
    edit = {"arguments": {"path": "b"}}
    result = await house.click(MINA, request, Verdict.EDIT, **edit)
    assert result.effect is Effect.APPROVED
    await slack.have_answered(RAVI, MINA)
    await agent.work()
    assert agent.ledger.runs == ["wipe b"]
    assert len(slack.asked) == 2


@pytest.mark.parametrize("gone", [MINA, OMAR])
async def test_who_is_deactivated_before_the_click_voids_it(
    house, agent, slack, gone: str
):
    """The click counts, by what was known; the look that it begins says otherwise."""
    house.policies.change("[U0MINA, U0OMAR]", "[U0MINA, U0OMAR, U0OLAF]")
    request = await asked(agent, "pay")
    for user in (MINA, OMAR):
        await house.click(user, request)
    slack.gone.add(gone)
    await house.click(DANA, request)
    await slack.have_answered(RAVI, MINA, OMAR, DANA)
    await agent.work()
    assert agent.ledger.runs == []
    reopened = await house.request(request.id)
    assert (reopened.status, reopened.chain.stage_index) == (Status.PENDING, 0)


async def test_a_requester_who_approves_by_another_account_is_seen(house, agent, slack):
    request = await asked(agent)
    slack.emails |= {MINA: "one@x.com", RAVI: "one+two@x.com"}
    await house.click(MINA, request)
    await slack.have_answered(RAVI, MINA)
    await agent.work()
    assert agent.ledger.runs == []
    assert (await house.request(request.id)).is_open


async def test_a_second_click_is_not_served_by_the_first(house, agent, slack):
    request = await asked(agent)
    slack.gone.add(MINA)
    await house.click(MINA, request)
    await agent.work()
    slack.gone.clear()
    assert (await house.click(OMAR, request)).effect is Effect.APPROVED
    await slack.have_answered(RAVI, MINA, RAVI, OMAR)
    await agent.work()
    assert agent.ledger.runs == ["wipe a"]


@pytest.mark.parametrize("how", ["fails", "hangs"])
async def test_trouble_with_slack_at_the_click_delays_the_run(
    house, agent, slack, monkeypatch, how
):
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    request = await asked(agent)
    if how == "fails":
        slack.troubles += [TimeoutError(), OSError("no route")]
    else:
        slack.hangs = 2
    assert (await house.click(MINA, request)).effect is Effect.APPROVED
    assert (await house.request(request.id)).status is Status.APPROVED
    await agent.work()
    assert agent.ledger.runs == ["wipe a"]
    assert sorted(slack.asked) == [MINA, MINA, RAVI, RAVI]


async def test_another_process_asks_by_itself(house, agent, slack):
    request = await asked(agent)
    await house.click(MINA, request)
    await slack.have_answered(RAVI, MINA)
    slack.gone.add(MINA)
    other = replace(agent.runner.recheck, people=Afresh(house.people))
    agent.runner = replace(agent.runner, recheck=other)
    await agent.work()
    assert (agent.ledger.runs, len(slack.asked)) == ([], 4)
