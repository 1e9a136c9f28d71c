"""Traces go to LangSmith where LangChain's variables ask for it, without secrets."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.support.demo import GENERAL
from tests.support.stage import make_stage

SECRET = "sk-proj-CANARY0123456789abcdef"
HARMLESS = "marmalade"


@asynccontextmanager
async def collector() -> AsyncGenerator[tuple[str, list[bytes]]]:
    """A stand-in for LangSmith on loopback, and what has been sent to it."""
    sent: list[bytes] = []

    async def take(request: web.Request) -> web.Response:
        sent.append(await request.read())
        return web.json_response({})

    application = web.Application(client_max_size=50_000_000)
    application.router.add_route("*", "/{path:.*}", take)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert runner.addresses
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", sent
    finally:
        await runner.cleanup()


async def test_threat_37_no_secret_is_in_a_trace(tmp_path: Path, database: str):
    async with collector() as (address, sent):
        tracing: dict[str, Any] = {
            "LANGSMITH_TRACING": "true",
            "LANGSMITH_ENDPOINT": address,
            "LANGSMITH_API_KEY": "lsv2_test",
            "LANGSMITH_DISABLE_RUN_COMPRESSION": "true",
        }
        async with make_stage(tmp_path, database, "socket", **tracing) as stage:
            ts = await stage.ask(f"write {HARMLESS}.txt: {SECRET}")
            await stage.answer(GENERAL, ts)
            assert (stage.files / f"{HARMLESS}.txt").read_text() == SECRET
            assert await stage.bot.stop() == 0  # what is left is sent at the end
            stage.bots.clear()
        traces = b"".join(sent)
    assert HARMLESS.encode() in traces
    assert b"[secret, " in traces
    assert b"CANARY" not in traces
