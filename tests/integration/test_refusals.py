"""Whatever Slack refuses, or does not answer, is noted where all calls go through."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient

import bot.slack.client as client_module
from bot.simulator import Simulator
from bot.slack import streaming
from bot.slack.client import FAILURES, Troubles, make_client, make_session
from bot.web.server import metrics_routes, slack_routes
from tests.support.demo import GENERAL, MINA
from tests.support.simulated import BOT_TOKEN

SECRET = "s" * 32


@pytest.fixture
def troubles() -> Troubles:
    return Troubles()


@pytest.fixture
async def slack(
    simulator: Simulator, troubles: Troubles
) -> AsyncIterator[AsyncWebClient]:
    async with make_session() as session:
        yield make_client(BOT_TOKEN, simulator.api_url, session, troubles)


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        ({"error": "missing_scope"}, "Slack missing_scope users:read"),
        ({"error": "token_revoked"}, "Slack token_revoked"),
        ({"error": "account_inactive"}, "Slack account_inactive"),
        ({"error": "team_access_not_granted"}, "Slack team_access_not_granted"),
        ({"error": "internal_error"}, "Slack no_answer internal_error"),
        ({"kind": "server_error"}, "Slack no_answer unknown_error"),
        ({"kind": "cut_before", "times": 2}, "Slack no_answer ServerDisconnectedError"),
    ],
)
async def test_each_refusal_is_shown_until_the_call_works(
    simulator: Simulator,
    slack: AsyncWebClient,
    troubles: Troubles,
    fault: dict[str, Any],
    name: str,
):
    simulator.faults.add("users.info", **({"kind": "error"} | fault))

    with pytest.raises(FAILURES):
        await slack.users_info(user=MINA)
    assert [*troubles.lines()] == [name]
    assert troubles.counts.total() == 1

    await slack.users_info(user=MINA)
    assert troubles.lines() == {}


async def test_a_channel_is_named_and_private_sentences_are_left_out(
    simulator: Simulator, slack: AsyncWebClient, troubles: Troubles
):
    for method in ("chat.postMessage", "chat.postEphemeral"):
        simulator.faults.add(method, "error", error="not_in_channel")

    with pytest.raises(FAILURES):
        await slack.chat_postEphemeral(channel=GENERAL, user=MINA, text="x")
    assert troubles.lines() == {}
    with pytest.raises(FAILURES):
        await slack.chat_postMessage(channel=GENERAL, text="x")

    assert [*troubles.lines()] == [f"Slack not_in_channel {GENERAL}"]


@pytest.mark.parametrize("error", ["user_not_found", "ratelimited"])
async def test_what_is_no_operators_matter_is_not_noted(
    simulator: Simulator, slack: AsyncWebClient, troubles: Troubles, error: str
):
    simulator.faults.add("users.info", "error", error=error)
    with pytest.raises(FAILURES):
        await slack.users_info(user=MINA)
    assert troubles.counts == {}


@pytest.mark.parametrize("method", sorted(client_module.OF_PROGRESS))
async def test_what_only_shows_progress_need_not_be_granted(
    simulator: Simulator, slack: AsyncWebClient, troubles: Troubles, method: str
):
    simulator.faults.add(method, "error", error="missing_scope")
    with pytest.raises(FAILURES):
        await slack.api_call(method)
    assert troubles.counts == {}


def test_every_call_that_shows_progress_may_be_refused():
    asked = {streaming.STATUS, streaming.SESSION, streaming.TITLE}
    assert {each.replace("_", ".") for each in asked} <= client_module.OF_PROGRESS


async def test_whoever_waits_no_longer_for_an_answer_has_it_noted(
    simulator: Simulator,
    slack: AsyncWebClient,
    troubles: Troubles,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(client_module, "SLOW", 0.01)
    simulator.faults.add("users.info", "timeout_before")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await slack.users_info(user=MINA)
    assert [*troubles.lines()] == ["Slack no_answer TimeoutError"]


@pytest.mark.parametrize(
    ("secret", "ahead", "word"),
    [
        ("another", 0, "wrong_secret"),
        (SECRET, 400, "clock_skew"),
        (SECRET, -400, "clock_skew"),
    ],
)
async def test_requests_signed_wrongly_are_refused_and_noted(
    troubles: Troubles, secret: str, ahead: int, word: str
):
    async with serving(*slack_routes(Bolt(), SECRET, lambda: True, troubles)) as url:
        assert await knock(url, secret, ahead) == 401
        assert [*troubles.lines()] == [f"Slack {word}"]
        assert await knock(url, SECRET, 0) == 200
    assert troubles.lines() == {}


async def test_what_nobody_has_signed_is_no_operators_matter(troubles: Troubles):
    routes = slack_routes(Bolt(), SECRET, lambda: True, troubles)
    async with serving(*routes) as url, aiohttp.ClientSession() as session:
        answer = await session.post(f"{url}/slack/events", data=b"{}")
        assert answer.status == 401
    assert troubles.counts == {}


async def test_refusals_are_counted_by_reason(troubles: Troubles):
    for _ in range(3):
        troubles.refused("users.info", "missing_scope", "users:read")

    async def is_up() -> bool:
        return False

    pool: Any = None
    routes = metrics_routes(pool, is_up, troubles.counts, lambda: 0.0)
    async with serving(*routes) as url, aiohttp.ClientSession() as session:
        text = await (await session.get(f"{url}/metrics")).text()
    counted = 'approval_bot_slack_refusals_total{reason="missing_scope"} 3.0'
    assert counted in text.splitlines()


class Bolt:
    """The app behind the door."""

    async def async_dispatch(self, request: Any) -> Any:
        return SimpleNamespace(
            status=200, body="", first_headers_without_set_cookie=dict
        )


@asynccontextmanager
async def serving(*routes: Any) -> AsyncIterator[str]:
    """Serve some routes; the address."""
    application = aiohttp.web.Application()
    application.add_routes(routes)
    runner = aiohttp.web.AppRunner(application)
    await runner.setup()
    await aiohttp.web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def knock(url: str, secret: str, ahead: int) -> int:
    body = '{"type": "event_callback"}'
    timestamp = str(int(time.time()) + ahead)
    signer = SignatureVerifier(secret)
    signature = signer.generate_signature(timestamp=timestamp, body=body)
    headers = {
        "Content-Type": "application/json",
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": signature or "",
    }
    async with aiohttp.ClientSession() as session:
        answer = await session.post(f"{url}/slack/events", data=body, headers=headers)
        return answer.status
