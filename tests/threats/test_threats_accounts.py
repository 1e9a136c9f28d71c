"""Threat 7: nobody approves what they asked for, by no account of theirs."""

from __future__ import annotations

import pytest

from bot.approvals.model import Status
from bot.slack.directory import mailbox, profile_from
from tests.support.agent_parts import make_agent
from tests.support.house import House
from tests.support.people import MINA, OMAR, RAVI, US, person


@pytest.mark.parametrize(
    ("address", "goes_to"),
    [
        ("Ravi@Example.com", "ravi@example.com"),
        (" ravi+admin@example.com ", "ravi@example.com"),
        ("ravi@mail.example.com", "ravi@mail.example.com"),
        ("", ""),
        ("nonsense", ""),
        ("@example.com", ""),
    ],
)
def test_threat_07_addresses_of_one_mailbox(address: str, goes_to: str):
    assert mailbox(address) == goes_to


def test_threat_07_the_mailbox_is_read_from_slack():
    user = {"id": MINA, "profile": {"email": "Mina+x@example.com"}}
    assert profile_from(person(MINA), user, US).mailbox == "mina@example.com"


@pytest.mark.parametrize(
    ("known", "why"),
    [
        ({"mailboxes": {RAVI: "r@x.com", MINA: "r@x.com"}}, "e-mail address of"),
        ({"accounts": {RAVI: "W0RAVI", MINA: "W0RAVI"}}, "is the account of"),
    ],
    ids=["one mailbox", "one account of an organisation"],
)
async def test_threat_07_a_second_account_of_the_requester_approves_nothing(
    house: House, known: dict[str, dict[str, str]], why: str
):
    agent = make_agent(house)
    agent.will_say(("wipe", {"path": "a"}), "Over.")
    conversation = await agent.say()
    request = await agent.request(conversation)
    house.people.mailboxes = known.get("mailboxes", {})
    house.people.accounts = known.get("accounts", {})
    await house.click(MINA, request)
    await agent.work()

    again = await house.request(request.id)
    assert (again.status, again.chain.decisions) == (Status.PENDING, ())
    assert f"{why} the person who asked" in again.end.note
    assert agent.ledger.runs == []
    await house.click(OMAR, again)
    await agent.work()
    assert agent.ledger.runs == ["wipe a"]


async def test_threat_07_where_slack_says_no_address_people_decide(house: House):
    agent = make_agent(house)
    agent.will_say(("wipe", {"path": "a"}), "Over.")
    request = await agent.request(await agent.say())
    house.people.mailboxes = {MINA: "mina@example.com"}
    await house.click(MINA, request)
    await agent.work()
    assert agent.ledger.runs == ["wipe a"]
