"""Requests that are raised together: which of them share a card."""

from __future__ import annotations

import asyncio

from bot.approvals import store
from bot.approvals.places import REQUESTS_PER_CARD
from tests.support.house import House, proposed
from tests.support.people import MINA

SIGNING = "tools: [sign]\n    stages: [{approvers: managers}"
OTHERS = SIGNING.replace("managers", "bosses")


async def test_calls_to_the_same_approvers_share_card_and_notice(house: House):
    asked = await house.ask_together("wipe", "sign", "wipe", "drop")
    *asked, denied = asked
    assert denied.place.card == ""
    assert len({each.place.card for each in asked}) == 1
    assert len({each.place.notice for each in asked}) == 1
    rows = await house.rows("SELECT kind FROM deliveries ORDER BY kind")
    assert [row["kind"] for row in rows] == ["card", "notice"]
    async with house.pool.connection() as connection:
        shown = await store.shown_by(connection, asked[0].place.card)
    assert [each.id for each in shown] == [each.id for each in asked]


async def test_calls_to_others_stand_on_a_card_of_their_own(house: House):
    house.policies.change(SIGNING, OTHERS)
    first, other, last = await house.ask_together("wipe", "sign", "wipe")
    assert first.place.card == last.place.card != other.place.card


async def test_calls_of_a_batch_stay_together_whoever_decides(house: House):
    house.policies.change(SIGNING, OTHERS)
    batch = [
        proposed(tool, interrupt="i", position=at)
        for at, tool in enumerate(["wipe", "sign"])
    ]
    one, two, alone = await house.raised([*batch, proposed("wipe")])
    assert one.place.card == two.place.card != alone.place.card


async def test_what_has_no_room_or_comes_later_is_apart(house: House):
    asked = [proposed("wipe") for _ in range(REQUESTS_PER_CARD + 1)]
    conversation = await house.conversation()
    raised = await house.raised(asked, conversation)
    cards = [each.place.card for each in raised]
    assert len(set(cards[:-1])) == 1
    assert cards[-1] not in cards[:-1]
    [later] = await house.raised([*asked, proposed("wipe")], conversation)
    assert later.place.card not in cards


async def test_decisions_at_the_same_moment_wait_for_no_neighbour(house: House):
    asked = await house.ask_together(*["wipe"] * REQUESTS_PER_CARD)
    await asyncio.gather(*[house.click(MINA, each) for each in asked])
    now = [await house.request(each.id) for each in asked]
    assert {each.status for each in now} == {"approved"}
