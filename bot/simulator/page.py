"""The page for people: its routes, its files, and what it shows to whom."""

from __future__ import annotations

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
            *(web.post(f"/page/{p}", changing(acting(act))) for p, act in acts.items()),
        ]

    async def close(self) -> None:
        """Close the live connections."""
        await self._live.close()

    async def _index(self, _: web.Request) -> web.Response:
        return _static("index.html", "text/html")

    async def _both(self, _: web.Request) -> web.Response:
        return _static("both.html", "text/html")

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


def _static(name: str, content_type: str) -> web.Response:
    body = (_STATIC / name).read_bytes()
    charset = "utf-8" if content_type.startswith("text/") else None
    return web.Response(body=body, content_type=content_type, charset=charset)
