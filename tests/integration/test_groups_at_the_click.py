"""Groups that live in Slack, the built-in one, and people who stand in for others."""

from __future__ import annotations

import pytest

from bot.approvals.model import Effect, Outcome, Status
from bot.base.errors import SlackUnavailable
from tests.support.agent_parts import make_agent
from tests.support.house import House, parsed
from tests.support.people import DANA, MINA, OLAF, OMAR, RAVI, person
from tests.support.policies import policy_text

TEAM_S, CHANNEL_C = "usergroup:S0FIN", "channel:C0OPS"
FIELD = "manager_of_requester:Xf0MANAGER"
POLICY = policy_text(
    """
  - {name: paying, tools: [pay], stages: [{approvers: finance}]}
  - {name: wiping, tools: [wipe], stages: [{approvers: ops}]}
  - {name: asking, tools: [ask], stages: [{approvers: lead}]}
  - {name: doing, tools: [do], stages: [{approvers: managers}]}
  - {name: confirming, tools: [send],
     stages: [{approvers: managers}, {approvers: requester}]}
""",
    approvers={
        "finance": "{usergroup: S0FIN}",
        "ops": "{channel: C0OPS}",
        "lead": "{manager_of_requester: Xf0MANAGER}",
        "managers": (MINA, OMAR),
    },
    delegations="""
  - {from: U0MINA, to: U0OLAF, until: 2099-01-01}
  - {from: U0RAVI, to: U0DANA, until: 2099-01-01}
  - {from: U0OMAR, to: U0DANA, until: 2001-01-01}""",
)


@pytest.fixture(autouse=True)
def live(house: House):
    house.policies.current = parsed(POLICY)
    house.people.groups = {TEAM_S: (MINA,), CHANNEL_C: (OMAR, MINA), FIELD: (DANA,)}


@pytest.mark.parametrize(
    ("tool", "source", "member", "outsider"),
    [
        ("pay", TEAM_S, MINA, OMAR),
        ("wipe", CHANNEL_C, OMAR, DANA),
        ("ask", FIELD, DANA, OLAF),
    ],
)
async def test_only_members_of_a_live_group_can_decide(
    house: House, tool, source, member, outsider
):
    request = await house.ask(tool)
    assert request.chain.stages[0].source == source
    assert request.chain.stages[0].people == house.people.groups[source]
    assert (await house.click(outsider, request)).code == "not_in_group"
    assert (await house.click(member, request)).effect is Effect.APPROVED


async def test_who_joins_may_decide_and_who_leaves_may_not(house: House):
    request = await house.ask("pay")
    house.people.groups[TEAM_S] = (OMAR,)
    assert (await house.click(MINA, request)).code == "not_in_group"
    assert (await house.click(OMAR, request)).effect is Effect.APPROVED


async def test_a_group_look_up_that_fails_decides_nothing(house: House):
    request = await house.ask("pay")
    asked = house.people.members

    async def fails(source, requester):
        raise SlackUnavailable

    house.people.members = fails  # type: ignore[method-assign]
    assert (await house.click(MINA, request)).code == "could_not_check"
    assert await house.request(request.id) == request
    house.people.members = asked  # type: ignore[method-assign]
    assert (await house.click(MINA, request)).effect is Effect.APPROVED


async def test_an_empty_group_rejects_at_once_and_says_which_stage(house: House):
    house.people.groups[TEAM_S] = (RAVI,)
    request = await house.ask("pay")
    assert (request.end.outcome, request.end.note) == (Outcome.UNFILLABLE, "finance")
    assert request.place.card == ""


async def test_a_member_who_left_before_the_run_is_asked_after(house: House):
    agent = make_agent(house, ("wipe", {"path": "a"}), "Over.")
    request = await agent.request(await agent.say())
    await house.click(OMAR, request)
    house.people.groups[CHANNEL_C] = (MINA,)
    await agent.work()
    again = await house.request(request.id)
    assert (again.status, again.chain.decisions) == (Status.PENDING, ())
    assert agent.ledger.runs == []
    await house.click(MINA, request)
    await agent.work()
    assert agent.ledger.runs == ["wipe a"]


async def test_a_delegate_decides_as_themselves(house: House):
    request = await house.ask("do")
    assert (await house.click(DANA, request)).code == "not_in_group"
    assert (await house.click(OLAF, request)).effect is Effect.APPROVED
    [word] = (await house.request(request.id)).chain.decisions
    assert word.person.user == OLAF


async def test_who_is_left_out_passes_no_right_on(house: House):
    for how in ({"requester": person(MINA)}, {"participants": [MINA]}):
        request = await house.ask("do", **how)
        assert (await house.click(OLAF, request)).code == "not_in_group"
        assert (await house.click(OMAR, request)).effect is Effect.APPROVED


async def test_a_delegate_of_a_live_groups_member_decides(house: House):
    request = await house.ask("pay")
    assert (await house.click(OLAF, request)).effect is Effect.APPROVED


async def test_the_requester_confirms_where_a_stage_names_them(house: House):
    request = await house.ask("send")
    assert (await house.click(RAVI, request)).code == "requester"
    assert (await house.click(MINA, request)).effect is Effect.STAGE_PASSED
    assert (await house.click(OMAR, request)).code == "not_in_group"
    assert (await house.click(RAVI, request)).effect is Effect.APPROVED
