"""A simulator alone, with Slack's own client and a bot that only acknowledges."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.simulator import Simulator, demo_workspace
from tests.support.demo import GENERAL, MINA

BOT_TOKEN, APP_TOKEN = "xoxb-1", "xapp-1"


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text}


def button(**more: Any) -> dict[str, Any]:
    return {"type": "button", "text": plain("Go"), "action_id": "go", **more}


def actions(*elements: Any, **more: Any) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements), **more}


#: The metadata of a message, and blocks with a button.
METADATA = {"event_type": "card", "event_payload": {"request": "r1"}}
CARD = [actions(button(value="x1"))]


def field(element: dict[str, Any], block_id: str = "field", **more: Any) -> Any:
    """An input block around an element."""
    label = plain("Label")
    block = {"type": "input", "block_id": block_id, "label": label, "element": element}
    return {**block, **more}


def modal(*blocks: Any, **more: Any) -> dict[str, Any]:
    title = plain("Title")
    view = {"type": "modal", "title": title, "submit": title, "blocks": list(blocks)}
    return {**view, **more}


class Socket:
    """A bot on one socket: it notes each envelope and acks it with `answers` by type.

    An answer is the ack's payload; a type for which `silent` holds gets no ack.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.silent: set[str] = set()
        self.heard: list[dict[str, Any]] = []

    @property
    def payloads(self) -> list[dict[str, Any]]:
        return [envelope["payload"] for envelope in self.heard]

    async def serve(self, url: str) -> None:
        async with aiohttp.ClientSession() as session, session.ws_connect(url) as ws:
            await ws.receive_json()
            async for frame in ws:
                envelope = frame.json()
                self.heard.append(envelope)
                kind = envelope["payload"].get("type", envelope["type"])
                if kind not in self.silent:
                    answer = self.answers.get(kind)
                    ack = {"envelope_id": envelope["envelope_id"], "payload": answer}
                    await ws.send_json(ack)


class World:
    """A running simulator, Slack's client with the bot's token, and the socket."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.slack = AsyncWebClient(BOT_TOKEN, base_url=simulator.api_url)
        self.socket = Socket()

    async def connect(self) -> asyncio.Task[None]:
        url = (await self.slack.apps_connections_open(app_token=APP_TOKEN))["url"]
        task = asyncio.create_task(self.socket.serve(url))
        await self.simulator.wait_for(lambda: self.simulator.sockets == 1)
        return task

    async def trigger(self, user: str = MINA) -> str:
        """The trigger_id of a fresh click."""
        posted = await self.slack.chat_postMessage(
            channel=GENERAL, text="x", blocks=[actions(button())]
        )
        payload = self.simulator.click_payload(user, GENERAL, posted["ts"], "go")
        return payload["trigger_id"]

    async def opened(self, *blocks: Any, **more: Any) -> dict[str, Any]:
        """A modal that is open in front of Mina."""
        view = modal(*blocks, **more)
        trigger_id = await self.trigger()
        return (await self.slack.views_open(trigger_id=trigger_id, view=view))["view"]


@asynccontextmanager
async def world(*, connected: bool = True, **options: Any) -> AsyncIterator[World]:
    """A running simulator with its demo people, with a socket unless said otherwise."""
    workspace = options.pop("workspace", None) or demo_workspace()
    tokens = {"bot_token": BOT_TOKEN, "app_token": APP_TOKEN}
    simulator = Simulator(workspace, **tokens, **options)
    await simulator.start()
    made = World(simulator)
    task = await made.connect() if connected else None
    try:
        yield made
    finally:
        if task is not None:
            task.cancel()
        await simulator.stop()


async def refusal(call: Any) -> dict[str, Any]:
    """The body of Slack's refusal."""
    with pytest.raises(SlackApiError) as caught:
        await call
    return caught.value.response.data


def as_page(simulator: Simulator) -> aiohttp.ClientSession:
    """A session that speaks as the simulator's own page does."""
    headers = {"Origin": simulator.base_url}
    return aiohttp.ClientSession(simulator.base_url, headers=headers)
