"""Connections to MCP servers, which keep no more of what they send than is bounded.

The SDK keeps a line, an event or a body until its end has come, however long.
"""

from __future__ import annotations

import asyncio
import codecs
import logging
import re
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Generator,
    Mapping,
)
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, cast

import httpx

if TYPE_CHECKING:
    from mcp import ClientSession, types

logger = logging.getLogger(__name__)
MAX_QUESTIONS = 5  # of a server in one call
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


@dataclass(frozen=True)
class Reply:
    """A person's reply to a server that asks in the middle of a call."""

    action: Literal["accept", "decline", "cancel"]
    content: dict[str, Any] | None = None


#: Puts a server's question to the person of one call, and waits: its words, and the
#: JSON schema of an answer. None: it can't be put to them.
Ask = Callable[[str, Mapping[str, Any]], Coroutine[Any, Any, Reply | None]]


class AskPerson(Protocol):
    """Puts a server's question during a call to the person who asked for the call."""

    async def __call__(
        self,
        thread: str | None,
        server: str,
        message: str,
        schema: Mapping[str, Any],
        /,
    ) -> Reply | None:
        """Wait for the person's reply; None where there is no person to ask.

        Args:
            thread: the conversation's id in LangGraph.
            message: the server's own words.
            schema: JSON schema of the answer, the server's too.
        """
        ...


@dataclass(eq=False)
class Calling:
    """One call under way. Its time stands still while its person is asked something."""

    ask: Ask | None
    limit: asyncio.Timeout
    seconds: float
    left: int = MAX_QUESTIONS
    task: asyncio.Task[Reply | None] | None = None
    is_over: bool = False

    async def put(self, message: str, schema: Mapping[str, Any]) -> Reply | None:
        """Put a question, one at a time; see `Ask`."""
        is_over = self.is_over or self.limit.expired()
        if self.ask is None or self.task or is_over or not self.left:
            return None
        self.left -= 1
        self.limit.reschedule(None)
        self.task = asyncio.create_task(self.ask(message, schema))
        await asyncio.wait({self.task})
        task, self.task = self.task, None
        if not self.is_over:
            self.limit.reschedule(asyncio.get_running_loop().time() + self.seconds)
        if task.cancelled():
            return Reply("cancel")
        if error := task.exception():
            logger.warning("a server's question failed: %s", type(error).__name__)
            return None
        return task.result()

    def end(self) -> None:
        """Withdraw what is still asked."""
        self.is_over = True
        if self.task is not None:
            self.task.cancel()


@dataclass
class Link:
    """One connection to a server, for as long as it lasts."""

    session: ClientSession
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    asked: str = ""  # what the server wanted to know and nobody was asked, last
    calls: list[Calling] = field(default_factory=list[Calling])

    @contextmanager
    def calling(
        self, ask: Ask | None, limit: asyncio.Timeout, seconds: float
    ) -> Generator[None]:
        """Know of a call while the block goes on.

        One that the server has not answered may go on there and still ask, so that it
        is never forgotten: see `answer`.
        """
        from mcp import McpError

        call = Calling(ask, limit, seconds)
        self.calls.append(call)
        try:
            yield
            self.calls.remove(call)
        except McpError:
            self.calls.remove(call)
            raise
        finally:
            call.end()

    async def answer(self, question: types.ElicitRequestParams) -> types.ElicitResult:
        """Answer a server that asks.

        A question does not say which call it belongs to: among several it could reach
        another person than the one who asked for its call.
        """
        from mcp import types

        reply = None
        if len(self.calls) == 1 and isinstance(question, types.ElicitRequestFormParams):
            [call] = self.calls
            reply = await call.put(question.message, question.requestedSchema)
        if reply is None:
            self.asked = question.message
            reply = Reply("decline")
        return types.ElicitResult(action=reply.action, content=reply.content)

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

    links: list[Link] = []

    def lose() -> None:
        for link in links:
            link.gone.set()

    async def answer(_context: Any, question: Any) -> types.ElicitResult:
        return await links[0].answer(question)

    async def heard(message: object) -> None:
        if isinstance(message, Exception) and "url" in connection:
            lose()  # what cannot be read was the answer; another does not come
        if hear is not None:
            await hear(message)

    bounds: dict[str, Any] = {"encoding": ENCODING}
    if connection["transport"] != "stdio":
        bounds = {"httpx_client_factory": http_clients(lose)}
    options = {"elicitation_callback": answer, "message_handler": heard}
    made = cast("Any", {**connection, **bounds, "session_kwargs": options})
    async with create_session(made) as session, _asking_beside(session):
        links.append(Link(session))
        yield links[0]


@asynccontextmanager
async def _asking_beside(session: ClientSession) -> AsyncGenerator[None]:
    """Let a server's question wait beside what else it sends.

    The SDK reads nothing more from a server until its question is answered.
    """
    from mcp import types

    receive = getattr(session, "_received_request")  # noqa: B009 - it has no other door
    asking: set[asyncio.Task[None]] = set()

    async def received(responder: Any) -> None:
        if not isinstance(responder.request.root, types.ElicitRequest):
            return await receive(responder)
        task = asyncio.create_task(receive(responder))
        asking.add(task)
        task.add_done_callback(asking.discard)
        return None

    setattr(session, "_received_request", received)  # noqa: B010
    try:
        yield
    finally:
        for task in asking:
            task.cancel()
