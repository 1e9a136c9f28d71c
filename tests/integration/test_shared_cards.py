"""Requests that are raised together: which of them share a card."""

from __future__ import annotations

import asyncio

from bot.approvals import store
from bot.approvals.eligibility import PolicyContext
from bot.approvals.model import Verdict
from bot.approvals.policy.load import parse_policy
from bot.approvals.raise_request import REQUESTS_PER_CARD
from bot.slack.cards.card import value_for_all
from bot.slack.cards.view import CardView, bundle
from bot.slack.render import request_views
from tests.support.house import House, proposed
from tests.support.people import DANA, MINA, OMAR
from tests.support.policies import policy_text

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


async def test_a_row_that_an_edit_takes_elsewhere_says_so(house: House):
    small = "{tools: [pay], when: {amount: {le: 5}}, stages: [{approvers: managers}]}"
    large = (
        "{tools: [pay], when: {amount: {gt: 5}},"
        " stages: [{approvers: bosses, channel: C0BOSSES1}]}"
    )
    groups = {"managers": (MINA, OMAR), "bosses": (DANA,)}
    policy = parse_policy(policy_text(small, large, approvers=groups))
    house.policies.current = policy
    calls = [proposed("pay", {"amount": amount}) for amount in (1, 2, 3)]
    first, *others = await house.raised(calls)
    await house.click(MINA, first, Verdict.EDIT, arguments={"amount": 9})
    async with house.pool.connection() as connection:
        shown = await store.shown_by(connection, first.place.card)
        now = await store.clock(connection)
    rows = request_views(shown, PolicyContext(policy, now, {}), first.place.card)
    assert [row.elsewhere for row in rows] == [True, False, False]
    assert [row.request.call.arguments["amount"] for row in rows] == [9, 2, 3]
    assert rows[0].can_decide == (DANA,)
    value = value_for_all(CardView(rows), "approve_all")
    assert value == bundle("approve_all", others)


async def test_what_is_raised_again_is_not_sent_again(house: House):
    conversation, asked = await house.conversation(), [proposed("wipe")]
    assert await house.raised(asked, conversation)
    sent = [*house.handed]
    assert await house.raised(asked, conversation) == []
    assert house.handed == sent
