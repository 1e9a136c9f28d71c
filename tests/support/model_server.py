"""A stand-in for an OpenAI-compatible server that answers what a test scripts.

https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Json = dict[str, Any]
API_KEY = "sk-test-0123456789"


@dataclass(frozen=True)
class Answer:
    """One answer to one request."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0  # before it is sent
    cut: bool = False  # the connection ends instead
    half: bool = False  # the connection ends in the middle of the body


def text(words: str) -> Answer:
    """The model says something."""
    return _message({"role": "assistant", "content": words}, "stop")


def calls(*wanted: Json) -> Answer:
    """The model calls tools; see `call`."""
    message = {"role": "assistant", "content": None, "tool_calls": list(wanted)}
    return _message(message, "tool_calls")


def call(name: str, arguments: Any, call_id: str = "call_1") -> Json:
    """One tool call; arguments that are a string stand as they are."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    function = {"name": name, "arguments": text}
    return {"id": call_id, "type": "function", "function": function}


def failure(status: int, code: str = "", **headers: str) -> Answer:
    """The server refuses a request."""
    body = json.dumps({"error": {"message": "no", "type": "x", "code": code}})
    return Answer(body.encode(), status, headers)


def _message(message: Json, reason: str) -> Answer:
    completion = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1700000000,
        "model": "stand-in",
        "choices": [{"index": 0, "message": message, "finish_reason": reason}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }
    return Answer(json.dumps(completion).encode())


class ModelServer:
    """Gives the scripted answers in order, then what `otherwise` makes."""

    def __init__(self) -> None:
        self.requests: list[Json] = []
        self.url = ""
        self.left = 0  # requests whose caller has gone before the answer
        self._script: list[Answer] = []
        self._otherwise: Callable[[], Answer] = lambda: text("I am done.")
        self._free = asyncio.Event()
        self._free.set()

    @property
    def settings(self) -> dict[str, str]:
        """A bot's settings that lead to it."""
        return {"OPENAI_API_KEY": API_KEY, "OPENAI_BASE_URL": self.url}

    def hold(self) -> None:
        """Answer nothing until `let_go`."""
        self._free.clear()

    def let_go(self) -> None:
        """Answer what waits, and all that comes."""
        self._free.set()

    def script(
        self, *answers: Answer, otherwise: Callable[[], Answer] | None = None
    ) -> None:
        """Set the next answers, in place of any that are left."""
        self._script = list(answers)
        self._otherwise = otherwise or (lambda: text("I am done."))
        self.requests.clear()

    async def complete(self, request: web.Request) -> web.StreamResponse:
        """`POST /chat/completions`"""
        assert request.headers["Authorization"] == f"Bearer {API_KEY}"
        self.requests.append(await request.json())
        answer = self._script.pop(0) if self._script else self._otherwise()
        try:
            await self._free.wait()
            await asyncio.sleep(answer.seconds)
        except asyncio.CancelledError:
            self.left += 1
            raise
        if answer.cut and request.transport:
            request.transport.abort()
        headers = {"Content-Type": "application/json", **answer.headers}
        if answer.half:
            return await _break_off(request, answer.body, headers)
        return web.Response(body=answer.body, status=answer.status, headers=headers)


async def _break_off(
    request: web.Request, body: bytes, headers: dict[str, str]
) -> web.StreamResponse:
    response = web.StreamResponse(headers=headers)
    response.content_length = len(body)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport:
        request.transport.abort()
    return response


@asynccontextmanager
async def run_model_server() -> AsyncIterator[ModelServer]:
    """Serve on loopback until the end."""
    server = ModelServer()
    application = web.Application()
    application.add_routes([web.post("/v1/chat/completions", server.complete)])
    runner = web.AppRunner(
        application, access_log=None, shutdown_timeout=1, handler_cancellation=True
    )
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        yield server
    finally:
        await runner.cleanup()
