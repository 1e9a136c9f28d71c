"""The HTTP side of the simulator: Web API, sockets, response_urls, files, control."""

from __future__ import annotations

import asyncio
import base64
import json

from aiohttp import web

from bot.simulator.app_config import AppConfig
from bot.simulator.control import Control
from bot.simulator.faults import Fault, Faults
from bot.simulator.file_server import FileServer
from bot.simulator.page_guard import calling
from bot.simulator.response_urls import ResponseUrls
from bot.simulator.shapes import Json, as_object
from bot.simulator.sign_in_page import SignInPage
from bot.simulator.slack_error import SlackError
from bot.simulator.socket_mode import SocketMode
from bot.simulator.web_api import RecordedCall, Tokens, WebApi
from bot.simulator.web_api.arguments import Arguments, read_arguments
from bot.simulator.web_api.methods import Here
from bot.simulator.web_api.responding import respond
from bot.simulator.workspace import Workspace


class Server:
    """Handlers of the routes that only the bot calls."""

    def __init__(
        self,
        workspace: Workspace,
        web_api: WebApi,
        sockets: SocketMode,
        response_urls: ResponseUrls,
        faults: Faults,
        tokens: Tokens,
        app: AppConfig,
    ) -> None:
        """Take the parts in."""
        self._workspace, self._web_api, self._sockets = workspace, web_api, sockets
        self._response_urls, self._faults, self._app = response_urls, faults, app
        self._files = FileServer(workspace, tokens)
        self._control = Control(faults, workspace)
        self._closing = asyncio.Event()
        self.latency = 0.0
        self.prefix = ""

    def routes(self, prefix: str) -> list[web.RouteDef]:
        """Return the routes below a prefix."""
        self.prefix = prefix
        return [
            web.get(f"{prefix}/api/{{method}}", calling(self._call)),
            web.post(f"{prefix}/api/{{method}}", calling(self._call)),
            web.get(f"{prefix}/link", calling(self._sockets.connect)),
            web.post(f"{prefix}/response/{{word}}", calling(self._use_response_url)),
            *self._files.routes(prefix),
            *SignInPage(self._workspace).routes(prefix),
            *self._control.routes(prefix),
        ]

    def close(self) -> None:
        """Let go of the calls that a fault holds."""
        self._closing.set()

    async def _call(self, request: web.Request) -> web.Response:
        name = request.match_info["method"]
        try:
            args = await read_arguments(request)
            args.values.update(_basic(request.headers.get("Authorization", "")))
        except SlackError as error:
            return self._json(error.answer())
        recorded = self._web_api.record(name, args.values)
        fault = self._faults.take(name)
        if fault is not None and not fault.has_effect:
            return await self._spoiled(request, fault, recorded)
        answer = self._run(request, recorded)
        await self._pause(self.latency)
        if fault is not None:
            return await self._lost(request, fault, answer)
        return self._json(answer)

    def _run(self, request: web.Request, recorded: RecordedCall) -> Json:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        token = token.strip() if scheme.lower() == "bearer" else ""
        origin = f"{request.scheme}://{request.host}"
        socket_url = f"ws{origin[4:]}{self.prefix}/link"

        def new_socket_url() -> str:
            app_id = self._workspace.app_id
            return f"{socket_url}?ticket={self._sockets.issue_ticket()}&app_id={app_id}"

        here = Here(origin, f"{origin}{self.prefix}", new_socket_url)
        return self._web_api.run(recorded, token, here)

    async def _spoiled(
        self, request: web.Request, fault: Fault, recorded: RecordedCall
    ) -> web.Response:
        """Answer a call that takes no effect."""
        recorded.answer = {"ok": False, "error": fault.kind}
        if fault.kind == "ratelimited":
            headers = {"Retry-After": str(fault.retry_after)}
            return self._json(recorded.answer, status=429, headers=headers)
        if fault.kind == "server_error":
            return web.Response(status=fault.status, text="Server Error")
        if fault.kind == "error":
            recorded.answer["error"] = fault.error
            return self._json(recorded.answer)
        if fault.kind == "timeout_before":
            await self._pause(fault.seconds)
        return _cut(request)

    async def _lost(
        self, request: web.Request, fault: Fault, answer: Json
    ) -> web.Response:
        """Treat the answer of a call that took effect as the fault says."""
        if fault.kind != "cut_after":
            await self._pause(fault.seconds)
        return self._json(answer) if fault.kind == "slow" else _cut(request)

    async def _pause(self, seconds: float) -> None:
        if seconds <= 0:
            return
        try:
            async with asyncio.timeout(seconds):
                await self._closing.wait()
        except TimeoutError:
            return

    def _json(
        self, answer: Json, status: int = 200, headers: dict[str, str] | None = None
    ) -> web.Response:
        headers = dict(headers or {})
        if self._app.scopes is not None:
            headers["X-OAuth-Scopes"] = ",".join(sorted(self._app.scopes))
        return web.json_response(answer, status=status, headers=headers)

    async def _use_response_url(self, request: web.Request) -> web.Response:
        try:
            body = as_object(json.loads(await request.text()))
        except ValueError:
            body = None
        try:
            if body is None:
                raise SlackError("invalid_payload")
            url = self._response_urls.use(request.match_info["word"])
            respond(self._workspace, url, Arguments(body))
        except SlackError as error:
            return web.json_response(error.answer(), status=404)
        return web.json_response({"ok": True})


def _cut(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


def _basic(authorization: str) -> dict[str, str]:
    """An app's id and secret where they come by HTTP Basic, as Slack takes them too."""
    scheme, _, given = authorization.partition(" ")
    if scheme.lower() != "basic":
        return {}
    try:
        name, _, secret = base64.b64decode(given, validate=True).decode().partition(":")
    except ValueError:
        return {}
    return {"client_id": name, "client_secret": secret}
