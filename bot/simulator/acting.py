"""Act as the people of the workspace: write, click, submit."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from bot.simulator.app_config import AppConfig, SlashCommand
from bot.simulator.events import Events
from bot.simulator.interactions import ClickResult, Interactions, Submissions
from bot.simulator.message import Message, new_id, rich_text
from bot.simulator.payloads import app_home_opened, session_stopped
from bot.simulator.shapes import Json, copied
from bot.simulator.slash_commands import Commands
from bot.simulator.views import Views
from bot.simulator.workspace import StoredFile, Workspace

_NOTHING: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True)
class Parts:
    """The parts that people's doings go through."""

    app: AppConfig
    views: Views
    events: Events
    interactions: Interactions
    submissions: Submissions
    commands: Commands
    base: Callable[[], str]  # where the simulator's addresses begin


class Acting:
    """People: they post, click, fill in forms, run commands, open the App Home."""

    def __init__(self, workspace: Workspace, parts: Parts) -> None:
        """Take the workspace and the parts in."""
        self.workspace, self._parts = workspace, parts

    async def post_message(
        self,
        user_id: str,
        channel_id: str,
        text: str,
        thread_ts: str | None = None,
        *,
        table: Sequence[Sequence[str]] = (),
        forwards: tuple[str, str] | None = None,
        files: Sequence[str] = (),
    ) -> str:
        """Post as a person and return the ts; the bot gets its events meanwhile.

        `text` is in Slack's form: `<@U…>` for a mention, `&lt;` for `<`. Raises
        LookupError if the person is not in the channel or it is archived.

        Args:
            table: rows that are pasted below the text.
            forwards: channel and ts of a message that is forwarded.
            files: ids of files that are shared.
        """
        data = person_message(self.workspace, user_id, channel_id, text)
        if table:
            data["blocks"].append(table_block(table))
        if forwards:
            data["attachments"] = [forwarded(self.workspace, *forwards)]
        if files:
            data["files"] = [self.shared_file(each) for each in files]
        if thread_ts:
            data["thread_ts"] = thread_ts
        return self.workspace.add_message(channel_id, data).ts

    async def edit_message(
        self, user_id: str, channel_id: str, ts: str, text: str
    ) -> None:
        """Let a person write a message of theirs anew."""
        message = self._own(user_id, channel_id, ts)
        edited = {"user": user_id, "ts": self.workspace.next_ts()}
        new = {**message.data, "text": text, "blocks": rich_text(text)}
        self.workspace.edit_message(message, new | {"edited": edited})

    async def delete_message(self, user_id: str, channel_id: str, ts: str) -> None:
        """Let a person delete a message of theirs."""
        self.workspace.remove_message(self._own(user_id, channel_id, ts))

    def _own(self, user_id: str, channel_id: str, ts: str) -> Message:
        message = self.workspace.message(channel_id, ts)
        if message is None or message.data.get("user") != user_id:
            raise LookupError(f"{user_id} has no message {ts} in {channel_id}")
        return message

    async def stop_agent(self, user_id: str, channel_id: str, thread_ts: str) -> bool:
        """Use Slack's own stop button in a thread; whether the bot heard of it."""
        if user_id not in self.workspace.channels[channel_id].members:
            raise LookupError(f"{user_id} is not in {channel_id}")
        ts = self.workspace.next_ts()
        event = session_stopped(user_id, channel_id, thread_ts, ts)
        heard = self._parts.app.hears(str(event["type"]))
        return heard and await self._parts.events.send(event)

    async def click(
        self,
        user_id: str,
        channel_id: str,
        message_ts: str,
        action_id: str,
        value: object = None,
        *,
        block_id: str | None = None,
        action_ts: str | None = None,
        stale: bool = True,
        values: Mapping[str, object] = _NOTHING,
    ) -> ClickResult:
        """Click a button or choose an option; see `Interactions.click_payload`."""
        payload = self.click_payload(
            user_id,
            channel_id,
            message_ts,
            action_id,
            value,
            block_id=block_id,
            action_ts=action_ts,
            stale=stale,
            values=values,
        )
        return await self._parts.interactions.send(payload)

    @property
    def click_payload(self) -> Callable[..., Json]:
        """Build the payload of a click without sending it, for tests that forge."""
        return self._parts.interactions.click_payload

    async def click_view(
        self,
        user_id: str,
        view_id: str,
        action_id: str,
        value: object = None,
        *,
        block_id: str | None = None,
        values: Mapping[str, object] = _NOTHING,
    ) -> ClickResult:
        """Click in a modal or the App Home; see `Interactions.click_view`."""
        click_view = self._parts.interactions.click_view
        return await click_view(
            user_id, view_id, action_id, value, block_id=block_id, values=values
        )

    async def options(
        self,
        user_id: str,
        action_id: str,
        text: str,
        *,
        view_id: str | None = None,
        channel_id: str = "",
        message_ts: str = "",
        block_id: str | None = None,
    ) -> Json:
        """Load a menu's options for what was typed; see `Interactions.options`."""
        return await self._parts.interactions.options(
            user_id,
            action_id,
            text,
            view_id=view_id,
            channel_id=channel_id,
            message_ts=message_ts,
            block_id=block_id,
        )

    async def submit_view(
        self, user_id: str, view_id: str, values: Mapping[str, object]
    ) -> ClickResult:
        """Submit a modal with values by block_id or action_id."""
        return await self._parts.submissions.submit_view(user_id, view_id, values)

    async def close_view(
        self, user_id: str, view_id: str, *, clear: bool = False
    ) -> ClickResult | None:
        """Close a modal, or with `clear` all of the person's."""
        submissions = self._parts.submissions
        return await submissions.close_view(user_id, view_id, clear=clear)

    async def run_command(
        self, user_id: str, channel_id: str, command: str, text: str = ""
    ) -> ClickResult:
        """Run a slash command; see `Commands.run`."""
        return await self._parts.commands.run(user_id, channel_id, command, text)

    @property
    def commands(self) -> list[SlashCommand]:
        """The slash commands that the app has."""
        return list(self._parts.app.commands)

    @property
    def home_enabled(self) -> bool:
        """Return whether the app has a Home tab."""
        return self._parts.app.home_tab

    def hears(self, event: str) -> bool:
        """Return whether the app is sent events of this kind."""
        return self._parts.app.hears(event)

    async def open_home(
        self, user_id: str, tab: Literal["home", "messages"] = "home"
    ) -> Json | None:
        """Open the app's tab as a person, and return their App Home as it is then.

        The bot may publish another a moment later, which is a change `home`.
        """
        dm = self.workspace.open_dm(self._parts.interactions.user(user_id).id)
        ts, home = self.workspace.next_ts(), self.home(user_id)
        if self._parts.app.hears("app_home_opened"):
            event = app_home_opened(user_id, dm.id, tab, ts, home)
            await self._parts.events.send(event)
        return self.home(user_id)

    def home(self, user_id: str) -> Json | None:
        """Return a copy of a person's App Home, or None if nothing was published."""
        home = self._parts.views.home(user_id)
        return copied(home) if home else None

    def open_views(self, user_id: str) -> list[Json]:
        """Return copies of a person's open modals, the one on top last."""
        return [copied(view) for view in self._parts.views.stack(user_id)]

    async def join_channel(self, user_id: str, channel_id: str) -> None:
        """Let a person, or the bot, into a channel; raises KeyError if none."""
        self.workspace.join(channel_id, user_id)

    async def leave_channel(self, user_id: str, channel_id: str) -> None:
        """Take a person, or the bot, out of a channel; raises KeyError if none."""
        self.workspace.leave(channel_id, user_id)

    def upload_file(self, user_id: str, name: str, content: bytes) -> str:
        """Take in a person's file, and return its id for a file_input."""
        return self.workspace.add_file(user_id, name, content=content).id

    def shared_file(self, file_id: str) -> Json:
        """Share a file, and return its object; raises KeyError if there is none."""
        file = self.workspace.files[file_id]
        file.shared = True
        return file.as_slack(self._parts.base(), self.workspace.team_id)

    def file(self, file_id: str) -> StoredFile | None:
        """Return a file, or None if there is none or its content has not come."""
        file = self.workspace.files.get(file_id)
        return file if file is not None and file.content is not None else None


