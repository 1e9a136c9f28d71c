"""A small Bolt app on a simulator in the same process: every block, input and view."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.simulator import AppConfig, Simulator, SlashCommand, Times, demo_workspace
from tests.support import slack_samples as samples

BOT_TOKEN, APP_TOKEN = "xoxb-page", "xapp-page"
CONFIG = AppConfig(
    subscriptions=frozenset({"app_mention", "message.im", "app_home_opened"}),
    commands=(SlashCommand("/demo", "Answers privately", "[words]"),),
    home_tab=True,
)


class SlackApp:
    """The app and what it was told."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        client = AsyncWebClient(BOT_TOKEN, base_url=simulator.api_url)
        self.client = client
        self.bolt = AsyncApp(name="a small app", token=BOT_TOKEN, client=client)
        self.actions: list[dict[str, Any]] = []
        self.submitted: dict[str, Any] = {}
        self.closed: list[str] = []
        self.visits = 0
        self._listen()

    def _listen(self) -> None:
        bolt = self.bolt
        bolt.event("app_mention")(self._answer)
        bolt.event("message")(self._ignore)
        bolt.event("app_home_opened")(self._show_home)
        bolt.command("/demo")(self._demo)
        bolt.action("open_form")(self._open_form)
        bolt.action("push")(self._push)
        bolt.action("refresh")(self._refresh)
        bolt.action("silent")(self._stay_silent)
        bolt.action("whisper")(self._whisper)
        bolt.action({"block_id": "noted"})(self._note)
        bolt.view("form")(self._take_form)
        bolt.view("second")(self._take_second)
        bolt.view({"type": "view_closed", "callback_id": "form"})(self._note_closed)

    async def _answer(self, event: dict[str, Any], say: Any) -> None:
        await say(text=f"You said: {event['text']}", thread_ts=event["ts"])

    async def _ignore(self) -> None:
        """Messages need no answer here."""

    async def _show_home(self, event: dict[str, Any]) -> None:
        if event["tab"] == "home":
            self.visits += 1
            await self.publish(event["user"], f"Visit {self.visits}")

    async def forget(self) -> None:
        """Delete what it has posted, and close what a visitor has left open."""
        workspace = self.simulator.workspace
        for user in workspace.users:
            if views := self.simulator.open_views(user):
                await self.simulator.close_view(user, views[-1]["id"], clear=True)
        for channel in workspace.channels:
            for message in workspace.messages(channel):
                if message.data.get("bot_id"):
                    await self.client.chat_delete(channel=channel, ts=message.ts)

    async def publish(self, user: str, words: str) -> None:
        view = samples.home(words)
        await self.client.views_publish(user_id=user, view=view)

    async def _demo(self, ack: Any, command: dict[str, Any]) -> None:
        await ack(f"Only for you: {command['text']}")

    async def _open_form(self, ack: Any, body: dict[str, Any]) -> None:
        await ack()
        await self.client.views_open(trigger_id=body["trigger_id"], view=samples.FORM)

    async def _push(self, ack: Any, body: dict[str, Any]) -> None:
        await ack()
        await self.client.views_push(trigger_id=body["trigger_id"], view=samples.SECOND)

    async def _refresh(self, ack: Any, body: dict[str, Any]) -> None:
        await ack()
        await self.publish(body["user"]["id"], "Refreshed")

    async def _stay_silent(self) -> None:
        """No ack: the visitor has to be told."""

    async def _whisper(self, ack: Any, body: dict[str, Any]) -> None:
        await ack()
        await self.client.chat_postEphemeral(
            channel=body["channel"]["id"],
            user=body["user"]["id"],
            text=f"A secret for <@{body['user']['id']}>",
        )

    async def _note(self, ack: Any, action: dict[str, Any]) -> None:
        await ack()
        self.actions.append(action)

    async def _take_form(self, ack: Any, view: dict[str, Any]) -> None:
        values = view["state"]["values"]
        if values["title"]["value"]["value"] == "taken":
            await ack(response_action="errors", errors={"title": "This is taken."})
            return
        self.submitted = values
        await ack()

    async def _take_second(self, ack: Any) -> None:
        await ack()

    async def _note_closed(self, ack: Any, view: dict[str, Any]) -> None:
        await ack()
        self.closed.append(view["callback_id"])

    async def post(self, channel: str, **message: Any) -> str:
        """Post a message and return its ts."""
        answer = await self.client.chat_postMessage(channel=channel, **message)
        return answer["ts"]


@asynccontextmanager
async def slack_app(port: int = 0, **options: Any) -> AsyncIterator[SlackApp]:
    """The app, connected to a simulator of its own."""
    simulator = Simulator(
        demo_workspace(),
        bot_token=BOT_TOKEN,
        app_token=APP_TOKEN,
        app=CONFIG,
        times=Times(ack=3.0),
        **options,
    )
    await simulator.start(port=port)
    app = SlackApp(simulator)
    handler = AsyncSocketModeHandler(app.bolt, APP_TOKEN, web_client=app.client)
    await handler.connect_async()
    try:
        await simulator.wait_for(lambda: simulator.sockets == 1)
        yield app
    finally:
        await handler.close_async()
        await simulator.stop()
