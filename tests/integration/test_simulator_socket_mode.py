"""Sockets, envelopes and acks, seen from the receiving end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.simulator import Times
from tests.support.bolt_bot import MENTION, QUICK, answer_mentions, bolt, running
from tests.support.demo import GENERAL, RAVI
from tests.support.simulated import APP_TOKEN, world


@asynccontextmanager
async def plain_sockets(count: int, **options: Any) -> AsyncIterator[Any]:
    """A simulator and some bare sockets that are open to it."""
    async with (
        world(connected=False, **options) as made,
        aiohttp.ClientSession() as session,
    ):
        sockets = []
        for number in range(count):
            url = (await made.slack.apps_connections_open(app_token=APP_TOKEN))["url"]
            sockets.append(await session.ws_connect(url))
            hello = await sockets[-1].receive_json()
            assert (hello["type"], hello["num_connections"]) == ("hello", number + 1)
            assert hello["connection_info"] == {"app_id": "A0SIMULATE"}
        yield made.simulator, sockets
        for each in sockets:
            await each.close()


async def test_an_address_opens_one_socket_once():
    async with plain_sockets(0) as (simulator, _):
        slack = AsyncWebClient("xapp-1", base_url=simulator.api_url)
        url = (await slack.apps_connections_open(app_token="xapp-1"))["url"]
        async with aiohttp.ClientSession() as session:
            await (await session.ws_connect(url)).close()
            for used in (url, url.partition("?")[0]):
                with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
                    await session.ws_connect(used)


async def test_an_envelope_goes_to_one_socket_and_any_may_ack():
    async with plain_sockets(2) as (simulator, sockets):
        sending = [
            asyncio.create_task(simulator.send_payload({"type": "block_actions"}))
            for _ in range(2)
        ]
        envelopes = [await each.receive_json() for each in sockets]
        assert all(not e["accepts_response_payload"] for e in envelopes)
        assert all("retry_attempt" not in e for e in envelopes)
        await sockets[0].send_json({"envelope_id": envelopes[0]["envelope_id"]})
        # An ack may also come over another socket than its envelope did.
        await sockets[0].send_json({"envelope_id": envelopes[1]["envelope_id"]})
        assert [(await each).acked for each in sending] == [True, True]


async def test_an_unacked_event_comes_again_and_a_click_does_not():
    async with plain_sockets(1, times=QUICK) as (simulator, [only]):
        event = asyncio.create_task(simulator.send_event({"type": "app_mention"}))
        first, second = await only.receive_json(), await only.receive_json()
        await only.send_json({"envelope_id": second["envelope_id"]})
        assert await event
        result = await simulator.send_payload({"type": "block_actions"})
        assert (await only.receive_json())["type"] == "interactive"
        with pytest.raises(TimeoutError):
            await only.receive_json(timeout=QUICK.ack)
    assert (first["retry_attempt"], first["retry_reason"]) == (0, "")
    assert (second["retry_attempt"], second["retry_reason"]) == (1, "timeout")
    assert first["payload"] == second["payload"]
    assert first["envelope_id"] != second["envelope_id"]
    assert not result.acked


async def test_a_bot_that_reconnects_gets_the_missed_event():
    times = Times(ack=1, retries=(5, 5, 5))
    async with plain_sockets(0, times=times) as (simulator, _):
        ts = await simulator.post_message(RAVI, GENERAL, MENTION)
        handler = AsyncSocketModeHandler(bolt(simulator, answer_mentions, []), "xapp-1")
        await handler.connect_async()
        await simulator.wait_for(lambda: len(simulator.messages(GENERAL, ts)) == 2)
        await handler.close_async()


async def test_a_click_without_a_socket_is_lost():
    async with plain_sockets(0) as (simulator, _):
        assert not (await simulator.send_payload({"type": "block_actions"})).acked


@pytest.mark.parametrize("reason", ["refresh_requested", "link_disabled"])
async def test_a_bot_that_is_sent_away_comes_back(reason: Any):
    async with running("socket") as (simulator, _):
        await simulator.disconnect(reason)
        await simulator.wait_for(lambda: simulator.sockets == 1)
        ts = await simulator.post_message(RAVI, GENERAL, MENTION)
        await simulator.wait_for(lambda: len(simulator.messages(GENERAL, ts)) >= 2)


async def test_a_warning_leaves_the_sockets_open():
    async with plain_sockets(1) as (simulator, [only]):
        await simulator.disconnect("warning")
        goodbye = await only.receive_json()
        assert (goodbye["type"], goodbye["reason"]) == ("disconnect", "warning")
        assert goodbye["debug_info"]["host"]
        sending = asyncio.create_task(simulator.send_event({"type": "app_mention"}))
        envelope = await only.receive_json()
        await only.send_json({"envelope_id": envelope["envelope_id"]})
        assert await sending


@pytest.mark.parametrize(
    "reason", ["refresh_requested", "link_disabled", "too_many_websockets"]
)
async def test_every_other_reason_closes_them(reason: Any):
    async with plain_sockets(2) as (simulator, sockets):
        await simulator.disconnect(reason)
        for each in sockets:
            assert (await each.receive_json())["reason"] == reason
            assert (await each.receive()).type is aiohttp.WSMsgType.CLOSE
        assert simulator.sockets == 0


async def test_an_event_lost_with_its_socket_comes_over_another():
    async with plain_sockets(2, times=Times(ack=5, retries=(0.05,))) as (
        simulator,
        [first, second],
    ):
        event = {"type": "app_mention"}
        sending = asyncio.create_task(simulator.send_event(event))
        sockets = {
            asyncio.create_task(each.receive_json()): each for each in (first, second)
        }
        done, waiting = await asyncio.wait(sockets, return_when=asyncio.FIRST_COMPLETED)
        await sockets[done.pop()].close()
        [task] = waiting
        again = await task
        await sockets[task].send_json({"envelope_id": again["envelope_id"]})
        assert await sending
    assert again["retry_attempt"] == 1


async def test_an_eleventh_socket_is_sent_away():
    async with plain_sockets(10) as (simulator, _):
        slack = AsyncWebClient("xapp-1", base_url=simulator.api_url)
        url = (await slack.apps_connections_open(app_token="xapp-1"))["url"]
        async with aiohttp.ClientSession() as session:
            eleventh = await session.ws_connect(url)
            goodbye = await eleventh.receive_json()
        assert goodbye["reason"] == "too_many_websockets"


async def test_a_wrong_app_token_opens_nothing():
    async with plain_sockets(0) as (simulator, _):
        slack = AsyncWebClient("xapp-2", base_url=simulator.api_url)
        with pytest.raises(SlackApiError, match="invalid_auth"):
            await slack.apps_connections_open(app_token="xapp-2")
