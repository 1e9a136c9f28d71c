"""Slash commands: what is sent to the bot, and its answer shown to the person."""

from __future__ import annotations

import re
import time

from bot.simulator.app_config import AppConfig, SlashCommand
from bot.simulator.app_delivery import Ack, Delivery, ResponseUrl, ResponseUrls
from bot.simulator.interactions import ClickResult
from bot.simulator.payloads import slash_command
from bot.simulator.people import Channel, User
from bot.simulator.shapes import SlackError
from bot.simulator.views import Views
from bot.simulator.web_api.chat import respond
from bot.simulator.web_api.methods import Arguments
from bot.simulator.workspace import Workspace

_NAME = re.compile(r"(?P<sign>[@#])(?P<name>[a-z0-9][a-z0-9._-]*)")


class Commands:
    """The app's slash commands."""

    def __init__(
        self,
        workspace: Workspace,
        views: Views,
        delivery: Delivery,
        response_urls: ResponseUrls,
        app: AppConfig,
    ) -> None:
        """Take the parts in."""
        self._workspace, self._views, self._delivery = workspace, views, delivery
        self._response_urls, self._app = response_urls, app

    async def run(
        self, user_id: str, channel_id: str, command: str, text: str = ""
    ) -> ClickResult:
        """Run a command as a person, and show them what the bot answers.

        Raises LookupError with a sentence for a command that the app does not have,
        or a channel that the person is not in.
        """
        user, channel = self._place(user_id, channel_id)
        declared = self._app.command(command)
        if declared is None or not self._app.grants("commands"):
            raise LookupError(f"{command} is not a valid command")
        payload = slash_command(
            self._workspace,
            user,
            channel,
            command=command,
            text=self._escaped(declared, text),
            trigger_id=self._views.issue_trigger(user_id),
            response_url=self._response_urls.issue(user_id, channel_id),
        )
        started = time.monotonic()
        ack = await self._delivery.command(payload)
        seconds = time.monotonic() - started
        refusal = self._show(user_id, channel_id, ack)
        return ClickResult(
            ack.acked, ack.status, ack.body, payload, seconds, refusal=refusal
        )

    def _place(self, user_id: str, channel_id: str) -> tuple[User, Channel]:
        user = self._workspace.users.get(user_id)
        channel = self._workspace.channels.get(channel_id)
        if user is None:
            raise LookupError(f"there is no person {user_id}")
        if channel is None or user_id not in channel.members:
            raise LookupError(f"{user_id} is not in {channel_id}")
        return user, channel

    def _escaped(self, command: SlashCommand, text: str) -> str:
        """Write people and channels as mentions, if the command wants that."""
        if not command.should_escape:
            return text
        users = {user.name: user.id for user in self._workspace.users.values()}
        channels = {each.name: each.id for each in self._workspace.channels.values()}

        def mention(found: re.Match[str]) -> str:
            known = users if found["sign"] == "@" else channels
            known_id = known.get(found["name"])
            return (
                f"<{found['sign']}{known_id}|{found['name']}>" if known_id else found[0]
            )

        return _NAME.sub(mention, text)

    def _show(self, user_id: str, channel_id: str, ack: Ack) -> str:
        """Show the answer in the ack; returns what Slack holds against it."""
        if not ack.acked or not ack.body:
            return ""
        url = ResponseUrl(user_id, channel_id, "", expires=0.0)
        try:
            respond(self._workspace, url, Arguments(ack.body))
        except SlackError as error:
            return error.error
        return ""
