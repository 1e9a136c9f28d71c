"""The table of Web API methods, and what each of them is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from bot.simulator.app_config import AppConfig
from bot.simulator.channels import Channel
from bot.simulator.messages import Message
from bot.simulator.people import User
from bot.simulator.shapes import Json
from bot.simulator.slack_error import SlackError
from bot.simulator.views import Views
from bot.simulator.web_api.arguments import Arguments
from bot.simulator.workspace import Workspace


@dataclass(frozen=True)
class Here:
    """Where the caller reached the simulator.

    `origin` is `http://host:port`; `base` goes on to where the addresses begin that
    only the bot uses.
    """

    origin: str
    base: str
    new_socket_url: Callable[[], str]


@dataclass(frozen=True)
class Call:
    """One call as a method sees it."""

    args: Arguments
    workspace: Workspace
    views: Views
    app: AppConfig
    here: Here
    token: str = field(default="", repr=False)

    def demand(self, *scopes: str) -> None:
        """Refuse a bot that has none of the scopes."""
        if scopes and not self.app.grants(*scopes):
            provided = ",".join(sorted(self.app.scopes or ()))
            raise SlackError(
                "missing_scope", needed=",".join(scopes), provided=provided
            )

    def channel(self, name: str = "channel") -> Channel:
        """Return the channel named by an argument, if the bot can see it."""
        workspace = self.workspace
        channel = workspace.channels.get(self.args.required(name))
        if channel is None:
            raise SlackError("channel_not_found")
        if channel.is_private and workspace.bot_user_id not in channel.members:
            raise SlackError("channel_not_found")
        return channel

    def joined_channel(self, name: str = "channel") -> Channel:
        """Return the channel named by an argument, if the bot is in it."""
        channel = self.channel(name)
        if self.workspace.bot_user_id not in channel.members:
            raise SlackError("not_in_channel")
        return channel

    def user(self, name: str = "user") -> User:
        """Return the person named by an argument."""
        user = self.workspace.users.get(self.args.required(name))
        if user is None:
            raise SlackError("user_not_found")
        return user

    def message(self, channel: Channel, name: str = "ts") -> Message:
        """Return the message named by an argument."""
        message = self.workspace.message(channel.id, self.args.required(name))
        if message is None:
            raise SlackError("message_not_found")
        return message


Handler: TypeAlias = Callable[[Call], Json]
Caller: TypeAlias = Literal["bot", "app", "anyone"]


@dataclass(frozen=True)
class Method:
    """A method, whose token it takes, and the scopes of which one is enough.

    Methods about conversations want the scope of the very kind of conversation; they
    see to that themselves.
    """

    handler: Handler
    caller: Caller
    scopes: tuple[str, ...]


METHODS: dict[str, Method] = {}


def method(
    name: str, *scopes: str, caller: Caller = "bot"
) -> Callable[[Handler], Handler]:
    """Enter a handler in the table under its name."""

    def enter(handler: Handler) -> Handler:
        METHODS[name] = Method(handler, caller, scopes)
        return handler

    return enter


def next_page(items: list[Json], call: Call, default: int) -> tuple[list[Json], str]:
    """Return the page that `cursor` and `limit` ask for, and the next cursor."""
    cursor = call.args.text("cursor")
    if cursor and not cursor.isdecimal():
        raise SlackError("invalid_cursor")
    limit = call.args.integer("limit", default)
    # "an integer under 1000": https://docs.slack.dev/reference/methods/conversations.list
    if call.args.has("limit") and not 0 < limit < 1000:
        raise SlackError("invalid_limit")
    start = int(cursor or 0)
    end = start + limit
    return items[start:end], str(end) if end < len(items) else ""
