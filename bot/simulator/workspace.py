"""The workspace: everything that Slack would store."""

from __future__ import annotations

import base64
import mimetypes
import re
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from bot.simulator.changes import Change, Changes, Kind
from bot.simulator.message import Message
from bot.simulator.people import Channel, ProfileField, User, UserGroup
from bot.simulator.shapes import Json, copied
from bot.simulator.sign_ins import SignIns

_KEPT_EPHEMERALS = 1000
_ByThread = dict[tuple[str, str], str]  # by channel and thread


class Workspace:
    """State and its changes; refuses nothing, since the Web API does that.

    `clock` returns seconds since the epoch.
    """

    def __init__(
        self,
        users: Iterable[User] = (),
        channels: Iterable[Channel] = (),
        *,
        team_id: str = "T0SIMULATE",
        team_name: str = "Simulated workspace",
        team_domain: str = "simulated",
        enterprise_id: str | None = None,
        app_id: str = "A0SIMULATE",
        bot_user_id: str = "U0APPROVER",
        bot_id: str = "B0APPROVER",
        bot_name: str = "Approval Bot",
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take people and channels in; the bot's own user is added."""
        self.team_id, self.team_name, self.team_domain = team_id, team_name, team_domain
        self.enterprise_id = enterprise_id
        self.app_id, self.bot_user_id, self.bot_id = app_id, bot_user_id, bot_id
        self.clock, self.changes = clock, Changes()
        self.users: dict[str, User] = {}
        self.channels: dict[str, Channel] = {}
        self.usergroups: dict[str, UserGroup] = {}
        self.profile_fields: list[ProfileField] = []
        self.files: dict[str, StoredFile] = {}
        self.has_paid_plan, self._last_ts = True, 0  # unpaid: no user groups
        self.ephemerals: list[Message] = []
        self.sign_ins = SignIns()
        self.statuses, self.titles = _ByThread(), _ByThread()
        self.sessions = _ByThread()  # an agent's
        self.streams: dict[tuple[str, str], Any] = {}  # still written, by message
        self.prompts: dict[tuple[str, str], list[Json]] = {}  # by channel and thread
        self._messages: dict[str, dict[str, Message]] = {}
        handle = bot_name.lower().replace(" ", "_")
        us = User(bot_user_id, handle, bot_name, "bot", is_bot=True, bot_id=bot_id)
        self._take_in((us, *users), channels)

    def _take_in(self, users: Iterable[User], channels: Iterable[Channel]) -> None:
        for user in users:
            self.add_user(user)
        for channel in channels:
            self.add_channel(channel)

    @property
    def bot(self) -> User:
        """The bot's own user."""
        return self.users[self.bot_user_id]

    def add_user(self, user: User) -> User:
        """Take a person in; without a team they are of this one."""
        user.team_id = user.team_id or self.team_id
        if user.team_id == self.team_id:
            user.teams = user.teams or (self.team_id,)
        self.users[user.id] = user
        return user

    def team_of(self, user: User) -> str:
        """Return the team that interactions name: the organisation, where there is one.

        For somebody of another workspace it is that one.
        https://docs.slack.dev/reference/interaction-payloads/block_suggestion-payload
        """
        is_here = user.team_id == self.team_id
        return (self.enterprise_id if is_here else None) or user.team_id

    def add_channel(self, channel: Channel) -> Channel:
        """Take a channel in."""
        self.channels[channel.id] = channel
        self._messages.setdefault(channel.id, {})
        return channel

    def open_dm(self, user_id: str) -> Channel:
        """Return the direct message of a person and the bot, opened at need."""
        for channel in self.channels.values():
            if channel.is_im and channel.user == user_id:
                return channel
        members = [user_id, self.bot_user_id]
        dm = Channel(f"D{user_id[1:]}", members=members, is_im=True, user=user_id)
        return self.add_channel(dm)

    def open_group(self, user_ids: Iterable[str]) -> Channel:
        """Return the group message of these people and the bot, opened at need."""
        members = [*dict.fromkeys(user_ids), self.bot_user_id]
        for channel in self.channels.values():
            if channel.is_mpim and set(channel.members) == set(members):
                return channel
        names = "--".join(self.users[each].name for each in members)
        group = Channel(new_object_id("G"), f"mpdm-{names}-1", members)
        group.is_private = group.is_mpim = True
        return self.add_channel(group)

    def join(self, channel_id: str, user_id: str) -> None:
        """Take a person, or the bot, into a channel."""
        self._move(channel_id, user_id, "member_joined_channel")

    def leave(self, channel_id: str, user_id: str) -> None:
        """Take a person, or the bot, out of a channel."""
        self._move(channel_id, user_id, "member_left_channel")

    def _move(self, channel_id: str, user_id: str, kind: str) -> None:
        channel, is_coming = self.channels[channel_id], kind == "member_joined_channel"
        if (user_id in channel.members) == is_coming:
            return
        change = channel.members.append if is_coming else channel.members.remove
        change(user_id)
        event = channel.member_event(kind, user_id, self.team_id, self.next_ts())
        self.changes.publish(Change("channel", channel_id, user_id, event=event))

    def archive(self, channel_id: str, user_id: str, *, archived: bool = True) -> None:
        """Archive a channel, or bring it back."""
        self.channels[channel_id].is_archived = archived
        event: Json = {
            "type": "channel_archive" if archived else "channel_unarchive",
            "channel": channel_id,
            "user": user_id,
            "event_ts": self.next_ts(),
        }
        self.changes.publish(Change("channel", channel_id, user_id, event=event))

    def add_usergroup(self, group: UserGroup) -> UserGroup:
        """Take a user group in."""
        self.usergroups[group.id] = group
        return group

    def set_usergroup_users(self, group_id: str, user_ids: Iterable[str]) -> None:
        """Put other people into a user group; raises KeyError if there is none."""
        group = self.usergroups[group_id]
        event = group.replace_users(user_ids, self.team_id, self.next_ts())
        self.changes.publish(Change("usergroup", event=event))

    def add_file(
        self, user_id: str, name: str, title: str = "", content: bytes | None = None
    ) -> StoredFile:
        """Take a file in, to be shared or handed in later."""
        file = StoredFile(new_object_id("F"), name, user_id, int(self.clock()), title)
        file.content = content
        self.files[file.id] = file
        return file

    def next_ts(self) -> str:
        """Return the present moment as a ts that is later than every one before."""
        self._last_ts = max(round(self.clock() * 1_000_000), self._last_ts + 1)
        seconds, micros = divmod(self._last_ts, 1_000_000)
        return f"{seconds}.{micros:06}"

    def message(self, channel_id: str, ts: str) -> Message | None:
        """Return the message, or None."""
        return self._messages.get(channel_id, {}).get(ts)

    def messages(self, channel_id: str) -> list[Message]:
        """Return all messages of a channel, replies included, oldest first."""
        return list(self._messages.get(channel_id, {}).values())

    def thread(self, channel_id: str, thread_ts: str) -> list[Message]:
        """Return the message that starts the thread and its replies, oldest first."""
        everything = self.messages(channel_id)
        return [each for each in everything if each.thread_ts == thread_ts]

    def add_message(self, channel_id: str, data: Json) -> Message:
        """Store a message under a new ts; a thread that does not exist is left out.

        Slack does the same silently when the parent is gone (slack-go issue 1571).
        """
        ts = self.next_ts()
        parent = self.message(channel_id, str(data.get("thread_ts", "")))
        data = {**data, "ts": ts}
        data.pop("thread_ts", None)
        message = Message(channel_id, data)
        if parent is not None:
            self._join_thread(message, parent)
        self._messages[channel_id][ts] = message
        self.statuses.pop((channel_id, message.thread_ts), None)
        self._publish(message, "posted")
        return message

    def _join_thread(self, message: Message, parent: Message) -> None:
        root = self.message(message.channel, parent.thread_ts) or parent
        message.data["thread_ts"] = root.thread_ts
        message.data["parent_user_id"] = root.data.get("user", "")
        repliers = [*root.data.get("reply_users", []), message.data.get("user", "")]
        root.data |= {
            "thread_ts": root.ts,
            "reply_count": root.data.get("reply_count", 0) + 1,
            "reply_users": list(dict.fromkeys(repliers)),
            "reply_users_count": len(set(repliers)),
            "latest_reply": message.ts,
        }

    def edit_message(self, message: Message, data: Json) -> None:
        """Put new fields in place of the message's, keeping the version before."""
        message.remember()
        previous = copied(message.data)
        message.data = data
        self._publish(message, "edited", previous)

    def stream_on(self, message: Message, data: Json) -> None:
        """Show a message that is still written as it is now; no version is kept."""
        previous = copied(message.data)
        message.data = {**message.data, **data}
        self._publish(message, "edited", previous)

    def end_streams(self) -> None:
        """End what is still written, as Slack does with what takes too long."""
        self.streams.clear()

    def remove_message(self, message: Message) -> None:
        """Take a message out."""
        previous = copied(message.data)
        if message in self.ephemerals:
            self.ephemerals.remove(message)
            self._publish(message, "ephemeral")
            return
        del self._messages[message.channel][message.ts]
        self._publish(message, "deleted", previous)

    def add_ephemeral(self, user_id: str, channel_id: str, data: Json) -> Message:
        """Store a private message for one person."""
        message = Message(channel_id, {**data, "ts": self.next_ts(), "to": user_id})
        self.ephemerals.append(message)
        del self.ephemerals[:-_KEPT_EPHEMERALS]
        self._publish(message, "ephemeral")
        return message

    def ephemeral(self, user_id: str, channel_id: str, ts: str) -> Message | None:
        """Return a person's private message, or None."""
        for message in self.ephemerals:
            key = (message.data["to"], message.channel, message.ts)
            if key == (user_id, channel_id, ts):
                return message
        return None

    def set_status(self, channel_id: str, thread_ts: str, status: str) -> None:
        """Show the bot's status in a thread, or none if it is empty."""
        self.statuses[(channel_id, thread_ts)] = status
        self.changes.publish(Change("status", channel_id))

    def set_session(self, channel_id: str, thread_ts: str, status: str) -> None:
        """Note how an agent's session is."""
        self.sessions[(channel_id, thread_ts)] = status
        self.changes.publish(Change("status", channel_id))

    def name_thread(self, channel_id: str, thread_ts: str, title: str) -> None:
        """Show a title over a thread."""
        self.titles[(channel_id, thread_ts)] = title
        self.changes.publish(Change("status", channel_id))

    def suggest(self, channel_id: str, thread_ts: str, prompts: list[Json]) -> None:
        """Show what people could say in a conversation."""
        self.prompts[(channel_id, thread_ts)] = prompts
        self.changes.publish(Change("status", channel_id))

    def react(self, message: Message, name: str) -> None:
        """Add the bot's reaction to a message."""
        reactions = list(message.data.get("reactions", []))
        reactions.append({"name": name, "count": 1, "users": [self.bot_user_id]})
        message.data["reactions"] = reactions
        self._publish(message, "reaction")

    def unreact(self, message: Message, name: str) -> None:
        """Take the bot's reaction off a message."""
        found = message.data.get("reactions", [])
        message.data["reactions"] = [each for each in found if each["name"] != name]
        self._publish(message, "reaction")

    def _publish(
        self, message: Message, kind: Kind, previous: Json | None = None
    ) -> None:
        user = str(message.data.get("to", ""))
        data = copied(message.data)
        self.changes.publish(Change(kind, message.channel, user, data, previous))

    def as_saved(self) -> Json:
        """Return what a restart needs: conversations and the last ts."""
        return {
            "team_id": self.team_id,
            "last_ts": self._last_ts,
            "channels": [channel.as_saved() for channel in self.channels.values()],
            "messages": {
                channel: [message.data for message in messages.values()]
                for channel, messages in self._messages.items()
            },
            "files": [file.as_saved() for file in self.files.values() if file.shared],
        }

    def restore(self, saved: Json) -> None:
        """Take in what `as_saved` gave; raises KeyError or TypeError if it is not."""
        if saved["team_id"] != self.team_id:
            raise KeyError(f"conversations of the other team {saved['team_id']}")
        channels = [Channel(**each) for each in saved["channels"]]
        messages = {
            channel: {data["ts"]: Message(channel, data) for data in listed}
            for channel, listed in saved["messages"].items()
        }
        files = [StoredFile.from_saved(each) for each in saved.get("files", [])]
        self.files = {file.id: file for file in files}
        self._last_ts = max(self._last_ts, int(saved["last_ts"]))
        for channel in channels:
            self.channels.setdefault(channel.id, channel)
        for channel in self.channels:
            self._messages[channel] = messages.get(channel, {})


_PREVIEW_LINES = 5
_TEXTS = ("text/", "application/json", "application/xml", "application/yaml")


@dataclass
class StoredFile:
    """A file; `content` is None until it was sent, `shared` once it is in a channel."""

    id: str
    name: str
    user: str
    created: int
    title: str = ""
    content: bytes | None = None
    shared: bool = False

    @property
    def mimetype(self) -> str:
        """The content type that the file's name promises."""
        return mimetypes.guess_type(self.name)[0] or "text/plain"

    def as_slack(self, base: str, team_id: str) -> Json:
        """Return the file object; `base` is where the simulator's addresses begin."""
        size = len(self.content or b"")
        safe = re.sub(r"[^A-Za-z0-9._-]", "_", self.name)
        url = f"{base}/files/{self.id}/{safe}"
        found: Json = {
            "id": self.id,
            "created": self.created,
            "timestamp": self.created,
            "name": self.name,
            "title": self.title or self.name,
            "mimetype": self.mimetype,
            "filetype": self.name.rpartition(".")[2] or "text",
            "pretty_type": "Plain Text" if self._is_text else "Binary",
            "user": self.user,
            "user_team": team_id,
            "editable": False,
            "size": size,
            "mode": "hosted",
            "is_external": False,
            "external_type": "",
            "is_public": self.shared,
            "public_url_shared": False,
            "display_as_bot": False,
            "username": "",
            "url_private": url,
            "url_private_download": url,
            "permalink": url,
            "has_rich_preview": False,
            "file_access": "visible",
        }
        return found | (self._preview() if self._is_text else {})

    @property
    def _is_text(self) -> bool:
        return self.mimetype.startswith(_TEXTS)

    def _preview(self) -> Json:
        lines = (self.content or b"").decode(errors="replace").splitlines()
        return {
            "preview": "\n".join(lines[:_PREVIEW_LINES]),
            "lines": len(lines),
            "lines_more": max(0, len(lines) - _PREVIEW_LINES),
            "preview_is_truncated": len(lines) > _PREVIEW_LINES,
        }

    def as_saved(self) -> Json:
        """Return the part that is written to the state file."""
        content = base64.b64encode(self.content or b"").decode()
        saved = {"id": self.id, "name": self.name, "user": self.user}
        return {**saved, "created": self.created, "title": self.title, "is": content}

    @classmethod
    def from_saved(cls, saved: Json) -> StoredFile:
        """Return the file that `as_saved` gave."""
        rest = {name: value for name, value in saved.items() if name != "is"}
        return cls(**rest, content=base64.b64decode(saved["is"]), shared=True)


def new_object_id(letter: str) -> str:
    """Return a fresh id of a file (F) or a group message (G)."""
    return f"{letter}0{secrets.token_hex(5).upper()}"
