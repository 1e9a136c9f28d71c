"""Trouble that a test orders arrives as the bot would see it from Slack."""

from __future__ import annotations

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncRateLimitErrorRetryHandler,
    AsyncServerErrorRetryHandler,
)
from slack_sdk.web.async_client import AsyncWebClient

from bot.simulator import Simulator
from tests.support.demo import GENERAL


def client(simulator: Simulator, timeout: int = 30) -> AsyncWebClient:
    """A client that never tries again by itself."""
    return AsyncWebClient(
        "xoxb-1", base_url=simulator.api_url, timeout=timeout, retry_handlers=[]
    )


async def test_a_limit_names_the_wait_and_nothing_happens(simulator: Simulator):
    simulator.faults.add("chat.postMessage", "ratelimited", retry_after=7)
    with pytest.raises(SlackApiError) as caught:
        await client(simulator).chat_postMessage(channel=GENERAL, text="x")
    response = caught.value.response
    assert (response.status_code, response["error"]) == (429, "ratelimited")
    assert response.headers["Retry-After"] == "7"
    assert simulator.messages(GENERAL) == []


async def test_slacks_own_retry_handlers_get_over_it(simulator: Simulator):
    simulator.faults.add("chat.postMessage", "ratelimited", retry_after=0)
    simulator.faults.add("chat.postMessage", "server_error")
    slack = client(simulator)
    slack.retry_handlers = [
        AsyncRateLimitErrorRetryHandler(max_retry_count=2),
        AsyncServerErrorRetryHandler(max_retry_count=2),
    ]
    await slack.chat_postMessage(channel=GENERAL, text="x")
    assert [call.ok for call in simulator.calls] == [False, False, True]


async def test_an_error_code_comes_as_often_as_ordered(simulator: Simulator):
    simulator.faults.add("*", "error", times=2, error="fatal_error")
    slack = client(simulator)
    for _ in range(2):
        with pytest.raises(SlackApiError, match="fatal_error"):
            await slack.auth_test()
    assert (await slack.auth_test())["ok"]


async def test_a_scope_taken_away_is_named(simulator: Simulator):
    simulator.faults.add("users.info", "error", error="missing_scope")
    with pytest.raises(SlackApiError) as caught:
        await client(simulator).users_info(user="U0MINA0000")
    assert caught.value.response["needed"] == "users:read"


@pytest.mark.parametrize(
    ("kind", "posted"), [("timeout_before", 0), ("timeout_after", 1)]
)
async def test_an_answer_that_does_not_come_leaves_the_outcome_open(
    simulator: Simulator, kind, posted: int
):
    simulator.faults.add("chat.postMessage", kind)
    with pytest.raises(TimeoutError):
        await client(simulator, timeout=1).chat_postMessage(channel=GENERAL, text="x")
    assert len(simulator.messages(GENERAL)) == posted


@pytest.mark.parametrize(("kind", "posted"), [("cut_before", 0), ("cut_after", 1)])
async def test_a_cut_connection_leaves_the_outcome_open(
    simulator: Simulator, kind, posted: int
):
    simulator.faults.add("chat.postMessage", kind)
    with pytest.raises(aiohttp.ClientError):
        await client(simulator).chat_postMessage(channel=GENERAL, text="x")
    assert len(simulator.messages(GENERAL)) == posted


async def test_a_held_answer_does_not_hold_the_end(simulator: Simulator):
    simulator.faults.add("auth.test", "slow", seconds=600)
    with pytest.raises(TimeoutError):
        await client(simulator, timeout=1).auth_test()
    await simulator.stop()
    assert simulator.calls[-1].ok
