"""A balancer before several replicas in HTTP mode: each request goes to the next."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

from tests.support.stage import Stage


@asynccontextmanager
async def balanced(stage: Stage, replicas: int) -> AsyncIterator[None]:
    """Start replicas of a stage that has none yet, and spread what Slack sends.

    Over HTTP behind one address, each request to the next replica that takes it; over
    Socket Mode Slack itself sends an event to any of the sockets.
    """
    front, stage.port = stage.port, 0
    for _ in range(replicas):
        await stage.start_bot()
    if stage.transport == "socket":
        sockets = replicas
        await stage.simulator.wait_for(lambda: stage.simulator.sockets == sockets)
        yield
        return
    async with _front(stage, front):
        yield


@asynccontextmanager
async def _front(stage: Stage, port: int) -> AsyncIterator[None]:
    async with aiohttp.ClientSession() as session:
        turns = itertools.count()

        async def forward(request: web.Request) -> web.Response:
            body, first = await request.read(), next(turns)
            for number in range(len(stage.bots)):
                bot = stage.bots[(first + number) % len(stage.bots)]
                with contextlib.suppress(aiohttp.ClientError):
                    taken = await _hand_on(session, bot.url, request, body)
                    if taken.status != 503:
                        return taken
            return web.Response(status=503)

        server = web.Application()
        server.router.add_post("/slack/events", forward)
        runner = web.AppRunner(server, access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        try:
            yield
        finally:
            await runner.cleanup()


async def _hand_on(
    session: aiohttp.ClientSession, url: str, request: web.Request, body: bytes
) -> web.Response:
    own = {"Host", "Content-Length", "Transfer-Encoding"}
    headers = {k: v for k, v in request.headers.items() if k not in own}
    async with session.post(f"{url}{request.path}", data=body, headers=headers) as got:
        return web.Response(
            status=got.status, body=await got.read(), content_type=got.content_type
        )
