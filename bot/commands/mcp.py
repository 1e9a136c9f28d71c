"""`python -m bot mcp`: the tools of `/mcp` for a client on this machine, over stdio."""

from __future__ import annotations

import argparse
from typing import Any

import anyio
import httpx
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage
from mcp.types import (
    INTERNAL_ERROR,
    ErrorData,
    JSONRPCError,
    JSONRPCMessage,
    JSONRPCRequest,
)

from bot.base.errors import ConfigurationError
from bot.base.settings import Settings
from bot.texts.api import mcp_away, mcp_status
from bot.texts.operation import MCP_NEEDS

LONGEST = 70.0  # seconds; the bot answers within 50


async def mcp_command(settings: Settings, _parsed: argparse.Namespace, _: str) -> int:
    """Carry each message to the bot and its answer back, until stdin ends."""
    if settings.approvals_url is None or settings.approvals_token is None:
        raise ConfigurationError(MCP_NEEDS)
    token = settings.approvals_token.get_secret_value()
    headers = {
        "Authorization": "Bearer " + token,
        "Accept": "application/json, text/event-stream",
        "Content-Type": "application/json",
    }
    async with (
        httpx.AsyncClient(headers=headers, timeout=LONGEST) as client,
        stdio_server() as (incoming, outgoing),
        anyio.create_task_group() as tasks,
    ):
        carrier = _Carrier(client, f"{settings.approvals_url}/mcp", outgoing)
        async for message in incoming:
            if isinstance(message, SessionMessage):  # else it is no JSON-RPC
                tasks.start_soon(carrier.carry, message.message)
    return 0


class _Carrier:
    """Takes one message there, whatever happens on the way."""

    def __init__(self, client: httpx.AsyncClient, url: str, outgoing: Any) -> None:
        self._client, self._url, self._outgoing = client, url, outgoing

    async def carry(self, message: JSONRPCMessage) -> None:
        sent = message.model_dump_json(by_alias=True, exclude_none=True)
        try:
            answer = await self._client.post(self._url, content=sent)
        except httpx.HTTPError as error:
            told = self._trouble(message, type(error).__name__)
        else:
            told = self._answer(message, answer)
        if told is not None:
            await self._outgoing.send(SessionMessage(told))

    def _answer(
        self, message: JSONRPCMessage, answer: httpx.Response
    ) -> JSONRPCMessage | None:
        try:
            return JSONRPCMessage.model_validate_json(answer.content)
        except ValueError:
            return self._trouble(message, _said(answer))

    def _trouble(self, message: JSONRPCMessage, said: str) -> JSONRPCMessage | None:
        """Answer a request in place of the bot; a notification has no answer."""
        if not isinstance(message.root, JSONRPCRequest):
            return None
        error = ErrorData(code=INTERNAL_ERROR, message=mcp_away(self._url, said))
        told = JSONRPCError(jsonrpc="2.0", id=message.root.id, error=error)
        return JSONRPCMessage(told)


def _said(answer: httpx.Response) -> str:
    """The bot's own sentence, such as that the token is unknown."""
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        return mcp_status(answer.status_code)
