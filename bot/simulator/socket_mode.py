"""Socket Mode: single-use addresses, envelopes and their acks (docs: socket-mode)."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
import uuid
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import WSCloseCode, WSMsgType, web

from bot.simulator.app_delivery import Ack, Times
from bot.simulator.shapes import Json, as_object

MOST_SOCKETS = 10
_TICKET_SECONDS = 30.0
_WITH_RESPONSE = ("view_submission", "block_suggestion")  # and slash commands
DisconnectReason = Literal[
    "warning", "refresh_requested", "link_disabled", "too_many_websockets"
]


@dataclass(eq=False)
class _Socket:
    stream: web.WebSocketResponse
    waiting: dict[str, asyncio.Future[Ack]] = field(
        default_factory=dict[str, "asyncio.Future[Ack]"]
    )

    def answer(self, envelope_id: str, ack: Ack) -> None:
        future = self.waiting.pop(envelope_id, None)
        if future is not None and not future.done():
            future.set_result(ack)

    def give_up(self) -> None:
        for envelope_id in tuple(self.waiting):
            self.answer(envelope_id, Ack(acked=False, reason="connection_failed"))


class SocketMode:
    """The open sockets of one app; each envelope goes to one of them in turn."""

    def __init__(self, app_id: str, times: Times) -> None:
        """Start with no socket open."""
        self._app_id, self._times = app_id, times
        self._tickets: dict[str, float] = {}
        self._sockets: list[_Socket] = []
        self._opened = asyncio.Event()
        self._turn = 0

    @property
    def count(self) -> int:
        """The number of open sockets."""
        return len(self._sockets)

    def issue_ticket(self) -> str:
        """Return a word that opens one socket, within 30 s."""
        ticket = secrets.token_urlsafe(24)
        self._tickets[ticket] = time.monotonic() + _TICKET_SECONDS
        return ticket

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """Serve one socket until it closes."""
        expires = self._tickets.pop(request.query.get("ticket", ""), 0.0)
        if expires < time.monotonic():
            raise web.HTTPForbidden(text="This address was used before or is too old.")
        stream = web.WebSocketResponse(heartbeat=30)
        await stream.prepare(request)
        if self.count >= MOST_SOCKETS:
            await stream.send_json(_disconnect("too_many_websockets"))
            await stream.close()
            return stream
        await stream.send_json(self._hello())
        socket = _Socket(stream)
        self._sockets.append(socket)
        self._opened.set()
        try:
            await self._listen(socket)
        finally:
            self._forget(socket)
        return stream

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": self.count + 1,
            "debug_info": {
                "host": "applink-simulated",
                "build_number": 1,
                "approximate_connection_time": 18060,
            },
            "connection_info": {"app_id": self._app_id},
        }

    async def _listen(self, socket: _Socket) -> None:
        async for frame in socket.stream:
            if frame.type is WSMsgType.TEXT:
                ack = _parsed(str(frame.data))
                body = as_object(ack.get("payload"))
                self._answer(str(ack.get("envelope_id", "")), body)

    def _answer(self, envelope_id: str, body: Json | None) -> None:
        """Match an ack, which may come over another socket than the envelope."""
        for socket in self._sockets:
            socket.answer(envelope_id, Ack(acked=True, status=200, body=body))

    def _forget(self, socket: _Socket) -> None:
        if socket in self._sockets:
            self._sockets.remove(socket)
        socket.give_up()
        if not self._sockets:
            self._opened.clear()

    async def event(self, payload: Json, retry: int = 0) -> bool:
        """Send an event until it is acked or the retries are used up.

        While no socket is open each wait lasts until one is, at most the delay.
        """
        if retry:
            return (await self._send("events_api", payload, retry)).acked
        for number in range(len(self._times.retries) + 1):
            ack = await self._send("events_api", payload, number)
            if ack.acked:
                return True
            if number < len(self._times.retries):
                await self._until_open(self._times.retries[number])
        return False

    async def _until_open(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._opened.wait()
        except TimeoutError:
            return

    async def interaction(self, payload: Json) -> Ack:
        """Send a click or a form, once."""
        return await self._send("interactive", payload, None)

    async def command(self, payload: Json) -> Ack:
        """Send a slash command, once."""
        return await self._send("slash_commands", payload, None)

    async def _send(self, kind: str, payload: Json, attempt: int | None) -> Ack:
        if not self._sockets:
            return Ack(acked=False, reason="connection_failed")
        self._turn += 1
        socket = self._sockets[self._turn % len(self._sockets)]
        envelope = _envelope(kind, payload, attempt)
        future: asyncio.Future[Ack] = asyncio.get_running_loop().create_future()
        socket.waiting[envelope["envelope_id"]] = future
        try:
            async with asyncio.timeout(self._times.ack):
                await socket.stream.send_json(envelope)
                return await future
        except TimeoutError:
            return Ack(acked=False, reason="timeout")
        except ConnectionError:
            return Ack(acked=False, reason="connection_failed")
        finally:
            socket.waiting.pop(envelope["envelope_id"], None)

    async def disconnect(self, reason: DisconnectReason) -> None:
        """Tell every socket to go; all but a warning also close it."""
        for socket in tuple(self._sockets):
            await socket.stream.send_json(_disconnect(reason))
            if reason != "warning":
                self._forget(socket)
                await socket.stream.close()

    async def close(self) -> None:
        """Close all sockets."""
        for socket in tuple(self._sockets):
            self._forget(socket)
            await socket.stream.close(code=WSCloseCode.GOING_AWAY)


def _envelope(kind: str, payload: Json, attempt: int | None) -> Json:
    envelope: dict[str, Any] = {
        "envelope_id": str(uuid.uuid4()),
        "type": kind,
        "payload": payload,
        "accepts_response_payload": kind == "slash_commands"
        or payload.get("type") in _WITH_RESPONSE,
    }
    if attempt is not None:
        envelope["retry_attempt"] = attempt
        envelope["retry_reason"] = "timeout" if attempt else ""
    return envelope


def _disconnect(reason: DisconnectReason) -> Json:
    debug_info = {"host": "applink-simulated"}
    return {"type": "disconnect", "reason": reason, "debug_info": debug_info}


def _parsed(text: str) -> Json:
    try:
        return as_object(json.loads(text)) or {}
    except ValueError:
        return {}
