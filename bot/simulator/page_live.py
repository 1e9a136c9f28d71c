"""The state that the page shows, and its changes as they happen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import WSCloseCode, web

from bot.simulator.changes import Change
from bot.simulator.message import Message, in_slack
from bot.simulator.shapes import Json, objects
from bot.simulator.workspace import Workspace

_COALESCE = 0.03  # seconds; a burst of changes is sent once


@dataclass(eq=False)
class _Viewer:
    stream: web.WebSocketResponse
    user_id: str
    channels: set[str] = field(default_factory=set[str])
    views: bool = True
    home: bool = True
    is_new: bool = True
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, change: Change) -> None:
        if change.kind == "call":
            return
        if change.kind == "view":
            self.views = self.views or change.user == self.user_id
        elif change.kind == "home":
            self.home = self.home or change.user == self.user_id
        elif change.kind != "ephemeral" or change.user == self.user_id:
            self.channels.add(change.channel)
        self.news.set()


class Live:
    """The open pages, each acting as one person."""

    def __init__(
        self,
        workspace: Workspace,
        open_views: Callable[[str], list[Json]],
        home: Callable[[str], Json | None],
    ) -> None:
        """Follow the workspace; the others give a person's modals and App Home."""
        self._workspace, self._open_views, self._home = workspace, open_views, home
        self._viewers: set[_Viewer] = set()
        workspace.changes.listen(self._changed)

    def _changed(self, change: Change) -> None:
        for viewer in self._viewers:
            viewer.note(change)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Keep one page up to date until it goes."""
        user_id = request.query.get("user", "")
        if user_id not in self._workspace.users:
            return web.Response(status=404, text="There is no such person.\n")
        stream = web.WebSocketResponse(heartbeat=20)
        await stream.prepare(request)
        viewer = _Viewer(stream, user_id)
        viewer.channels = {each["id"] for each in self._channels(user_id)}
        viewer.news.set()
        self._viewers.add(viewer)
        sending = asyncio.create_task(self._send_all(viewer))
        try:
            async for _ in stream:
                continue  # the page only listens; this notices that it went
        finally:
            self._viewers.discard(viewer)
            sending.cancel()
        return stream

    def _channels(self, user_id: str) -> list[Json]:
        return channels(self._workspace, user_id)

    async def _send_all(self, viewer: _Viewer) -> None:
        while True:
            await viewer.news.wait()
            await asyncio.sleep(_COALESCE)
            viewer.news.clear()
            try:
                await self._send(viewer)
            except ConnectionError:
                return

    async def _send(self, viewer: _Viewer) -> None:
        for patch in self._news(viewer):
            await viewer.stream.send_json(patch)

    def _news(self, viewer: _Viewer) -> list[Json]:
        """Return what the viewer has not seen yet; `ready` ends the first of it."""
        user_id = viewer.user_id
        channels = self._channels(user_id)
        patches: list[Json] = [{"type": "channels", "channels": channels}]
        changed, viewer.channels = viewer.channels, set()
        for channel_id in [each["id"] for each in channels if each["id"] in changed]:
            patches.append(messages(self._workspace, channel_id, user_id))
        if viewer.views:
            patches.append({"type": "views", "views": self._open_views(user_id)})
        if viewer.home:
            patches.append({"type": "home", "view": self._home(user_id)})
        if viewer.is_new:
            patches.append({"type": "ready"})
        viewer.views = viewer.home = viewer.is_new = False
        return patches

    async def close(self) -> None:
        """Close all connections."""
        for viewer in tuple(self._viewers):
            await viewer.stream.close(code=WSCloseCode.GOING_AWAY)


WORKS = "is working…"  # where a session is, and no status says more
_SHOWN = 400  # messages of a channel; older ones stay in the workspace


def start(workspace: Workspace) -> Json:
    """Return what does not change: the team, the bot, and who one may act as."""
    users = workspace.users.values()
    return {
        "team": workspace.team_name,
        "bot": workspace.bot_user_id,
        "names": {user.id: user.shown_name for user in users},
        "groups": {each.id: each.handle for each in workspace.usergroups.values()},
        "people": [
            {
                "id": user.id,
                "name": user.shown_name,
                "handle": user.name,
                "role": user.role,
            }
            for user in users
            if not user.is_bot and not user.deleted
        ],
    }


def channels(workspace: Workspace, user_id: str) -> list[Json]:
    """Return the conversations that a person is in."""
    return [
        {
            "id": channel.id,
            "name": channel.name,
            "is_im": channel.is_im,
            "is_private": channel.is_private,
            "is_archived": channel.is_archived,
            "members": list(channel.members),
        }
        for channel in workspace.channels.values()
        if user_id in channel.members
    ]


def messages(workspace: Workspace, channel_id: str, user_id: str) -> Json:
    """Return a channel as one person sees it: also what only they see."""
    private = [
        each
        for each in workspace.ephemerals
        if each.channel == channel_id and each.data["to"] == user_id
    ]
    public = workspace.messages(channel_id)[-_SHOWN:]
    listed = sorted([*public, *private], key=lambda message: message.ts)
    working = {key: WORKS for key, s in workspace.sessions.items() if s == "processing"}
    said = {key: status for key, status in workspace.statuses.items() if status}
    statuses = {
        thread_ts: status
        for (channel, thread_ts), status in {**working, **said}.items()
        if channel == channel_id
    }
    return {
        "type": "channel",
        "channel": channel_id,
        "messages": [_shown(each) for each in listed],
        "statuses": statuses,
        "titles": {
            thread_ts: title
            for (channel, thread_ts), title in workspace.titles.items()
            if channel == channel_id
        },
        "prompts": workspace.prompts.get((channel_id, ""), []),
    }


def _shown(message: Message) -> Json:
    data = in_slack(message, metadata=False)
    data["is_private"] = data.pop("to", None) is not None
    data["is_card"] = _is_card(data)
    return data


def _is_card(data: Json) -> bool:
    """Tell whether the bot asks, or asked, for something with this message."""
    blocks = objects(data.get("blocks"))
    public = not data["is_private"]
    acts = any(each.get("type") in ("header", "actions") for each in blocks)
    # a closed card has a menu alone, beside its first lines
    has_menu = any("accessory" in each for each in blocks)
    return public and bool(data.get("bot_id")) and (acts or has_menu)
