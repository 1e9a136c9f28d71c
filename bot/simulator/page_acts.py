"""The acts of a visitor to the page, each as the person whom the request names."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from aiohttp import web

from bot.simulator.acting import Acting
from bot.simulator.interactions import ClickResult
from bot.simulator.shapes import Json, SlackError, as_object

_LONGEST_POST = 40_000
Act: TypeAlias = Callable[[Json], Awaitable[Json]]


@dataclass(frozen=True)
class HistoryLine:
    """One thing that happened to a card's request; `text` is mrkdwn."""

    at: datetime
    text: str


#: The life of the requests on the card at a channel and ts, oldest first.
History: TypeAlias = Callable[[str, str], Awaitable[list[HistoryLine]]]


def acting(act: Act) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Make a handler of an act: JSON in, JSON out, a sentence where it fails."""

    async def handler(request: web.Request) -> web.Response:
        try:
            body = as_object(json.loads(await request.text()))
            if body is None:
                raise ValueError("the body isn't a JSON object")
            return web.json_response(await act(body))
        except KeyError as error:
            return _complaint(400, f"The field {error} is missing.")
        except (ValueError, TypeError) as error:
            return _complaint(400, f"This cannot be read: {error}.")
        except LookupError as error:
            return _complaint(404, f"This is not possible: {error}.")
        except SlackError as error:
            return _complaint(409, f"Slack would answer: {error.error}.")

    return handler


def _posted(body: Json, *, may_be_empty: bool = False) -> str:
    text = str(body["text"])
    if not (text.strip() or may_be_empty):
        raise ValueError("the message is empty")
    if len(text) > _LONGEST_POST:
        raise ValueError(f"a message has at most {_LONGEST_POST:,} characters")
    return text


def _attached(body: Json) -> Json:
    """Read what a message brings along: `table`, `forwards`, `files`."""
    found: Json = {name: body[name] for name in ("table", "files") if name in body}
    if "forwards" in body:
        channel, ts = body["forwards"]
        found["forwards"] = str(channel), str(ts)
    return found


def _complaint(status: int, sentence: str) -> web.Response:
    return web.json_response({"sentence": sentence}, status=status)


class Acts:
    """The acts by the path below `/page/`."""

    def __init__(self, people: Acting, history: History | None) -> None:
        """Take the simulator in, and who tells what happened, if anybody does."""
        self._people, self._history = people, history

    def table(self) -> dict[str, Act]:
        """Return path to act."""
        acts: dict[str, Act] = {
            "messages": self._post,
            "messages/edit": self._edit,
            "messages/delete": self._delete,
            "sessions/stop": self._stop,
            "clicks": self._click,
            "commands": self._command,
            "options": self._options,
            "files": self._upload,
            "home": self._home,
            "views/click": self._click_view,
            "views/submit": self._submit,
            "views/close": self._close,
        }
        return acts | ({"history": self._what_happened} if self._history else {})

    async def _post(self, body: Json) -> Json:
        attached = _attached(body)
        text = _posted(body, may_be_empty=bool(attached))
        thread_ts = str(body.get("thread_ts") or "") or None
        ts = await self._people.post_message(
            str(body["user"]), str(body["channel"]), text, thread_ts, **attached
        )
        return {"ts": ts}

    async def _edit(self, body: Json) -> Json:
        place = str(body["user"]), str(body["channel"]), str(body["ts"])
        await self._people.edit_message(*place, _posted(body))
        return {}

    async def _delete(self, body: Json) -> Json:
        place = str(body["user"]), str(body["channel"]), str(body["ts"])
        await self._people.delete_message(*place)
        return {}

    async def _stop(self, body: Json) -> Json:
        place = str(body["user"]), str(body["channel"]), str(body["thread_ts"])
        return {"acked": await self._people.stop_agent(*place)}

    async def _click(self, body: Json) -> Json:
        result = await self._people.click(
            str(body["user"]),
            str(body["channel"]),
            str(body["ts"]),
            str(body["action_id"]),
            body.get("value"),
            block_id=str(body["block_id"]),
            stale=False,
            values=as_object(body.get("values")) or {},
        )
        return {"acked": result.acked}

    async def _command(self, body: Json) -> Json:
        result = await self._people.run_command(
            str(body["user"]),
            str(body["channel"]),
            str(body["command"]),
            str(body.get("text", "")),
        )
        return {"acked": result.acked, "refusal": result.refusal}

    async def _upload(self, body: Json) -> Json:
        content = base64.b64decode(str(body["content"]), validate=True)
        user_id, name = str(body["user"]), str(body["name"])
        return {"id": self._people.upload_file(user_id, name, content)}

    async def _options(self, body: Json) -> Json:
        return await self._people.options(
            str(body["user"]),
            str(body["action_id"]),
            str(body["text"]),
            view_id=str(body.get("view") or "") or None,
            channel_id=str(body.get("channel", "")),
            message_ts=str(body.get("ts", "")),
        )

    async def _home(self, body: Json) -> Json:
        tab: Literal["home", "messages"] = "messages"
        if body["tab"] == "home":
            tab = "home"
        await self._people.open_home(str(body["user"]), tab)
        return {}

    async def _click_view(self, body: Json) -> Json:
        result = await self._people.click_view(
            str(body["user"]),
            str(body["view"]),
            str(body["action_id"]),
            body.get("value"),
            block_id=str(body["block_id"]),
            values=as_object(body.get("values")) or {},
        )
        return {"acked": result.acked}

    async def _submit(self, body: Json) -> Json:
        values = as_object(body["values"]) or {}
        view_id, user_id = str(body["view"]), str(body["user"])
        return _said(await self._people.submit_view(user_id, view_id, values))

    async def _close(self, body: Json) -> Json:
        clear = body.get("clear") is True
        await self._people.close_view(str(body["user"]), str(body["view"]), clear=clear)
        return {}

    async def _what_happened(self, body: Json) -> Json:
        channel_id, ts = str(body["channel"]), str(body["ts"])
        channel = self._people.workspace.channels.get(channel_id)
        if channel is None or str(body["user"]) not in channel.members:
            raise LookupError(f"{body['user']} is not in {channel_id}")
        lines = await self._history(channel_id, ts) if self._history else []
        return {"lines": [{"at": e.at.isoformat(), "text": e.text} for e in lines]}


def _said(result: ClickResult) -> Json:
    errors = dict(result.errors)
    return {"acked": result.acked, "errors": errors, "refusal": result.refusal}
