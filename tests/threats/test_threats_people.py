"""Threats of who decides: outsiders, oneself, strangers, those who have left."""

from __future__ import annotations

import pytest

from bot.approvals.model import Effect, Status, Verdict
from bot.approvals.policy.complaints import PolicyError
from bot.approvals.policy.load import parse_policy
from bot.slack.cards.card import card_blocks
from bot.texts.formatting import mention, safe_name
from tests.support.agent_parts import make_agent
from tests.support.cards_samples import grey_text, view
from tests.support.house import POLICY, REJECT, House, parsed
from tests.support.people import DANA, MINA, OLAF, OMAR, RAVI, person
from tests.support.request_builder import request
from tests.support.root import ROOT

EVERY = list(Verdict)


@pytest.mark.parametrize("verdict", EVERY)
@pytest.mark.parametrize("who", [OLAF, DANA])
async def test_threat_05_who_sees_a_card_has_no_right_by_that(
    house: House, who: str, verdict: Verdict
):
    one = await house.ask()
    result = await house.click(who, one, verdict, arguments={"path": "b"})
    assert result.effect is Effect.REFUSED
    assert (await house.request(one.id)).is_open
    assert await house.told(who)
    assert "refused" in await house.trail(one)


@pytest.mark.parametrize("verdict", [Verdict.APPROVE, Verdict.EDIT, Verdict.ANSWER])
async def test_threat_07_nobody_approves_what_they_asked_for(
    house: House, verdict: Verdict
):
    for how in ({"requester": person(MINA)}, {"participants": (MINA,)}):
        one = await house.ask(**how)
        result = await house.click(MINA, one, verdict, arguments={"path": "b"})
        assert result.code in ("requester", "participant")
        assert (await house.request(one.id)).is_open


async def test_threat_07_no_deputy_of_the_requester_and_no_bot_decides(house: House):
    house.policies.current = parsed(
        POLICY + "delegations: [{from: U0MINA, to: U0OLAF, until: 2099-12-31}]\n"
    )
    own = await house.ask(requester=person(MINA))
    assert (await house.click(OLAF, own)).code == "not_in_group"
    other = await house.ask()
    house.people.refusals[OMAR] = "bot"
    assert (await house.click(OMAR, other)).code == "bot"


async def test_threat_07_a_requester_may_always_take_it_back(house: House):
    one = await house.ask()
    assert (await house.click(RAVI, one, REJECT)).effect is Effect.WITHDRAWN


def test_threat_18_names_are_decoration_and_ids_are_the_person():
    assert mention("U0DANA") == "<@U0DANA>"
    shown = safe_name("Dana\u202e <!channel> *Director*")
    assert "<!" not in shown
    assert "\u202e" not in shown
    text = grey_text(card_blocks(view(request(), can_decide=(MINA,))))
    assert f"<@{MINA}>" in text


@pytest.mark.parametrize(
    "word", ["guest", "stranger", "bot", "deactivated", "other team"]
)
async def test_threat_19_who_is_no_full_member_decides_nothing(house: House, word: str):
    one = await house.ask()
    house.people.refusals[MINA] = word
    for verdict in EVERY:
        assert (await house.click(MINA, one, verdict)).code == word
    assert (await house.request(one.id)).is_open


async def test_threat_19_the_same_id_of_another_team_is_another_person(house: House):
    one = await house.ask()
    assert (await house.click(person(MINA, "T9"), one)).code == "other_team"


async def test_threat_20_a_right_lost_before_the_run_voids_the_approval(
    house: House,
):
    agent = make_agent(house, ("wipe", {"path": "a"}), "Over.")
    conversation = await agent.say()
    one = await agent.request(conversation)
    await house.click(MINA, one)
    house.people.refusals[MINA] = "deactivated"
    await agent.work()
    assert agent.ledger.runs == []
    assert (await house.request(one.id)).status is Status.PENDING


def test_threat_21_an_open_channel_is_a_group_only_if_marked_open():
    with_channel = POLICY.replace(
        "bosses: {users: [U0DANA]}", "bosses: {channel: C0OPS}"
    )
    opened = POLICY.replace(
        "bosses: {users: [U0DANA]}", "bosses: {channel: C0OPS, open: true}"
    )
    assert parse_policy(with_channel).groups["bosses"].source == "channel:C0OPS"
    assert parse_policy(opened).groups["bosses"].source == "open_channel:C0OPS"
    with pytest.raises(PolicyError):
        parse_policy(POLICY.replace("[U0DANA]", "[C0OPS]"))


def test_threat_47_a_button_carries_an_unguessable_word_and_nothing_else():
    tokens = {
        line.strip()
        for path in ROOT.glob("bot/approvals/*.py")
        for line in path.read_text().splitlines()
        if "token_urlsafe" in line
    }
    assert tokens
    assert all("token_urlsafe(16)" in line for line in tokens)
