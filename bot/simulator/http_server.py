"""The HTTP server: Web API, files, the page of Sign in with Slack."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
from collections.abc import Iterable
from html import escape
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from bot.simulator.app_config import AppConfig
from bot.simulator.app_delivery import ResponseUrls
from bot.simulator.control import Control, Fault, Faults
from bot.simulator.page_guard import calling, reading
from bot.simulator.people import User
from bot.simulator.shapes import Json, SlackError, as_object
from bot.simulator.sign_ins import Given
from bot.simulator.socket_mode import SocketMode
from bot.simulator.web_api import RecordedCall, Tokens, WebApi
from bot.simulator.web_api.chat import respond
from bot.simulator.web_api.methods import METHODS, Arguments, Here, read_arguments
from bot.simulator.web_api.others import LARGEST_FILE
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
            if fault.error == "missing_scope" and recorded.method in METHODS:
                needed = METHODS[recorded.method].scopes
                recorded.answer |= {"needed": ",".join(needed), "provided": ""}
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


class FileServer:
    """Handlers of the addresses that files.getUploadURLExternal and files name."""

    def __init__(self, workspace: Workspace, tokens: Tokens) -> None:
        """Take the parts in."""
        self._workspace, self._tokens = workspace, tokens

    def routes(self, prefix: str) -> list[web.RouteDef]:
        """Return the routes below a prefix."""
        return [
            web.post(f"{prefix}/upload/{{file}}", calling(self._take)),
            web.get(f"{prefix}/files/{{file}}/{{name}}", calling(self._give)),
        ]

    async def _take(self, request: web.Request) -> web.Response:
        file = self._workspace.files.get(request.match_info["file"])
        if file is None or file.content is not None:
            return web.Response(status=404, text="not_found")
        content = await _content(request)
        if not content or len(content) > LARGEST_FILE:
            return web.Response(status=400, text="bad_file_size")
        file.content = content
        return web.Response(text=f"OK - {len(content)}")

    async def _give(self, request: web.Request) -> web.Response:
        file = self._workspace.files.get(request.match_info["file"])
        given = request.headers.get("Authorization", "").partition(" ")[2]
        if not hmac.compare_digest(given.encode(), self._tokens.bot.encode()):
            return web.Response(status=403, text="not_authed")
        if file is None or file.content is None:
            return web.Response(status=404, text="not_found")
        headers = {"Content-Disposition": "attachment"}
        return web.Response(
            body=file.content, content_type=file.mimetype, headers=headers
        )


async def _body(request: web.Request) -> bytes:
    """Return the body, whatever the server's limit for others, up to a file's."""
    body = b""
    while len(body) <= LARGEST_FILE and not request.content.at_eof():
        body += await request.content.read(LARGEST_FILE + 1 - len(body))
    return body


async def _content(request: web.Request) -> bytes:
    """Return the body, or the first file of a form."""
    if request.content_type != "multipart/form-data":
        return await _body(request)
    form = await request.post()
    uploads = [each for each in form.values() if isinstance(each, web.FileField)]
    return uploads[0].file.read() if uploads else b""


_NEEDED = ("client_id", "redirect_uri", "response_type", "scope", "state", "nonce")


class SignInPage:
    """Handler of `/openid/connect/authorize`, below the same prefix as the Web API."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def routes(self, prefix: str) -> list[web.RouteDef]:
        """Return the one route."""
        return [web.get(f"{prefix}/openid/connect/authorize", reading(self._show))]

    async def _show(self, request: web.Request) -> web.Response:
        asked = {name: request.query.get(name, "") for name in _NEEDED}
        if complaint := self._complaint(asked):
            return web.Response(status=400, text=f"{complaint}\n")
        chosen = request.query.get("as", "")
        user = next((each for each in self._people() if each.id == chosen), None)
        if user is None:
            body = _page(self._people(), asked)
            return web.Response(text=body, content_type="text/html")
        return self._back(user, asked)

    def _complaint(self, asked: dict[str, str]) -> str:
        if missing := [name for name in _NEEDED if not asked[name]]:
            return f"{missing[0]} is missing."
        if asked["client_id"] != self._workspace.sign_ins.client_id:
            return "There is no app with this client_id."
        if asked["response_type"] != "code" or "openid" not in asked["scope"].split():
            return "Ask for response_type=code and scope=openid."
        if urlsplit(asked["redirect_uri"]).scheme not in ("http", "https"):
            return "redirect_uri isn't the address of a page."
        return ""

    def _people(self) -> list[User]:
        users = self._workspace.users.values()
        return [user for user in users if not (user.is_bot or user.deleted)]

    def _back(self, user: User, asked: dict[str, str]) -> web.Response:
        given = Given(
            user=user.id,
            team=user.team_id,
            redirect=asked["redirect_uri"],
            nonce=asked["nonce"],
            at=self._workspace.clock(),
        )
        code = self._workspace.sign_ins.give(given)
        query = urlencode({"code": code, "state": asked["state"]})
        mark = "&" if urlsplit(asked["redirect_uri"]).query else "?"
        location = f"{asked['redirect_uri']}{mark}{query}"
        return web.Response(status=302, headers={"Location": location})


def _page(people: Iterable[User], asked: dict[str, str]) -> str:
    links = "".join(
        f'<li><a href="?{escape(urlencode({**asked, "as": user.id}))}">'
        f"Sign in as {escape(user.shown_name)}</a></li>"
        for user in people
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<title>Sign in with Slack</title><link rel="icon" href="data:,">'
        '<link rel="stylesheet" href="/page/mailbox.css"></head><body>'
        "<header><h1>Sign in with Slack</h1><p>The simulator asks for no password: "
        f"say who you are.</p></header><main><ul>{links}</ul></main></body></html>\n"
    )
