"""Access to the simulator: for this machine's browser, from its page, and the bot."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias
from urllib.parse import urlsplit

from aiohttp import web

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; "
        "img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def reading(handler: Handler) -> Handler:
    """Let a handler answer only requests to a loopback host name.

    A foreign name that points here (DNS rebinding) is refused with that.
    """

    async def guarded(request: web.Request) -> web.StreamResponse:
        if not _is_loopback(request.host):
            return _refused("Open the simulator by its own name, http://localhost.")
        response = await handler(request)
        if not response.prepared:
            for name, value in _HEADERS.items():
                response.headers.setdefault(name, value)
        return response

    return guarded


def calling(handler: Handler) -> Handler:
    """Let a handler answer only programs of this machine, such as the bot.

    A browser says from which page a request comes; none has a reason to come here.
    """

    async def guarded(request: web.Request) -> web.StreamResponse:
        if "Origin" in request.headers or "Sec-Fetch-Site" in request.headers:
            return _refused("Only the bot may do this, and no page.")
        return await handler(request)

    return reading(guarded)


def changing(handler: Handler) -> Handler:
    """Let a handler answer only requests that the page itself makes."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        origin = request.headers.get("Origin", "")
        if origin not in (f"http://{request.host}", f"https://{request.host}"):
            return _refused("Only the simulator's own page may do this.")
        return await handler(request)

    return reading(guarded)


def _is_loopback(host: str) -> bool:
    try:
        return urlsplit(f"//{host}").hostname in _LOOPBACK
    except ValueError:
        return False


def _refused(sentence: str) -> web.Response:
    return web.Response(status=403, text=f"{sentence}\n", headers=_HEADERS)
