"""Outgoing events from outside: signed, in order, none lost, no repeat as new."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.support.bot_process import free_port, run_command
from tests.support.deciding import SANDBOX, asked, request_of
from tests.support.demo import FAY, GENERAL, MINA
from tests.support.outside_agent import SETTINGS, OutsideAgent
from tests.support.stage import Stage, make_stage

LONG = 60.0  # seconds: what failed is tried again after some
SECRET = "a-secret-that-signs-events-0123456789"


@dataclass
class Receiver:
    """A receiver of webhooks: what came in, and the answer to give."""

    port: int = field(default_factory=free_port)
    status: int = 200
    elsewhere: int = 0
    tries: list[tuple[Any, bytes]] = field(default_factory=list)
    taken: list[dict[str, Any]] = field(default_factory=list)

    @property
    def settings(self) -> dict[str, str]:
        return {
            "WEBHOOK_URL": f"http://127.0.0.1:{self.port}/events",
            "WEBHOOK_SECRET": SECRET,
            "WEBHOOK_ALLOW_PRIVATE": "1",
        }

    async def receive(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.tries.append((request.headers.copy(), body))
        if self.status == 200:
            self.taken.append(json.loads(body))
        headers = {"Location": "/elsewhere"} if self.status == 302 else {}
        return web.Response(status=self.status, headers=headers)

    async def be_led_on(self, _request: web.Request) -> web.Response:
        self.elsewhere += 1
        return web.Response()

    def about(self, request: str) -> list[str]:
        """The changes of a request, as they came in."""
        events = [each for each in self.taken if each["subject"] == request]
        return [each["data"]["change"] for each in events]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/events", receiver.receive)
    app.router.add_route("*", "/elsewhere", receiver.be_led_on)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", receiver.port).start()
    try:
        yield receiver
    finally:
        await runner.cleanup()


@pytest.fixture
async def stage(
    tmp_path: Path, database: str, receiver: Receiver
) -> AsyncIterator[Stage]:
    """A stage that sends its events to the receiver."""
    settings = SANDBOX | SETTINGS | receiver.settings
    async with make_stage(tmp_path, database, "socket", **settings) as made:
        yield made


async def decided(stage: Stage) -> str:
    """A request that two people have approved, and that has run."""
    card, ts = await asked(stage, "transfer 1700 GBP to alice")
    request = request_of(card)
    await stage.click(MINA, "approve", card)
    await stage.simulator.wait_for(
        lambda: stage.records.rows(
            "SELECT 1 FROM stages WHERE request_id = %s AND passed_at IS NOT NULL",
            request,
        )
    )
    await stage.click(FAY, "approve", stage.message(card["channel"], card["ts"]))
    await stage.answer(GENERAL, ts)
    return request


async def by_an_agent(stage: Stage) -> str:
    """A request of an agent outside, which was approved, claimed and reported."""
    agent = OutsideAgent(stage.bot.url)
    asked = (await agent.ask()).body
    said = [
        await agent.api.decide(MINA, asked["id"], "approve"),
        await agent.claim(asked),
        await agent.report(asked["id"], "done", "It is up."),
    ]
    assert [each.status for each in said] == [200] * 3, said
    return asked["id"]


CHANGES = ["requested", "stage_passed", "approved", "claimed", "ran"]


async def test_every_change_is_a_signed_event_in_its_order(
    stage: Stage, receiver: Receiver
):
    outside = await by_an_agent(stage)
    await stage.simulator.wait_for(
        lambda: receiver.about(outside) == [*CHANGES[:1], *CHANGES[2:]], timeout=LONG
    )
    request = await decided(stage)
    await stage.simulator.wait_for(
        lambda: receiver.about(request) == CHANGES, timeout=LONG
    )

    for headers, body in receiver.tries:
        event, at = json.loads(body), headers["webhook-timestamp"]
        said = f"{event['id']}.{at}.".encode() + body
        wanted = hmac.new(SECRET.encode(), said, hashlib.sha256).digest()
        signature = f"v1,{base64.b64encode(wanted).decode()}"
        assert headers["webhook-signature"] == signature
        assert abs(int(at) - time.time()) < 60
        assert headers["Content-Type"].startswith("application/cloudevents+json")
        assert event["specversion"] == "1.0"
        assert event["type"].startswith("slack-approval-bot.request.")
    last = receiver.taken[-1]["data"]["request"]
    assert (last["id"], last["status"], last["execution"]) == (
        request,
        "approved",
        "done",
    )


async def test_a_returning_receiver_gets_every_event_with_stable_ids(
    stage: Stage, receiver: Receiver
):
    receiver.status = 503
    request = await decided(stage)
    await stage.simulator.wait_for(lambda: len(receiver.tries) >= 2, timeout=LONG)
    await stage.bot.kill()
    stage.bots.clear()
    receiver.status = 200
    await stage.start_bot()
    await stage.simulator.wait_for(
        lambda: receiver.about(request) == CHANGES, timeout=LONG
    )
    by_id: dict[str, set[bytes]] = {}
    for headers, body in receiver.tries:
        by_id.setdefault(headers["webhook-id"], set()).add(body)
    assert all(len(bodies) == 1 for bodies in by_id.values())
    assert len(by_id) == len({each["id"] for each in receiver.taken})


async def test_threat_44_no_redirect_is_followed_and_delivery_ends_after_three_days(
    stage: Stage, receiver: Receiver
):
    receiver.status = 302
    await asked(stage, "transfer 5 GBP to alice")
    query = "SELECT state, answer FROM webhook_events"
    await stage.simulator.wait_for(
        lambda: stage.records.rows(query) == [("queued", "302")], timeout=LONG
    )
    stage.records.rows(
        "UPDATE webhook_events SET made_at = made_at - interval '73 hours'"
        " RETURNING seq"
    )
    await stage.simulator.wait_for(
        lambda: stage.records.rows(query) == [("given_up", "302")], timeout=LONG
    )
    await stage.simulator.wait_for(lambda: "webhook_given_up" in stage.bot.log)
    # it is tried again after seconds, and this test may be slower than that
    assert len(receiver.tries) >= 2
    assert len({json.loads(body)["id"] for _, body in receiver.tries}) == 1
    assert receiver.elsewhere == 0


async def test_an_address_without_tls_ends_the_start(tmp_path: Path):
    environment = {
        "WEBHOOK_URL": "http://hooks.example.com/secret-path",
        "WEBHOOK_SECRET": SECRET,
    }
    ended = await run_command(folder=tmp_path, environment=environment)
    assert ended.status == 2
    assert "https://" in ended.err
    assert "secret-path" not in ended.err
