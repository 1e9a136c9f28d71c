"""A small bot on Slack's own Bolt, connected to a simulator over either transport."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.simulator import Simulator, Times, demo_workspace
from tests.support.bot_process import free_port
from tests.support.simulated import APP_TOKEN, BOT_TOKEN, actions, button

SECRET = "a-signing-secret"
QUICK = Times(ack=1.0, retries=(0.05, 0.05, 0.05))
MENTION = "<@U0APPROVER> hello"
#: Registers the bot's listeners, which note the bodies that they hear.
Listen = Callable[[AsyncApp, list[Any]], None]


def answer_mentions(app: AsyncApp, heard: list[Any]) -> None:
    """Answer a mention with a card, and close the card at a click."""
    card = [actions(button(action_id="approve", value=value)) for value in ("r1", "r2")]

    @app.event("app_mention")
    async def mentioned(event: Any, body: Any):
        heard.append(body)
        await app.client.chat_postMessage(
            channel=event["channel"], thread_ts=event["ts"], text="card", blocks=card
        )

    @app.event("message")
    async def messaged(body: Any):
        heard.append(body)

    @app.action("approve")
    async def clicked(ack: Any, body: Any):
        heard.append(body)
        await ack()
        await app.client.chat_update(
            channel=body["channel"]["id"], ts=body["message"]["ts"], text="done"
        )


def bolt(simulator: Simulator, listen: Listen, heard: list[Any]) -> AsyncApp:
    """The bot of this simulator, not yet connected."""
    client = AsyncWebClient(BOT_TOKEN, base_url=simulator.api_url)
    app = AsyncApp(
        name="a small bot",  # else Bolt walks the whole stack to find one
        client=client,
        signing_secret=SECRET,
        process_before_response=True,
    )
    listen(app, heard)
    return app


@asynccontextmanager
async def running(
    transport: str, listen: Listen = answer_mentions, **options: Any
) -> AsyncIterator[Any]:
    """A simulator and a bot that is connected to it, and what the bot heard."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/slack/events" if transport == "http" else None
    simulator = Simulator(
        demo_workspace(),
        bot_token=BOT_TOKEN,
        app_token=APP_TOKEN,
        signing_secret=SECRET,
        event_url=url,
        **options,
    )
    await simulator.start()
    heard: list[Any] = []
    app = bolt(simulator, listen, heard)
    if url:
        runner = web.AppRunner(app.server(port, "/slack/events").web_app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        close = runner.cleanup
    else:
        handler = AsyncSocketModeHandler(app, APP_TOKEN)
        await handler.connect_async()
        close = handler.close_async
    try:
        yield simulator, heard
    finally:
        await close()
        await simulator.stop()
