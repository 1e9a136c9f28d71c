"""A real Bolt app on both transports: events, clicks, retries, sockets."""

from __future__ import annotations

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from tests.support.bolt_bot import MENTION, QUICK, running
from tests.support.demo import GENERAL, MINA, RAVI
from tests.support.simulated import actions, button


async def test_a_mention_becomes_a_card_and_a_click_closes_it(transport: str):
    async with running(transport) as (simulator, heard):
        asked = await simulator.post_message(RAVI, GENERAL, MENTION)
        card = await simulator.wait_for(lambda: simulator.messages(GENERAL, asked)[1:])
        result = await simulator.click(MINA, GENERAL, card[0]["ts"], "approve", "r2")
        await simulator.wait_for(
            lambda: simulator.messages(GENERAL, asked)[1]["text"] == "done"
        )
    assert (result.acked, result.status) == (True, 200)
    click = heard[-1]
    assert click["user"]["id"] == MINA
    assert click["api_app_id"] == "A0SIMULATE"
    assert click["actions"][0]["value"] == "r2"
    block_ids = [block["block_id"] for block in click["message"]["blocks"]]
    assert click["actions"][0]["block_id"] == block_ids[1]
    assert click["container"] == {
        "type": "message",
        "message_ts": card[0]["ts"],
        "channel_id": GENERAL,
        "is_ephemeral": False,
        "thread_ts": asked,
    }


async def test_an_event_has_slacks_wrapping(transport: str):
    async with running(transport) as (simulator, heard):
        ts = await simulator.post_message(RAVI, GENERAL, MENTION)
        await simulator.settled()
    [body] = heard
    assert body["type"] == "event_callback"
    assert body["team_id"] == body["authorizations"][0]["team_id"] == "T0SIMULATE"
    assert body["authorizations"][0]["user_id"] == "U0APPROVER"
    assert body["event"]["ts"] == body["event"]["event_ts"] == ts
    assert (body["event"]["user"], body["event"]["text"]) == (RAVI, MENTION)
    assert body["event_id"] in simulator.sent_events


async def test_a_direct_message_comes_as_message_im(transport: str):
    async with running(transport) as (simulator, heard):
        await simulator.post_message(RAVI, simulator.dm(RAVI), MENTION)
        await simulator.settled()
    assert [body["event"]["type"] for body in heard] == ["message"]
    assert heard[0]["event"]["channel_type"] == "im"


async def test_one_post_gives_two_events_if_both_are_subscribed(transport: str):
    subscriptions = ("app_mention", "message.channels")
    async with running(transport, subscriptions=subscriptions) as (simulator, heard):
        ts = await simulator.post_message(RAVI, GENERAL, MENTION)
        await simulator.settled()
    people = [body for body in heard if body["event"]["user"] == RAVI]
    assert {body["event"]["type"] for body in people} == {"app_mention", "message"}
    assert {body["event"]["ts"] for body in people} == {ts}
    assert len({body["event_id"] for body in people}) == 2


async def test_talk_that_does_not_mention_the_bot_is_not_sent(transport: str):
    async with running(transport) as (simulator, heard):
        await simulator.post_message(RAVI, GENERAL, "hello <@U0MINA0000>")
        await simulator.settled()
    assert heard == []


async def test_an_event_is_redelivered_under_its_own_id(transport: str):
    async with running(transport) as (simulator, heard):
        await simulator.post_message(RAVI, simulator.dm(RAVI), "hello")
        await simulator.settled()
        event_id = heard[0]["event_id"]
        assert await simulator.redeliver(event_id)
    assert [body["event_id"] for body in heard] == [event_id, event_id]


async def test_forged_events_and_clicks_go_out_as_they_are(transport: str):
    async with running(transport) as (simulator, heard):
        ts = await simulator.post_message(RAVI, GENERAL, MENTION)
        await simulator.wait_for(lambda: len(simulator.messages(GENERAL, ts)) == 2)
        event = {"type": "message", "channel": GENERAL, "user": RAVI, "ts": "1.0"}
        assert await simulator.send_event(event, "EvMINE", team_id="T0OTHER")
        card = simulator.messages(GENERAL, ts)[1]["ts"]
        payload = simulator.click_payload(MINA, GENERAL, card, "approve")
        result = await simulator.send_payload(payload | {"api_app_id": "A0OTHER"})
    assert (heard[1]["event_id"], heard[1]["team_id"]) == ("EvMINE", "T0OTHER")
    assert heard[2]["api_app_id"] == "A0OTHER"
    assert result.acked


async def test_a_late_click_carries_the_button_that_is_gone(transport: str):
    async with running(transport) as (simulator, heard):
        ts = await simulator.post_message(RAVI, GENERAL, MENTION)
        await simulator.wait_for(lambda: len(simulator.messages(GENERAL, ts)) == 2)
        card = simulator.messages(GENERAL, ts)[1]["ts"]
        await simulator.click(MINA, GENERAL, card, "approve")
        await simulator.wait_for(
            lambda: "blocks" not in simulator.messages(GENERAL, ts)[1]
        )
        assert (await simulator.click(RAVI, GENERAL, card, "approve")).acked
        with pytest.raises(LookupError, match="no element approve"):
            await simulator.click(RAVI, GENERAL, card, "approve", stale=False)
        with pytest.raises(LookupError, match="no element reject"):
            await simulator.click(RAVI, GENERAL, card, "reject")
    assert [b["user"]["id"] for b in heard if b["type"] == "block_actions"] == [
        MINA,
        RAVI,
    ]


async def test_a_click_on_an_unknown_element_is_not_acked(transport: str):
    async with running(transport, times=QUICK) as (simulator, _):
        slack = AsyncWebClient("xoxb-1", base_url=simulator.api_url)
        card = [actions(button(action_id="other"))]
        posted = await slack.chat_postMessage(channel=GENERAL, text="x", blocks=card)
        result = await simulator.click(MINA, GENERAL, posted["ts"], "other")
    assert not result.acked
    assert result.status == (404 if transport == "http" else None)


async def test_wait_for_says_what_it_saw(transport: str):
    async with running(transport) as (simulator, _):
        await simulator.post_message(RAVI, GENERAL, MENTION)
        with pytest.raises(AssertionError, match="hello"):
            await simulator.wait_for(lambda: False, timeout=0.2)
