"""Slash commands, heard by a real Bolt app over both transports."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.simulator import AppConfig, Simulator, SlashCommand, Times, demo_workspace
from tests.support.simulated import BOT, GENERAL, MINA, OLAF, modal, world

SECRET = "a-signing-secret"
COMMANDS = (
    SlashCommand("/approvals", "My queue"),
    SlashCommand("/ask", should_escape=True),
    SlashCommand("/lost"),
)
APP = AppConfig(commands=COMMANDS)
QUICK = Times(ack=0.3, retries=(0.05, 0.05, 0.05))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def bolt(simulator: Simulator, heard: list[Any]) -> AsyncApp:
    client = AsyncWebClient("xoxb-1", base_url=simulator.api_url)
    app = AsyncApp(client=client, signing_secret=SECRET, process_before_response=True)

    @app.command("/approvals")
    async def approvals(ack: Any, body: Any, respond: Any):
        heard.append(body)
        await ack({"text": "Your queue", "response_type": "ephemeral"})
        await client.views_open(trigger_id=body["trigger_id"], view=modal())
        await respond("later", response_type="in_channel")

    @app.command("/ask")
    async def ask(ack: Any, body: Any):
        heard.append(body)
        await ack("a plain answer")

    return app


@asynccontextmanager
async def running(transport: str) -> AsyncIterator[Any]:
    port = free_port()
    url = f"http://127.0.0.1:{port}/slack/events" if transport == "http" else None
    simulator = Simulator(
        demo_workspace(),
        bot_token="xoxb-1",
        app_token="xapp-1",
        signing_secret=SECRET,
        event_url=url,
        app=APP,
        times=QUICK,
    )
    await simulator.start()
    heard: list[Any] = []
    app = bolt(simulator, heard)
    if url:
        runner = web.AppRunner(app.server(port, "/slack/events").web_app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        close = runner.cleanup
    else:
        handler = AsyncSocketModeHandler(app, "xapp-1")
        await handler.connect_async()
        close = handler.close_async
    try:
        yield simulator, heard
    finally:
        await close()
        await simulator.stop()


@pytest.fixture(params=["http", "socket"])
def transport(request: pytest.FixtureRequest) -> str:
    return request.param


async def test_a_command_is_answered_opens_a_modal_and_responds_later(transport: str):
    async with running(transport) as (simulator, heard):
        result = await simulator.run_command(MINA, GENERAL, "/approvals", "mine open")
        await simulator.wait_for(lambda: simulator.messages(GENERAL))
        assert len(simulator.open_views(MINA)) == 1
        private = [each["text"] for each in simulator.ephemerals(MINA)]
        public = [each["text"] for each in simulator.messages(GENERAL)]
    assert (result.acked, result.status) == (True, 200)
    assert (private, public) == (["Your queue"], ["later"])
    [body] = heard
    assert (body["command"], body["text"]) == ("/approvals", "mine open")
    assert (body["user_id"], body["channel_id"]) == (MINA, GENERAL)
    assert (body["team_id"], body["api_app_id"]) == ("T0SIMULATE", "A0SIMULATE")
    assert body["channel_name"] == "general"
    assert body["is_enterprise_install"] == "false"


async def test_a_plain_answer_is_private_and_names_come_as_mentions(transport: str):
    async with running(transport) as (simulator, heard):
        text = "@marek and @nobody in #general"
        await simulator.run_command(MINA, GENERAL, "/ask", text)
        [answer] = simulator.ephemerals(MINA)
    assert (answer["text"], answer["user"]) == ("a plain answer", BOT)
    expected = f"<@U0MAREK000|marek> and @nobody in <#{GENERAL}|general>"
    assert heard[0]["text"] == expected


async def test_a_command_that_nobody_takes_is_lost_and_not_repeated(transport: str):
    async with running(transport) as (simulator, heard):
        result = await simulator.run_command(MINA, GENERAL, "/lost")
        assert simulator.ephemerals(MINA) == []
    assert not result.acked
    assert heard == []


async def test_an_envelope_of_a_command_accepts_an_answer():
    async with world(app=APP) as made:
        made.socket.answers["slash_commands"] = {"text": "x", "blocks": [{"type": "?"}]}
        result = await made.simulator.run_command(MINA, GENERAL, "/ask")
        [envelope] = made.socket.heard
        assert made.simulator.ephemerals(MINA) == []
    assert (envelope["type"], envelope["accepts_response_payload"]) == (
        "slash_commands",
        True,
    )
    assert result.refusal == "invalid_blocks"


async def test_only_known_commands_run_in_the_persons_own_channels():
    async with world(app=APP, connected=False) as made:
        simulator = made.simulator
        assert simulator.commands[0].command == "/approvals"
        for user, channel, command, why in (
            (MINA, GENERAL, "/other", "valid command"),
            ("U0NOBODY00", GENERAL, "/ask", "no person"),
            (OLAF, simulator.dm(MINA), "/ask", "is not in"),
        ):
            with pytest.raises(LookupError, match=why):
                await simulator.run_command(user, channel, command)


async def test_without_the_scope_there_is_no_command():
    app = AppConfig(commands=COMMANDS, scopes=frozenset({"chat:write"}))
    async with world(app=app, connected=False) as made:
        with pytest.raises(LookupError, match="valid command"):
            await made.simulator.run_command(MINA, GENERAL, "/ask")
