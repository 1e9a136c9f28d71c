"""The methods of the Web API as a table, and the arguments of a call."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from aiohttp import web

from bot.simulator.app_config import AppConfig
from bot.simulator.message import Message
from bot.simulator.people import Channel, User
from bot.simulator.shapes import Json, SlackError, as_list, as_object, invalid_arguments
from bot.simulator.views import Views
from bot.simulator.workspace import Workspace


@dataclass(frozen=True)
class Here:
    """The address at which the caller reached the simulator.

    `origin` is `http://host:port`; `base` continues it to the start of the addresses
    that only the bot uses.
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


_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


class Arguments:
    """The arguments of one call; a wrong kind is answered with invalid_arguments."""

    def __init__(self, values: Json) -> None:
        """Take the arguments as they came."""
        self.values = values

    def text(self, name: str, default: str = "") -> str:
        """Return a string argument."""
        value = self.values.get(name)
        if value is None:
            return default
        if not isinstance(value, str | int | float) or isinstance(value, bool):
            raise invalid_arguments(f"must be a string: {name}")
        return str(value)

    def required(self, name: str) -> str:
        """Return a string argument that must be there."""
        value = self.text(name)
        if not value:
            raise invalid_arguments(f"missing required field: {name}")
        return value

    def boolean(self, name: str, *, default: bool = False) -> bool:
        """Return a yes or no in any of the ways that Slack takes it."""
        value = self.values.get(name)
        if value is None:
            return default
        return str(value).lower() in ("1", "true", "yes")

    def integer(self, name: str, default: int) -> int:
        """Return a whole number."""
        value = self.text(name, str(default))
        if not value.lstrip("-").isdecimal():
            raise invalid_arguments(f"must be an integer: {name}")
        return int(value)

    def json(self, name: str) -> Any:
        """Return an argument that is JSON, given as such or in a string."""
        value = self.values.get(name)
        if not isinstance(value, str) or not value:
            return value or None
        try:
            return json.loads(value)
        except ValueError:
            raise invalid_arguments(f"must be JSON: {name}") from None

    def objects(self, name: str) -> list[Json] | None:
        """Return an array of objects, or None if the argument was not given."""
        value = self.json(name)
        items = as_list(value)
        if value is not None and (
            items is None or not all(as_object(item) is not None for item in items)
        ):
            raise invalid_arguments(f"must be an array of objects: {name}")
        return items

    def has(self, name: str) -> bool:
        """Tell whether the argument was given, be it empty."""
        return self.values.get(name) is not None


async def read_arguments(request: web.Request) -> Arguments:
    """Read query and body; the body wins."""
    values: Json = dict(request.query)
    if request.method == "POST":
        values |= await _body(request)
    return Arguments(values)


async def _body(request: web.Request) -> Json:
    if request.content_type == "application/json":
        try:
            body = as_object(json.loads(await request.text() or "{}"))
        except ValueError:
            raise SlackError("invalid_json") from None
        if body is None:
            raise SlackError("json_not_object")
        return body
    if request.content_type in _FORMS:
        return dict(await request.post())
    return {}
