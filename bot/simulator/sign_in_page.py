"""Slack's own page of Sign in with Slack: here a visitor says who they are."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from bot.simulator.page_guard import reading
from bot.simulator.people import User
from bot.simulator.sign_ins import Given
from bot.simulator.workspace import Workspace

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
            return "redirect_uri is no address of a page."
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
