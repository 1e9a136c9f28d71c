"""`/healthz`, `/readyz`: does the process live, can it work?"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

Ping = Callable[[], Awaitable[str]]


def health_routes(
    pings: Mapping[str, Ping], details: Callable[[], Mapping[str, str]]
) -> list[web.RouteDef]:
    """Routes for health.

    Args:
        pings: name of a part to a check that returns "" when the part is good, or what
            is wrong with it. Any that is not good makes `/readyz` answer 503.
        details: other trouble, told without turning red.
    """

    async def healthz(_request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(_request: web.Request) -> web.Response:
        failing = [
            f"{name}: {trouble}"
            for name, ping in pings.items()
            if (trouble := await ping())
        ]
        notes = [f"{name}: {trouble}" for name, trouble in details().items()]
        lines = failing or ["ok"]
        return web.Response(
            status=503 if failing else 200, text="\n".join([*lines, *notes]) + "\n"
        )

    return [web.get("/healthz", healthz), web.get("/readyz", readyz)]
