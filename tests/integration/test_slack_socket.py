"""The socket to Slack comes back, whatever became of its address."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from structlog.testing import capture_logs

import bot.slack.app as app_module
from bot.simulator import Simulator
from bot.slack.app import SocketClient
from bot.slack.client import make_client, make_session


@pytest.fixture
async def client(
    simulator: Simulator, shorter: Callable[..., None]
) -> AsyncIterator[SocketClient]:
    shorter(socket_try=1)
    async with make_session() as session:
        web_client = make_client(None, simulator.api_url, session)
        made = SocketClient("xapp-1", web_client=web_client, ping_interval=0.1)
        yield made
        await made.close()


async def test_an_address_that_was_used_is_not_tried_for_ever(
    simulator: Simulator, client: SocketClient
):
    used = await client.issue_new_wss_url()
    async with client.aiohttp_client_session.ws_connect(used):
        pass
    client.wss_uri = used

    await client.connect()

    await simulator.wait_for(lambda: simulator.sockets == 1)
    assert await client.is_connected()


@pytest.mark.parametrize("kind", ["server_error", "cut_before", "error"])
async def test_it_comes_back_after_slack_gave_no_address(
    simulator: Simulator, client: SocketClient, kind: str
):
    await client.connect()
    simulator.faults.add("apps.connections.open", kind, times=3)

    await simulator.disconnect("refresh_requested")

    await simulator.wait_for(lambda: simulator.sockets == 1)


async def test_the_wait_that_slack_names_is_kept(
    simulator: Simulator, client: SocketClient, monkeypatch: pytest.MonkeyPatch
):
    waits: list[float] = []

    async def note(seconds: float) -> None:
        waits.append(seconds)

    simulator.faults.add("apps.connections.open", "ratelimited", 2, retry_after=30)
    simulator.faults.add("apps.connections.open", "server_error")
    monkeypatch.setattr(app_module, "asyncio", Sleepless(note))

    await client.connect()

    assert waits == [30, 30, 0.1]
    assert await client.is_connected()


async def test_what_keeps_the_socket_closed_is_said_by_slacks_word(
    simulator: Simulator, client: SocketClient
):
    method = "apps.connections.open"
    simulator.faults.add(method, "error", error="a_word_from_next_year")
    simulator.faults.add(method, "error", error="forbidden_team")

    with capture_logs() as lines:
        await client.connect()

    said = [(each["action"], each.get("trouble", each.get("word"))) for each in lines]
    assert said == [
        ("socket_waits", "a_word_from_next_year"),
        ("slack_refuses", "forbidden_team"),
    ]


class Sleepless:
    """asyncio, but for its sleep."""

    def __init__(self, sleep: Callable[[float], Awaitable[None]]) -> None:
        self.sleep = sleep

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)


async def test_a_wrong_token_is_said_at_the_first_connection(
    simulator: Simulator, client: SocketClient
):
    client.app_token = "xapp-wrong"

    with pytest.raises(SlackApiError, match="invalid_auth"):
        await client.issue_new_wss_url()
