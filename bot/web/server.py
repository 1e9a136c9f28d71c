"""`POST /slack/events`: the one door for what Slack sends over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import parse_qs

from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.signature import SignatureVerifier

from bot.slack.payload import Json, readable

LARGEST = 1_000_000  # bytes; Slack's own largest payloads are a few hundred kB


def slack_routes(
    app: AsyncApp, signing_secret: str, is_ready: Callable[[], bool]
) -> list[web.RouteDef]:
    """Verify the raw body, then let Bolt dispatch it.

    401: unsigned, wrongly signed, stale or malformed headers. 400: a body that cannot
    be read. 413: too large. 503: not stored; Slack sends events again, and tells the
    person who clicked.
    """
    verifier = SignatureVerifier(signing_secret)

    async def receive(request: web.Request) -> web.Response:
        body = await _read(request)
        if body is None:
            return web.Response(status=413, text="The body is too large.")
        text = _decoded(body)
        if text is None:
            return _unreadable()
        if not _is_signed(verifier, request, text):
            return web.Response(status=401, text="The signature is missing or wrong.")
        payload = readable(_payload(request.content_type, text))
        if payload is None:
            return _unreadable()
        if not is_ready():
            return web.Response(status=503, text="Not ready; please send it again.")
        return _answer(await app.async_dispatch(_for_bolt(payload)))

    return [web.post("/slack/events", receive)]


async def _read(request: web.Request) -> bytes | None:
    if (request.content_length or 0) > LARGEST:
        return None
    body = await request.content.read(LARGEST + 1)
    while len(body) <= LARGEST and not request.content.at_eof():
        body += await request.content.read(LARGEST + 1 - len(body))
    return body if len(body) <= LARGEST else None


def _unreadable() -> web.Response:
    return web.Response(status=400, text="The body cannot be read.")


def _is_signed(verifier: SignatureVerifier, request: web.Request, body: str) -> bool:
    """Slack's `v0` signature over timestamp and raw body, at most 5 minutes old.

    https://docs.slack.dev/authentication/verifying-requests-from-slack
    """
    timestamp = request.headers.get("X-Slack-Request-Timestamp", "")
    signature = request.headers.get("X-Slack-Signature", "")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 16):
        return False
    if not signature.isascii():
        return False
    return verifier.is_valid(body=body, timestamp=timestamp, signature=signature)


def _decoded(body: bytes) -> str | None:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _payload(content_type: str, text: str) -> object:
    """The one value in a body: JSON, JSON in the form field `payload`, or a form."""
    if content_type == "application/json":
        return _parsed(text)
    if content_type != "application/x-www-form-urlencoded":
        return None
    form = parse_qs(text, keep_blank_values=True)
    fields = {name: values[0] for name, values in form.items()}
    if "payload" in fields:
        return _parsed(fields["payload"])
    return fields if any(fields.values()) else None


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _for_bolt(payload: Json) -> AsyncBoltRequest:
    """Bolt reads what was checked, and not the body once more in its own way."""
    return AsyncBoltRequest(
        body=json.dumps(payload), headers={"content-type": "application/json"}
    )


def _answer(response: BoltResponse) -> web.Response:
    headers = response.first_headers_without_set_cookie()
    return web.Response(
        status=200 if response.status == 404 else response.status,
        text=response.body,
        headers=headers,
    )
