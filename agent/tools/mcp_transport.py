"""Connections to MCP servers, which keep no more of what they send than is bounded.

The SDK keeps a line, an event or a body until its end has come, however long.
"""

from __future__ import annotations

import asyncio
import codecs
import re
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Mapping,
)
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, cast

import httpx

if TYPE_CHECKING:
    from mcp import ClientSession

MAX_MESSAGE = 16_000_000  # bytes
ENCODING = "bounded_utf_8"
EVENTS = "text/event-stream"
T = TypeVar("T")
_ID = re.compile(rb"(?:^|[\r\n])id:")  # of an event, from which the SDK goes on


class TooLong(ValueError):
    """A server sent more than a message may have."""


class _Meter:
    """Counts what has come since the last end of a message."""

    def __init__(self, *ends: bytes) -> None:
        self._ends = ends
        self._kept = 0
        self._tail = b""  # an end may come in two chunks

    def count(self, chunk: bytes) -> None:
        """Count a chunk.

        Raises:
            TooLong: the message has not ended where it has to.
        """
        seen = self._tail + chunk
        self._tail = seen[-3:]
        end = max((seen.rfind(each) for each in self._ends), default=-1)
        self._kept = len(seen) - end if end >= 0 else self._kept + len(chunk)
        if self._kept > MAX_MESSAGE:
            raise TooLong


class _Decoder(codecs.IncrementalDecoder):
    """UTF-8 whose lines are bounded: the SDK takes an encoding, and no bound."""

    def __init__(self, errors: str = "strict") -> None:
        super().__init__(errors)
        self._meter = _Meter(b"\n")
        self._inner = codecs.getincrementaldecoder("utf-8")(errors)

    def decode(self, input: Any, final: bool = False) -> str:
        self._meter.count(input)
        return self._inner.decode(input, final)


def _codec(name: str) -> codecs.CodecInfo | None:
    if name != ENCODING:
        return None
    plain = codecs.lookup("utf-8")
    return codecs.CodecInfo(
        plain.encode, plain.decode, incrementaldecoder=_Decoder, name=ENCODING
    )


codecs.register(_codec)


class _Body(httpx.AsyncByteStream):
    """The bounded body of one answer, which says when no answer comes any more."""

    def __init__(self, response: httpx.Response, lose: Callable[[], None]) -> None:
        self._inner = cast("httpx.AsyncByteStream", response.stream)
        self._is_call = response.request.method == "POST"
        kind = response.headers.get("content-type", "")
        self._is_events = kind.lower().startswith(EVENTS)
        ends = (b"\n\n", b"\r\n\r\n", b"\r\r") if self._is_events else ()
        self._meter = _Meter(*ends)
        self._lose = lose

    async def __aiter__(self) -> AsyncIterator[bytes]:
        resumable = False
        try:
            async for chunk in self._inner:
                self._meter.count(chunk)
                resumable = resumable or _ID.search(chunk) is not None
                yield chunk
        except Exception:
            if self._is_call and not resumable:
                self._lose()
            raise
        # The SDK closes events at the answer: what it has read to the end had none.
        if self._is_call and self._is_events and not resumable:
            self._lose()

    async def aclose(self) -> None:
        await self._inner.aclose()


def http_clients(lose: Callable[[], None]) -> Callable[..., httpx.AsyncClient]:
    """Make clients whose answers are bounded.

    Args:
        lose: called when a call that was sent gets no answer any more.
    """
    from mcp.shared._httpx_utils import create_mcp_http_client

    async def bound(response: httpx.Response) -> None:
        if response.headers.get("content-encoding", "identity") != "identity":
            raise httpx.DecodingError("compressed")
        response.stream = _Body(response, lose)

    def make(**options: Any) -> httpx.AsyncClient:
        client = create_mcp_http_client(**options)
        client.headers["accept-encoding"] = "identity"
        client.event_hooks = {"response": [bound]}
        return client

    return make


class Gone(Exception):
    """The connection ended while something was waited for."""


@dataclass
class Link:
    """One connection to a server, for as long as it lasts."""

    session: ClientSession
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    asked: str = ""  # what the server wanted to know of a person, last

    async def until_gone(self, work: Awaitable[T]) -> T:
        task = asyncio.ensure_future(work)
        gone = asyncio.ensure_future(self.gone.wait())
        try:
            await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise Gone
            return task.result()
        finally:
            gone.cancel()
            task.cancel()


@asynccontextmanager
async def opened(
    connection: Mapping[str, Any],
    hear: Callable[[object], Awaitable[None]] | None = None,
) -> AsyncGenerator[Link]:
    """Open a connection that is not initialized yet.

    Args:
        connection: of `langchain_mcp_adapters`.
        hear: gets the server's notifications.
    """
    # A second, which a bot without such servers does without.
    from langchain_mcp_adapters.sessions import create_session
    from mcp import types

    links: list[Link] = []

    def lose() -> None:
        for link in links:
            link.gone.set()

    async def decline(_context: Any, question: Any) -> types.ElicitResult:
        links[0].asked = question.message
        return types.ElicitResult(action="decline")

    async def heard(message: object) -> None:
        if isinstance(message, Exception) and "url" in connection:
            lose()  # what cannot be read was the answer; another does not come
        if hear is not None:
            await hear(message)

    bounds: dict[str, Any] = {"encoding": ENCODING}
    if connection["transport"] != "stdio":
        bounds = {"httpx_client_factory": http_clients(lose)}
    options = {"elicitation_callback": decline, "message_handler": heard}
    made = cast("Any", {**connection, **bounds, "session_kwargs": options})
    async with create_session(made) as session:
        links.append(Link(session))
        yield links[0]
