"""Turns changes of the workspace into events for the bot, and redelivers them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Iterable

from bot.simulator.app_config import AppConfig
from bot.simulator.app_delivery import Delivery
from bot.simulator.changes import Change
from bot.simulator.message import Message, mentions
from bot.simulator.payloads import (
    app_mention_event,
    change_event,
    event_callback,
    message_event,
    new_event_id,
)
from bot.simulator.people import Channel
from bot.simulator.shapes import Json, copied
from bot.simulator.workspace import Workspace

_LOG = logging.getLogger(__name__)
_KEPT_EVENTS = 1000
_MOST_WAITING = 1000  # deliveries under way; what comes on top is lost and logged
_SUBSCRIPTION = {
    "im": "message.im",
    "mpim": "message.mpim",
    "channel": "message.channels",
    "group": "message.groups",
}
_OPEN_TO_ALL = ("channel_archive", "channel_unarchive")  # the bot need not be in it


class Events:
    """The Events API of one app: its subscriptions and what it was sent."""

    def __init__(
        self, workspace: Workspace, delivery: Delivery, app: AppConfig
    ) -> None:
        """Follow the workspace from now on."""
        self._workspace, self._delivery = workspace, delivery
        self._app = app
        self._under_way: set[asyncio.Task[bool]] = set()
        self.sent: dict[str, Json] = {}
        workspace.changes.listen(self._changed)

    def _changed(self, change: Change) -> None:
        if change.event is not None:
            self._told(change, change.event)
            return
        channel = self._workspace.channels.get(change.channel)
        if channel is None or self._workspace.bot_user_id not in channel.members:
            return
        for event in self._events(change, channel):
            self._start(self.send(event))

    def _told(self, change: Change, event: Json) -> None:
        """Send the event of a change that is no message, if the bot may know of it."""
        channel = self._workspace.channels.get(change.channel)
        bot_user_id, kind = self._workspace.bot_user_id, str(event["type"])
        involved = (
            channel is None
            or bot_user_id in (*channel.members, change.user)
            or (kind in _OPEN_TO_ALL and not channel.is_private)
        )
        if involved and self._app.hears(kind):
            self._start(self.send(event))

    def _events(self, change: Change, channel: Channel) -> Iterable[Json]:
        wanted = self._app.hears(_SUBSCRIPTION[channel.channel_type])
        if change.kind == "posted" and change.message is not None:
            message = Message(channel.id, change.message)
            if wanted:
                yield message_event(message, channel)
            if self._is_mention(message, channel):
                yield app_mention_event(message)
        elif wanted and change.kind in ("edited", "deleted"):
            kept = change.message if change.kind == "edited" else None
            kind = "changed" if kept else "deleted"
            ts = self._workspace.next_ts()
            yield change_event(kind, channel, ts, kept, change.previous or {})

    def _is_mention(self, message: Message, channel: Channel) -> bool:
        """Slack sends no app_mention in direct messages, nor for the bot's own."""
        if channel.is_im or message.data.get("bot_id") == self._workspace.bot_id:
            return False
        bot_user_id = self._workspace.bot_user_id
        text = str(message.data.get("text", ""))
        return self._app.hears("app_mention") and mentions(text, bot_user_id)

    async def send(
        self, event: Json, event_id: str | None = None, **overrides: object
    ) -> bool:
        """Send an event with Slack's wrapping; returns whether the bot took it.

        `overrides` replace fields of the wrapping, to forge a team or an app.
        """
        event_id = event_id or new_event_id()
        payload = event_callback(self._workspace, copied(event), event_id) | overrides
        self.sent[event_id] = payload
        if len(self.sent) > _KEPT_EVENTS:
            del self.sent[next(iter(self.sent))]
        return await self._delivery.event(payload)

    async def redeliver(self, event_id: str) -> bool:
        """Send an event once more as its first retry, with the same event_id."""
        if event_id not in self.sent:
            raise LookupError(f"no event {event_id} was sent")
        return await self._delivery.event(self.sent[event_id], retry=1)

    def _start(self, delivery: Coroutine[None, None, bool]) -> None:
        if len(self._under_way) >= _MOST_WAITING:
            delivery.close()
            _LOG.warning("An event was dropped: the bot takes none since long.")
            return
        task = asyncio.get_running_loop().create_task(delivery)
        self._under_way.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[bool]) -> None:
        self._under_way.discard(task)
        if not task.cancelled() and not task.result():
            _LOG.warning("The bot did not take an event, not even at the last retry.")

    async def settled(self) -> None:
        """Wait until no delivery is under way."""
        while self._under_way:
            await asyncio.wait(tuple(self._under_way))

    async def close(self) -> None:
        """Give up the deliveries under way."""
        for task in tuple(self._under_way):
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
