"""`POST /slack/events` byte by byte, for what no well-behaved client would send."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
import time
from typing import Any
from urllib.parse import urlencode

from tests.support.stage import SIGNING_SECRET

FORM = b"application/x-www-form-urlencoded"
JSON = b"application/json"
Headers = dict[bytes, bytes]
#: The first thing that Slack sends to an address.
CHALLENGE = json.dumps({"type": "url_verification", "challenge": "abc"}).encode()


def signed(
    body: bytes, content_type: bytes = JSON, *, at: float | None = None
) -> Headers:
    """The headers of Slack's own request with this body."""
    timestamp = str(int(time.time() if at is None else at)).encode()
    return signed_with(timestamp, body, content_type)


def signed_with(timestamp: bytes, body: bytes, content_type: bytes = JSON) -> Headers:
    """The same with any timestamp, which the signature covers."""
    base = b"v0:" + timestamp + b":" + body
    digest = hmac.new(SIGNING_SECRET.encode(), base, hashlib.sha256).hexdigest()
    return {
        b"Content-Type": content_type,
        b"X-Slack-Request-Timestamp": timestamp,
        b"X-Slack-Signature": f"v0={digest}".encode(),
    }


async def knock(
    port: int,
    body: bytes = b"",
    headers: Headers | None = None,
    *,
    method: bytes = b"POST",
    length: int | None = None,
) -> tuple[int, str]:
    """Send one request and return the status and the body of its answer.

    `length` is the Content-Length where it is not the body's.
    """
    head = [method + b" /slack/events HTTP/1.1", b"Host: localhost"]
    head += [name + b": " + value for name, value in (headers or {}).items()]
    size = len(body) if length is None else length
    head += [b"Content-Length: " + str(size).encode(), b"Connection: close"]
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"\r\n".join([*head, b"", body]))
        await writer.drain()
        start = await reader.readuntil(b"\r\n\r\n")
        found = re.search(rb"(?i)content-length: (\d+)", start)
        text = await reader.readexactly(int(found[1]) if found else 0)
        writer.close()
    return int(start.split()[1]), text.decode()


async def say(port: int, payload: Any) -> tuple[int, str]:
    """Send JSON, rightly signed."""
    body = json.dumps(payload).encode()
    return await knock(port, body, signed(body))


async def interact(port: int, payload: Any) -> tuple[int, str]:
    """Send the payload of an interaction as a form, rightly signed."""
    body = urlencode({"payload": json.dumps(payload)}).encode()
    return await knock(port, body, signed(body, FORM))
