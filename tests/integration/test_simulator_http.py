"""Signed HTTP requests and their retries, seen from the receiving end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from slack_sdk.signature import SignatureVerifier

from bot.simulator import Simulator
from tests.support.bolt_bot import QUICK, SECRET
from tests.support.bot_process import free_port
from tests.support.demo import RAVI
from tests.support.simulated import world


@asynccontextmanager
async def sending_to(url: str) -> AsyncIterator[Simulator]:
    options = {"signing_secret": SECRET, "event_url": url, "times": QUICK}
    async with world(connected=False, **options) as made:
        yield made.simulator


@asynccontextmanager
async def endpoint(*statuses: int, **headers: str) -> AsyncIterator[Any]:
    """A simulator that posts to a server which answers with these statuses."""
    seen: list[tuple[dict[str, str], str]] = []
    answers = list(statuses)

    async def answer(request: web.Request) -> web.Response:
        seen.append((dict(request.headers), await request.text()))
        status = answers.pop(0) if answers else 200
        if status == 0:
            await asyncio.sleep(QUICK.ack * 2)
        return web.Response(status=status or 200, headers=headers)

    application = web.Application()
    application.router.add_post("/", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    async with sending_to(url) as simulator:
        yield simulator, seen
    await runner.cleanup()


async def test_http_requests_are_signed_as_slack_signs_them():
    async with endpoint() as (simulator, seen):
        await simulator.post_message(RAVI, simulator.dm(RAVI), "hellö")
        await simulator.settled()
        await simulator.send_payload({"type": "block_actions"})
    verify = SignatureVerifier(SECRET).is_valid_request
    assert [verify(body, headers) for headers, body in seen] == [True, True]
    assert not SignatureVerifier("other").is_valid_request(seen[0][1], seen[0][0])
    assert seen[0][0]["Content-Type"] == "application/json"
    assert seen[1][1].startswith("payload=%7B%22type%22")


async def test_a_failed_event_is_retried_three_times_with_headers():
    async with endpoint(500, 500, 0, 500, 500) as (simulator, seen):
        await simulator.post_message(RAVI, simulator.dm(RAVI), "hello")
        await simulator.settled()
    retries = [
        (h.get("X-Slack-Retry-Num"), h.get("X-Slack-Retry-Reason")) for h, _ in seen
    ]
    assert retries == [
        (None, None),
        ("1", "http_error"),
        ("2", "http_error"),
        ("3", "http_timeout"),
    ]
    assert len({body for _, body in seen}) == 1


async def test_the_bot_can_ask_for_no_retry():
    async with endpoint(500, **{"X-Slack-No-Retry": "1"}) as (simulator, seen):
        await simulator.post_message(RAVI, simulator.dm(RAVI), "hello")
        await simulator.settled()
    assert len(seen) == 1


async def test_a_failed_click_is_not_retried():
    async with endpoint(500) as (simulator, seen):
        result = await simulator.send_payload({"type": "block_actions"})
    assert (result.acked, result.status, len(seen)) == (False, 500, 1)


async def test_an_unreachable_bot_takes_neither_click_nor_event():
    url = f"http://127.0.0.1:{free_port()}/"
    async with sending_to(url) as simulator:
        result = await simulator.send_payload({"type": "block_actions"})
        taken = await simulator.send_event({"type": "app_mention"})
    assert (result.acked, result.status, taken) == (False, None, False)


async def test_another_secret_or_clock_signs_what_is_sent():
    async with endpoint() as (simulator, seen):
        simulator.sign("another secret", ahead=400)
        await simulator.send_payload({"type": "block_actions"})
    [(headers, body)] = seen
    timestamp = headers["X-Slack-Request-Timestamp"]
    signature = SignatureVerifier("another secret").generate_signature(
        timestamp=timestamp, body=body
    )
    assert headers["X-Slack-Signature"] == signature
    assert int(timestamp) - time.time() > 390
