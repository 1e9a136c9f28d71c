"""`POST /slack/events`: the one door for what Slack sends over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from urllib.parse import parse_qs

from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.signature import SignatureVerifier

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
        if not _is_signed(verifier, request, body):
            return web.Response(status=401, text="The signature is missing or wrong.")
        text = _decoded(body)
        if text is None or not _is_readable(request, text):
            return web.Response(status=400, text="The body cannot be read.")
        if not is_ready():
            return web.Response(status=503, text="Starting; please send it again.")
        headers: dict[str, str | Sequence[str]] = dict(request.headers.items())
        dispatched = await app.async_dispatch(
            AsyncBoltRequest(body=text, query=request.query_string, headers=headers)
        )
        return _answer(dispatched)

    return [web.post("/slack/events", receive)]


async def _read(request: web.Request) -> bytes | None:
    if (request.content_length or 0) > LARGEST:
        return None
    body = await request.content.read(LARGEST + 1)
    while len(body) <= LARGEST and not request.content.at_eof():
        body += await request.content.read(LARGEST + 1 - len(body))
    return body if len(body) <= LARGEST else None


def _is_signed(verifier: SignatureVerifier, request: web.Request, body: bytes) -> bool:
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


def _is_readable(request: web.Request, text: str) -> bool:
    """Whether Bolt will find an object: JSON, or a form with JSON in `payload`."""
    if request.content_type == "application/json":
        return _is_object(text)
    form = parse_qs(text)
    if "payload" in form:
        return _is_object(form["payload"][0])
    return bool(form)


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _answer(response: BoltResponse) -> web.Response:
    headers = response.first_headers_without_set_cookie()
    return web.Response(
        status=200 if response.status == 404 else response.status,
        text=response.body,
        headers=headers,
    )
