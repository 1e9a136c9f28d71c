"""Slash commands, heard by a real Bolt app over both transports."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp

from bot.simulator import AppConfig, SlashCommand
from tests.support.bolt_bot import QUICK, running
from tests.support.demo import BOT, GENERAL, MINA, OLAF
from tests.support.simulated import modal, world

COMMANDS = (
    SlashCommand("/approvals", "My queue"),
    SlashCommand("/ask", should_escape=True),
    SlashCommand("/lost"),
)
APP = AppConfig(commands=COMMANDS)


def take_commands(app: AsyncApp, heard: list[Any]) -> None:
    @app.command("/approvals")
    async def approvals(ack: Any, body: Any, respond: Any):
        heard.append(body)
        await ack({"text": "Your queue", "response_type": "ephemeral"})
        await app.client.views_open(trigger_id=body["trigger_id"], view=modal())
        await respond("later", response_type="in_channel")

    @app.command("/ask")
    async def ask(ack: Any, body: Any):
        heard.append(body)
        await ack("a plain answer")


taking = partial(running, listen=take_commands, app=APP)


async def test_a_command_is_answered_opens_a_modal_and_responds_later(transport: str):
    async with taking(transport) as (simulator, heard):
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
    async with taking(transport) as (simulator, heard):
        text = "@marek and @nobody in #general"
        await simulator.run_command(MINA, GENERAL, "/ask", text)
        [answer] = simulator.ephemerals(MINA)
    assert (answer["text"], answer["user"]) == ("a plain answer", BOT)
    expected = f"<@U0MAREK000|marek> and @nobody in <#{GENERAL}|general>"
    assert heard[0]["text"] == expected


async def test_a_command_that_nobody_takes_is_lost_and_not_repeated(transport: str):
    async with taking(transport, times=QUICK) as (simulator, heard):
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