def table_block(rows: Sequence[Sequence[str]]) -> Json:
    """Return the block of a table that somebody has pasted."""
    cells = [[{"type": "raw_text", "text": text} for text in row] for row in rows]
    return {"type": "table", "block_id": new_id(), "rows": cells}


def forwarded(workspace: Workspace, channel_id: str, ts: str) -> Json:
    """Return the attachment in which Slack puts a message that is forwarded."""
    message = workspace.message(channel_id, ts)
    if message is None:
        raise LookupError(f"there is no message {ts} in {channel_id}")
    data, author = message.data, str(message.data.get("user", ""))
    name = workspace.users[author].shown_name if author in workspace.users else ""
    link = f"/archives/{channel_id}/p{ts.replace('.', '')}"
    within = {"team": workspace.team_id, "channel": channel_id, "ts": ts}
    found: Json = {
        "id": 1,
        "ts": ts,
        "author_id": author,
        "author_name": name,
        "author_subname": name,
        "channel_id": channel_id,
        "channel_team": workspace.team_id,
        "is_msg_unfurl": True,
        "is_share": True,
        "from_url": f"https://{workspace.team_domain}.slack.com{link}",
        "fallback": f"[{ts}] {name}: {data.get('text', '')}",
        "text": data.get("text", ""),
        "mrkdwn_in": ["text"],
        "message_blocks": [{**within, "message": {"blocks": data.get("blocks", [])}}],
    }
    return found | {name: data[name] for name in ("files",) if name in data}


def person_message(
    workspace: Workspace, user_id: str, channel_id: str, text: str
) -> Json:
    """Return a person's message; raises LookupError if they are not in the channel."""
    user = workspace.users.get(user_id)
    channel = workspace.channels.get(channel_id)
    if user is None:
        raise LookupError(f"there is no person {user_id}")
    if channel is None:
        raise LookupError(f"there is no channel {channel_id}")
    if user_id not in channel.members:
        raise LookupError(f"{user_id} is not in {channel_id} and cannot post there")
    if channel.is_archived:
        raise LookupError(f"{channel_id} is archived and nobody can post there")
    message: Json = {
        "type": "message",
        "user": user_id,
        "client_msg_id": str(uuid.uuid4()),
        "text": text,
        "team": user.team_id,
        "blocks": rich_text(text) if text else [],
    }
    if user.team_id != workspace.team_id or channel.is_ext_shared:
        message |= {"user_team": user.team_id, "source_team": user.team_id}
    if user.is_bot:
        message |= {"bot_id": user.bot_id or "B0OTHER000", "subtype": "bot_message"}
    return message
