"""`channel: dm`: each who can decide has a copy of the card; they are one request."""

from __future__ import annotations

import asyncio

import pytest

from bot.approvals.deadlines import nudge_due
from bot.approvals.model import Effect, Place, Request, Status
from bot.approvals.pause import Actor, lift, pause
from bot.slack.render import COPIES
from tests.support.fake_slack import refused
from tests.support.house import House, parsed
from tests.support.people import APP, DANA, MINA, OLAF, OMAR, TEAM
from tests.support.policies import policy_text
from tests.support.post import Post, shown

RULES = """
  - {name: wiping, tools: [wipe], stages: [{approvers: managers}]}
  - {name: signing, tools: [sign], stages: [{approvers: managers}, {approvers: bosses}]}
  - name: slowly
    tools: [wait]
    stages: [{approvers: managers, escalate: {after: 1h, to: bosses}}]
"""


@pytest.fixture
def direct(house: House) -> House:
    """A house whose cards go to people directly."""
    house.policies.current = policy("MINA", "OMAR")
    return house


def policy(*managers: str):
    groups = {"managers": tuple(f"U0{name}" for name in managers), "bosses": (DANA,)}
    defaults = "{channel: dm, timeout: 24h}"
    return parsed(policy_text(RULES, approvers=groups, defaults=defaults))


async def copies(house: House, request: Request) -> dict[str, Place]:
    """The place of each person's copy, as a click on it says."""
    found = await house.rows(
        "SELECT d.id::text, d.user_id, d.posted_channel, d.message_ts FROM deliveries d"
        " JOIN request_messages m ON m.delivery_id = d.id"
        " WHERE m.request_id = %s AND d.kind = 'card' ORDER BY d.created_at",
        request.id,
    )
    return {
        row["user_id"]: Place(
            APP, row["posted_channel"] or "", row["message_ts"] or "", row["id"]
        )
        for row in found
    }


def words(post: Post, place: Place) -> str:
    [message] = [each for each in post.slack.messages if each["ts"] == place.message]
    return shown(message)


async def test_one_decision_closes_all_copies(direct: House, post: Post):
    request = await direct.ask()
    await post.work()
    places = await copies(direct, request)
    assert [*places] == [MINA, OMAR]
    assert all('"approve"' in words(post, each) for each in places.values())

    done = await direct.click(OMAR, request, at=places[OMAR])
    assert done.effect is Effect.APPROVED
    await post.work()
    for each in places.values():
        assert '"approve"' not in words(post, each)
        assert f"Approved* by <@{OMAR}>" in words(post, each)
    clicked = "SELECT detail->'card' FROM audit WHERE event = 'approved'"
    assert await direct.one(clicked) == [places[OMAR].channel, places[OMAR].message]


async def test_a_pause_is_on_each_copy_until_it_is_lifted(direct: House, post: Post):
    request = await direct.ask()
    await post.work()
    places = await copies(direct, request)
    for paused in (True, False):
        by = Actor("operator ops", "cli")
        if paused:
            assert await pause(direct.pool, direct.queue, TEAM, "a fire", by)
        else:
            assert await lift(direct.pool, direct.queue, TEAM, by)
        await post.work()
        assert [*places] == [MINA, OMAR]
        for each in places.values():
            assert ("a fire" in words(post, each)) is paused


async def test_two_copies_clicked_at_once_are_one_decision(direct: House, post: Post):
    request = await direct.ask()
    await post.work()
    places = await copies(direct, request)
    done = await asyncio.gather(
        *(direct.click(user, request, at=at) for user, at in places.items())
    )
    assert sorted(each.effect for each in done) == [Effect.APPROVED, Effect.LATE]
    assert await direct.one("SELECT count(*) FROM decisions") == 1


async def test_threat_17_a_click_on_no_true_copy_is_refused(direct: House, post: Post):
    request, other = await direct.ask(), await direct.ask()
    early = (await copies(direct, request))[MINA]
    await post.work()
    places, others = await copies(direct, request), await copies(direct, other)
    own = places[OMAR]
    forged = [
        Place("A666", own.channel, own.message, own.card),
        Place(APP, own.channel, "1.1", own.card),
        Place(APP, "C0GENERAL", "1.1", others[OMAR].card),
        others[OMAR],
    ]
    for place in forged:
        assert (await direct.click(OMAR, request, at=place)).code == "misplaced"
    # it beats the storing of where it stands: the message says whose copy it is
    soon = Place(APP, "D0NEW", "1.1", early.card)
    assert (await direct.click(MINA, request, at=soon)).effect is Effect.APPROVED


async def test_a_copy_that_slack_refuses_holds_up_no_other(direct: House, post: Post):
    request = await direct.ask()
    post.slack.fail("chat_postMessage", refused("channel_not_found"))
    await post.work()
    places = await copies(direct, request)
    assert [bool(place.message) for place in places.values()] == [False, True]
    assert (
        await direct.click(OMAR, request, at=places[OMAR])
    ).effect is Effect.APPROVED


async def test_a_copy_that_stands_takes_over_from_a_refused_one(
    direct: House, post: Post
):
    request = await direct.ask()
    for _ in range(2):
        post.slack.fail("chat_postMessage", refused("channel_not_found"))
        await post.send(request.place.card)
        await post.work()
    own = await copies(direct, request)
    assert (await direct.request(request.id)).place.card == own[OMAR].card


async def test_a_later_stage_gets_copies_of_its_own(direct: House, post: Post):
    request = await direct.ask("sign")
    await post.work()
    places = await copies(direct, request)
    await direct.click(MINA, request, at=places[MINA])
    await post.work()
    places = await copies(direct, request)
    assert {*places} == {MINA, OMAR, DANA}
    assert '"approve"' not in words(post, places[OMAR])
    done = await direct.click(DANA, request, at=places[DANA])
    assert done.effect is Effect.APPROVED
    assert (await direct.request(request.id)).status is Status.APPROVED


async def test_an_escalation_brings_copies_and_a_word_to_each(
    direct: House, post: Post
):
    request = await direct.ask("wait")
    await post.work()
    await direct.pass_time(hours=2)
    before = len(post.slack.messages)
    await nudge_due(direct.pool, direct.queue)
    await post.work()
    new = post.slack.messages[before:]
    assert sorted(each["channel"] for each in new) == [DANA, MINA, OMAR]
    places = await copies(direct, request)
    assert (
        await direct.click(DANA, request, at=places[DANA])
    ).effect is Effect.APPROVED


async def test_copies_are_bounded_and_the_rest_can_decide(direct: House, post: Post):
    many = [f"M{number:02}" for number in range(COPIES + 3)]
    direct.policies.current = policy(*many)
    request = await direct.ask()
    await post.work()
    places = await copies(direct, request)
    assert {*places} == {f"U0{name}" for name in many[:COPIES]}
    last = f"U0{many[-1]}"
    assert (await direct.click(last, request, at=places["U0M00"])).effect is (
        Effect.APPROVED
    )
    assert OLAF not in places
