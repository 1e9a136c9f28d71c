"""The page for people: its files, what it shows to whom, and what it may do."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

from aiohttp import web

from bot.simulator import page_state
from bot.simulator.interactions import ClickResult
from bot.simulator.page_guard import changing, reading
from bot.simulator.page_live import Live
from bot.simulator.shapes import Json, as_object
from bot.simulator.slack_error import SlackError
from bot.simulator.workspace import Workspace

_STATIC = Path(__file__).parent / "static"
_LONGEST_POST = 40_000
_TYPES = {".css": "text/css", ".js": "text/javascript"}
_ASSETS = {file.name: _TYPES[file.suffix] for file in _STATIC.glob("*.[cj]s*")}


class Hands(Protocol):
    """What the page can do with the simulator."""

    workspace: Workspace

    async def post_message(
        self, user_id: str, channel_id: str, text: str, thread_ts: str | None = None
    ) -> str:
        """Post as a person."""
        ...

    async def click(
        self,
        user_id: str,
        channel_id: str,
        message_ts: str,
        action_id: str,
        value: object = None,
        *,
        block_id: str | None = None,
        stale: bool = True,
    ) -> ClickResult:
        """Click as a person."""
        ...

    async def submit_view(
        self, user_id: str, view_id: str, values: Json
    ) -> ClickResult:
        """Submit a modal as a person."""
        ...

    async def close_view(self, user_id: str, view_id: str) -> ClickResult | None:
        """Close a modal as a person."""
        ...

    def open_views(self, user_id: str) -> list[Json]:
        """Return a person's open modals."""
        ...


class Page:
    """Handlers of the page's routes."""

    def __init__(self, hands: Hands) -> None:
        """Take the simulator in and follow its workspace."""
        self._hands = hands
        self._live = Live(hands.workspace, hands.open_views)

    def routes(self) -> list[web.RouteDef]:
        """Return all routes of the page."""
        index = reading(self._index)
        return [
            web.get("/", index),
            web.get("/archives/{channel}", index),
            web.get("/archives/{channel}/{message}", index),
            web.get("/page/start", reading(self._start)),
            web.get("/page/live", changing(self._live.serve)),
            web.get("/page/{asset}", reading(self._asset)),
            web.post("/page/messages", changing(self._acting(self._post))),
            web.post("/page/clicks", changing(self._acting(self._click))),
            web.post("/page/views/submit", changing(self._acting(self._submit))),
            web.post("/page/views/close", changing(self._acting(self._close))),
        ]

    async def close(self) -> None:
        """Close the live connections."""
        await self._live.close()

    async def _index(self, _: web.Request) -> web.Response:
        return _file("index.html", "text/html")

    async def _asset(self, request: web.Request) -> web.Response:
        name = request.match_info["asset"]
        if name not in _ASSETS:
            return web.Response(status=404, text="There is no such file.\n")
        return _file(name, _ASSETS[name])

    async def _start(self, _: web.Request) -> web.Response:
        return web.json_response(page_state.start(self._hands.workspace))

    def _acting(
        self, act: Callable[[Json], Awaitable[Json]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handler(request: web.Request) -> web.Response:
            try:
                body = as_object(json.loads(await request.text()))
                if body is None:
                    raise ValueError("the body is no JSON object")
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

    async def _post(self, body: Json) -> Json:
        text = str(body["text"])
        if not text.strip():
            raise ValueError("the message is empty")
        if len(text) > _LONGEST_POST:
            raise ValueError(f"a message has at most {_LONGEST_POST:,} characters")
        thread_ts = str(body.get("thread_ts") or "") or None
        ts = await self._hands.post_message(
            str(body["user"]), str(body["channel"]), text, thread_ts
        )
        return {"ts": ts}

    async def _click(self, body: Json) -> Json:
        result = await self._hands.click(
            str(body["user"]),
            str(body["channel"]),
            str(body["ts"]),
            str(body["action_id"]),
            body.get("value"),
            block_id=str(body["block_id"]),
            stale=False,
        )
        return {"acked": result.acked}

    async def _submit(self, body: Json) -> Json:
        values = as_object(body["values"]) or {}
        view_id, user_id = str(body["view"]), str(body["user"])
        result = await self._hands.submit_view(user_id, view_id, values)
        return {"acked": result.acked, "errors": dict(result.errors)}

    async def _close(self, body: Json) -> Json:
        await self._hands.close_view(str(body["user"]), str(body["view"]))
        return {}


def _file(name: str, content_type: str) -> web.Response:
    body = (_STATIC / name).read_bytes()
    return web.Response(body=body, content_type=content_type, charset="utf-8")


def _complaint(status: int, sentence: str) -> web.Response:
    return web.json_response({"sentence": sentence}, status=status)
