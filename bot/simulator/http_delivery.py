"""Signed HTTP requests to the bot, as Slack sends them to a request URL."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace
from urllib.parse import urlencode

import aiohttp
from slack_sdk.signature import SignatureVerifier

from bot.simulator.app_delivery import Ack, Times
from bot.simulator.shapes import Json, as_object

_JSON = "application/json"
_FORM = "application/x-www-form-urlencoded"


class HttpDelivery:
    """Posts to one URL; events are retried three times, clicks never."""

    def __init__(self, url: str, signing_secret: str, times: Times) -> None:
        """Open nothing yet."""
        self._url, self._times = url, times
        self.signing_secret = signing_secret
        self.ahead = 0.0  # seconds that this clock is ahead of the bot's
        self._session: aiohttp.ClientSession | None = None

    async def event(self, payload: Json, retry: int = 0) -> bool:
        """Post an event until it is taken, the retries are used up or refused."""
        if retry:
            return (await self._post_event(payload, retry, "http_timeout")).acked
        ack = await self._post_event(payload, 0, "")
        for number, delay in enumerate(self._times.retries, start=1):
            if ack.acked or ack.no_retry:
                break
            await asyncio.sleep(delay)
            ack = await self._post_event(payload, number, ack.reason)
        return ack.acked

    async def _post_event(self, payload: Json, number: int, reason: str) -> Ack:
        headers: dict[str, str] = {}
        if number:
            headers["X-Slack-Retry-Num"] = str(number)
            headers["X-Slack-Retry-Reason"] = reason
        return await self._post(json.dumps(payload), _JSON, headers)

    async def interaction(self, payload: Json) -> Ack:
        """Post a click or a form as the form field `payload`."""
        return await self._post(urlencode({"payload": json.dumps(payload)}), _FORM, {})

    async def command(self, payload: Json) -> Ack:
        """Post a slash command as form fields; a plain text answers it too."""
        ack = await self._post(urlencode(payload), _FORM, {})
        if ack.body is None and ack.text.strip():
            return replace(ack, body={"text": ack.text})
        return ack

    async def _post(self, body: str, content_type: str, headers: dict[str, str]) -> Ack:
        timestamp = str(int(time.time() + self.ahead))
        signer = SignatureVerifier(self.signing_secret)
        signature = signer.generate_signature(timestamp=timestamp, body=body)
        headers = headers | {
            "Content-Type": content_type,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": signature or "",
        }
        try:
            async with asyncio.timeout(self._times.ack):
                return await self._exchange(body, headers)
        except TimeoutError:
            return Ack(acked=False, reason="http_timeout")
        except aiohttp.ClientError:
            return Ack(acked=False, reason="connection_failed")

    async def _exchange(self, body: str, headers: dict[str, str]) -> Ack:
        async with self._opened().post(
            self._url, data=body.encode(), headers=headers, allow_redirects=False
        ) as response:
            text = await response.text()
            taken = 200 <= response.status < 300
            return Ack(
                acked=taken,
                status=response.status,
                body=_parsed(text),
                text=text,
                reason="" if taken else "http_error",
                no_retry=response.headers.get("X-Slack-No-Retry") == "1",
            )

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            # As many clicks at once as a bench wants; Slack has no limit either.
            connector = aiohttp.TCPConnector(limit=0)
            self._session = aiohttp.ClientSession(connector=connector)
        return self._session

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None


def _parsed(text: str) -> Json | None:
    try:
        return as_object(json.loads(text))
    except ValueError:
        return None
