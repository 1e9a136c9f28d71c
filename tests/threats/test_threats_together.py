"""Threats of one click that decides several requests of a card."""

from __future__ import annotations

import pytest

from bot.approvals.model import Request, Status, Verdict
from bot.slack.cards.view import bundle
from bot.slack.listeners.clicks import decide_all
from bot.texts.clicks import CARD_CHANGED
from tests.support.clicks import click_for_all, deps_of
from tests.support.house import REJECT, House, proposed
from tests.support.people import MINA, OMAR, RAVI

SIGNING = "tools: [sign]"


async def click_all(
    house: House,
    user: str,
    requests: list[Request],
    button: str = "approve_all",
    value: str = "",
) -> None:
    await decide_all(deps_of(house), click_for_all(user, requests, button, value))


async def decisions(house: House, *requests: Request) -> list[int]:
    now = [await house.request(each.id) for each in requests]
    return [len(each.chain.decisions) for each in now]


async def test_threat_31_each_of_all_is_decided_once_under_its_own_digest(house: House):
    three = await house.ask_together("wipe", "wipe", "wipe")
    for _ in range(2):
        await click_all(house, MINA, three)
    assert await decisions(house, *three) == [1, 1, 1]
    facts = await house.rows(
        "SELECT detail->>'digest' AS digest FROM audit"
        " WHERE event = 'approved' ORDER BY seq"
    )
    assert [fact["digest"] for fact in facts] == [r.call.grant_digest for r in three]
    assert "repeated" in await house.trail(three[0])


async def test_threat_31_all_that_were_shown_is_none_after_an_edit(house: House):
    two = await house.ask_together("sign", "sign")
    await house.click(MINA, two[1], Verdict.EDIT, arguments={"path": "other"})
    await click_all(house, OMAR, two)
    assert await decisions(house, *two) == [0, 1]
    assert await house.told(OMAR) == ["refused card_changed"]
    assert "refused" in await house.trail(two[0])


async def test_threat_31_all_that_were_shown_is_none_after_a_decision(house: House):
    three = await house.ask_together("wipe", "wipe", "wipe")
    await house.click(OMAR, three[1], REJECT)
    await click_all(house, MINA, three)
    assert await decisions(house, *three) == [0, 1, 0]
    await click_all(house, MINA, [three[0], three[2]])
    assert await decisions(house, *three) == [1, 1, 1]


@pytest.mark.parametrize(
    ("terms", "size"),
    [("risk: high", 1), ("confirm: dialog", 1), ("critical: true", 1), ("", 5_000)],
)
async def test_threat_31_what_needs_its_own_click_is_never_among_all(
    house: House, terms: str, size: int
):
    if terms:
        house.policies.change(SIGNING, f"{SIGNING}\n    {terms}")
    two = await house.raised([proposed("wipe"), proposed("sign", {"path": "x" * size})])
    assert two[0].place.card == two[1].place.card
    await click_all(house, MINA, two)  # a click on a button that was never drawn
    assert await decisions(house, *two) == [0, 0]
    assert await house.told(MINA) == ["refused card_changed"]


async def test_threat_50_a_stricter_policy_takes_approve_all_away(house: House):
    two = await house.ask_together("wipe", "sign")
    house.policies.change(SIGNING, f"{SIGNING}\n    risk: high")
    await click_all(house, MINA, two)
    assert await decisions(house, *two) == [0, 0]


async def test_threat_47_the_value_of_another_button_approves_nothing(house: House):
    two, others = [await house.ask_together("wipe", "wipe") for _ in range(2)]
    values = [
        bundle("approve_all", others),
        bundle("reject_all", two),
        bundle("approve_all", two[:1]),
        two[0].place.token,
        "none",
    ]
    for value in values:
        await click_all(house, MINA, two, value=value)
    assert await decisions(house, *two, *others) == [0, 0, 0, 0]
    assert await house.told(MINA) == ["refused card_changed"] * len(values)


async def test_threat_07_the_requester_approves_none_of_all(house: House):
    two = await house.ask_together("wipe", "wipe")
    await click_all(house, RAVI, two)
    assert await decisions(house, *two) == [0, 0]
    [told] = await house.told(RAVI)
    assert told.count("someone else has to approve it") == 2
    await click_all(house, RAVI, two, "reject_all")
    now = [(await house.request(each.id)).status for each in two]
    assert now == [Status.WITHDRAWN] * 2


async def test_threat_05_of_all_people_decide_what_they_may(house: House):
    two = await house.ask_together("pay", "pay")
    await house.click(MINA, two[0])
    await click_all(house, MINA, two)  # its first row waits for one more still
    assert await decisions(house, *two) == [1, 1]
    [told] = await house.told(MINA)
    assert told.count("You already decided on this request") == 1
    assert CARD_CHANGED not in told
