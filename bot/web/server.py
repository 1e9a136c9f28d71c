"""The routes for Slack's requests, health and metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from hmac import compare_digest

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.signature import SignatureVerifier
from yarl import query_to_pairs

from bot.base.quick_json import quick_loads
from bot.database.pool import Pool
from bot.slack.app import Json, readable
from bot.slack.client import SKEW, WRONG_SECRET, Troubles
from bot.texts import operation
from bot.texts.web import BODY_TOO_LARGE, NOT_READY, NOT_SIGNED, UNREADABLE
from bot.web import SQL

EVENTS = "/slack/events"
UNSIGNED = "unsigned"  # by anybody: nothing for an operator
LARGEST = 1_000_000  # bytes; Slack's own largest payloads are a few hundred kB


def slack_routes(
    app: AsyncApp, signing_secret: str, is_ready: Callable[[], bool], troubles: Troubles
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
            return web.Response(status=413, text=BODY_TOO_LARGE)
        text = _decoded(body)
        if text is None:
            return _unreadable()
        if refused := _refusal(verifier, request, text):
            troubles.refused(EVENTS, refused)
            return web.Response(status=401, text=NOT_SIGNED)
        troubles.worked(EVENTS)
        payload = readable(_payload(request.content_type, text))
        if payload is None:
            return _unreadable()
        if not is_ready():
            return web.Response(status=503, text=NOT_READY)
        return _answer(await app.async_dispatch(_for_bolt(payload)))

    return [web.post(EVENTS, receive)]


async def _read(request: web.Request) -> bytes | None:
    if (request.content_length or 0) > LARGEST:
        return None
    body = await request.content.read(LARGEST + 1)
    while len(body) <= LARGEST and not request.content.at_eof():
        body += await request.content.read(LARGEST + 1 - len(body))
    return body if len(body) <= LARGEST else None


def _unreadable() -> web.Response:
    return web.Response(status=400, text=UNREADABLE)


def _refusal(verifier: SignatureVerifier, request: web.Request, body: str) -> str:
    """Return a word for what is not signed by Slack within the last 5 minutes, else "".

    Its `v0` signature is over timestamp and raw body. One that is right and of another
    time tells of a clock.
    https://docs.slack.dev/authentication/verifying-requests-from-slack
    """
    timestamp = request.headers.get("X-Slack-Request-Timestamp", "")
    signature = request.headers.get("X-Slack-Signature", "")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 16):
        return UNSIGNED
    if not (signature and signature.isascii()):
        return UNSIGNED
    if verifier.is_valid(body=body, timestamp=timestamp, signature=signature):
        return ""
    right = verifier.generate_signature(timestamp=timestamp, body=body) or ""
    return SKEW if compare_digest(right, signature) else WRONG_SECRET


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
    fields = dict(reversed(query_to_pairs(text)))  # of a name the first value counts
    if "payload" in fields:
        return _parsed(fields["payload"])
    return fields if any(fields.values()) else None


def _parsed(text: str) -> object:
    try:
        return quick_loads(text)
    except (ValueError, RecursionError):
        return None


def _for_bolt(payload: Json) -> AsyncBoltRequest:
    """Bolt reads what was checked, and not the body once more in its own way."""
    return AsyncBoltRequest(body=payload, mode="socket_mode")


def _answer(response: BoltResponse) -> web.Response:
    headers = response.first_headers_without_set_cookie()
    return web.Response(
        status=200 if response.status == 404 else response.status,
        text=response.body,
        headers=headers,
    )


Ping = Callable[[], Awaitable[str]]
PING = 2.0  # seconds that a ping may take


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
        answers = await asyncio.gather(*(_in_time(ping) for ping in pings.values()))
        failing = [
            f"{name}: {trouble}"
            for name, trouble in zip(pings, answers, strict=True)
            if trouble
        ]
        notes = [f"{name}: {trouble}" for name, trouble in details().items()]
        lines = failing or [operation.READY]
        return web.Response(
            status=503 if failing else 200, text="\n".join([*lines, *notes]) + "\n"
        )

    return [web.get("/healthz", healthz), web.get("/readyz", readyz)]


async def _in_time(ping: Ping) -> str:
    """Return the answer of a ping; one that comes too late goes on and is not heard."""
    task = asyncio.ensure_future(ping())
    done, _ = await asyncio.wait({task}, timeout=PING)
    return task.result() if done else operation.NO_ANSWER


def metrics_routes(
    pool: Pool,
    is_up: Callable[[], Awaitable[bool]],
    refusals: Mapping[str, int],
    blocked: Callable[[], float],
) -> list[web.RouteDef]:
    """The route; without a database it still answers, with `approval_bot_up 0`.

    Args:
        refusals: how often Slack has refused what the bot needs, by its word.
        blocked: seconds for which the served graph's code has held its loop.
    """

    async def metrics(_request: web.Request) -> web.Response:
        registry = CollectorRegistry()
        up = Gauge("approval_bot_up", operation.UP, registry=registry)
        name, help = "approval_bot_slack_refusals", operation.REFUSED
        refused = Counter(name, help, ["reason"], registry=registry)
        for reason, count in refusals.items():
            refused.labels(reason).inc(count)
        name = "approval_bot_graph_blocked_seconds"
        Gauge(name, operation.BLOCKED, registry=registry).set(blocked())
        if await is_up():
            up.set(1)
            await _collect(pool, registry)
        body = generate_latest(registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    return [web.get("/metrics", metrics)]


async def _collect(pool: Pool, registry: CollectorRegistry) -> None:
    gauges: Mapping[str, Gauge] = {
        name: Gauge(f"approval_bot_{name}", text, ["state"], registry=registry)
        for name, text in operation.COUNTED.items()
    }
    oldest = Gauge(
        "approval_bot_oldest_pending_seconds",
        operation.OLDEST,
        registry=registry,
    )
    async with pool.connection() as connection:
        for row in await (await connection.execute(SQL["count_states"])).fetchall():
            gauges[row["what"]].labels(row["word"]).set(row["n"])
        age = await (await connection.execute(SQL["oldest_pending"])).fetchone()
    oldest.set(float(age["age"]) if age else 0)
