"""Arguments of a Web API call, from query, form or JSON alike."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from bot.simulator.shapes import Json, as_list, as_object
from bot.simulator.slack_error import SlackError, invalid_arguments

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
