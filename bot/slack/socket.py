"""Socket Mode: Bolt's handler, and slack_sdk's client made to come back."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, cast

import aiohttp
import structlog
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.payload import readable
from bot.time_limits import limits

log = structlog.get_logger(__name__)


class SocketHandler(AsyncSocketModeHandler):
    """One connection of an app; what Slack sends over it goes to Bolt."""

    def __init__(self, app: AsyncApp, token: str, web_client: AsyncWebClient) -> None:
        # not the base class's own: that one makes a client that cannot be chosen
        self.app = app
        self.app_token = token
        self.client = SocketClient(
            app_token=token,
            logger=_in_one_line(),
            web_client=web_client,
            ping_interval=limits().socket_ping,
        )
        listeners = cast("list[Any]", self.client.socket_mode_request_listeners)
        listeners.append(self.handle)

    async def open(self) -> None:
        """Connect for the first time.

        Raises:
            SlackApiError: Slack gives no address, as for a wrong token.
            aiohttp.ClientError, TimeoutError: Slack cannot be reached.
        """
        self.client.wss_uri = await self.client.issue_new_wss_url()
        await self.client.connect()

    async def handle(self, client: SocketModeClient, req: SocketModeRequest) -> None:
        """Let Bolt dispatch one envelope.

        What cannot be read is not acknowledged, so that Slack tells whoever clicked.
        """
        payload = readable(cast("Any", req.payload))
        if payload is None:
            log.warning("unreadable envelope", action="unreadable", kind=req.type)
            return
        req.payload = payload
        await super().handle(client, req)


class SocketClient(SocketModeClient):
    """Asks for a new address before each try to connect.

    An address opens one socket within seconds; the base class tries one for ever.
    https://docs.slack.dev/apis/events-api/using-socket-mode#call
    """

    async def issue_new_wss_url(self) -> str:
        """Ask for an address; the base class stumbles over an answer without JSON.

        Raises:
            SlackApiError, aiohttp.ClientError, TimeoutError: there is none now.
        """
        answer = await self.web_client.apps_connections_open(app_token=self.app_token)
        return str(cast("Any", answer)["url"])

    async def connect(self) -> None:
        """Connect, however often that takes."""
        while not self.closed:
            try:
                if self.wss_uri is None:
                    self.wss_uri = await self.issue_new_wss_url()
                async with asyncio.timeout(limits().socket_try):
                    await super().connect()
                return
            except (SlackApiError, aiohttp.ClientError, TimeoutError, OSError) as error:
                log.warning(
                    "Slack's socket cannot be opened, trying again",
                    action="socket_waits",
                    trouble=type(error).__name__,
                )
            finally:
                self.wss_uri = None
            await asyncio.sleep(self.ping_interval)


def _in_one_line() -> logging.Logger:
    """The client's log without tracebacks: each of its errors is followed by a try."""

    def shorten(record: logging.LogRecord) -> bool:
        record.exc_info = None
        return True

    logger = logging.getLogger("slack_sdk.socket_mode")
    logger.filters[:] = [shorten]
    return logger
