"""The page for people: its routes, its files, and what it shows to whom."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from aiohttp import web

from bot.simulator import page_live
from bot.simulator.acting import Acting
from bot.simulator.page_acts import Acts, History, acting
from bot.simulator.page_guard import changing, reading
from bot.simulator.page_live import Live

_STATIC = Path(__file__).parent / "static"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".woff2": "font/woff2"}
_ASSETS = {
    file.name: _TYPES[file.suffix]
    for file in _STATIC.iterdir()
    if file.suffix in _TYPES
}


class Page:
    """Handlers of the page's routes."""

    def __init__(
        self,
        people: Acting,
        history: History | None = None,
        phrase: str | None = None,
        *,
        has_time_server: bool = False,
    ) -> None:
        """Take the simulator in and follow its workspace.

        With a `history` each card has a button that shows what happened to it.
        `phrase` and `has_time_server` are as in `Simulator`.
        """
        self._people = people
        self._has_history = history is not None
        self._phrase, self._has_time_server = phrase, has_time_server
        self._acts = Acts(people, history)
        self._live = Live(people.workspace, people.open_views, people.home)

    def routes(self) -> list[web.RouteDef]:
        """Return all routes of the page."""
        index = reading(self._index)
        acts = self._acts.table()
        return [
            web.get("/", index),
            web.get("/both", reading(self._both)),
            web.get("/archives/{channel}", index),
            web.get("/archives/{channel}/{message}", index),
            web.get("/page/start", reading(self._start)),
            web.get("/page/live", changing(self._live.serve)),
            web.get("/page/files/{file}", reading(self._file)),
            web.get("/page/{asset}", reading(self._asset)),
            web.get(f"/page/{_version()}/{{asset}}", reading(self._kept)),
            *(web.post(f"/page/{p}", changing(acting(act))) for p, act in acts.items()),
        ]

    async def close(self) -> None:
        """Close the live connections."""
        await self._live.close()

    async def _index(self, _: web.Request) -> web.Response:
        return _document("index.html")

    async def _both(self, _: web.Request) -> web.Response:
        return _document("both.html")

    async def _kept(self, request: web.Request) -> web.Response:
        """Give a file by the address that changes with it: a browser asks once."""
        answer = await self._asset(request)
        if answer.status == 200:
            answer.headers["Cache-Control"] = "max-age=31536000, immutable"
        return answer

    async def _asset(self, request: web.Request) -> web.Response:
        name = request.match_info["asset"]
        if name not in _ASSETS:
            return web.Response(status=404, text="There is no such file.\n")
        return _static(name, _ASSETS[name])

    async def _file(self, request: web.Request) -> web.Response:
        """Give an uploaded file to be saved, never to be shown as a page of ours."""
        file = self._people.file(request.match_info["file"])
        if file is None or file.content is None:
            return web.Response(status=404, text="There is no such file.\n")
        return web.Response(
            body=file.content,
            content_type="application/octet-stream",
            headers={"Content-Disposition": "attachment"},
        )

    async def _start(self, _: web.Request) -> web.Response:
        shown = page_live.start(self._people.workspace)
        shown["home_enabled"] = self._people.home_enabled
        shown["history"] = self._has_history
        shown["stops"] = self._people.hears("agent_session_stopped")
        shown["follows"] = self._people.hears("message.channels")
        shown["phrase"] = self._phrase
        shown["has_time_server"] = self._has_time_server
        shown["commands"] = [
            {"command": each.command, "description": each.description}
            for each in self._people.commands
        ]
        return web.json_response(shown)


@cache
def _version() -> str:
    """Return a name for all files as they are now."""
    files = (_STATIC / name for name in sorted(_ASSETS))
    return hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()[:12]


def _document(name: str) -> web.Response:
    """A page whose scripts and styles have their version in their addresses."""
    page = (_STATIC / name).read_bytes()
    body = page.replace(b'"/page/', f'"/page/{_version()}/'.encode())
    return web.Response(body=body, content_type="text/html", charset="utf-8")


def _static(name: str, content_type: str) -> web.Response:
    body = (_STATIC / name).read_bytes()
    charset = "utf-8" if content_type.startswith("text/") else None
    return web.Response(body=body, content_type=content_type, charset=charset)
