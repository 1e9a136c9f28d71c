"""What a server sends is bounded before it is kept, and a lost answer is noticed."""

from __future__ import annotations

import asyncio
import codecs
from contextlib import suppress
from typing import Any, cast

import httpx
import pytest

from agent.tools import mcp_transport
from agent.tools.mcp_transport import (
    ENCODING,
    MAX_QUESTIONS,
    Link,
    Reply,
    TooLong,
    http_clients,
)

EVENTS = {"content-type": "text/event-stream"}
JSON = {"content-type": "application/json"}


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(mcp_transport, "MAX_MESSAGE", 100)


def test_threat_52_a_line_is_bounded_wherever_its_pieces_end():
    decoder = codecs.getincrementaldecoder(ENCODING)()
    text = "é" * 40 + "\n"
    whole = (text * 9).encode()
    pieces = [whole[at : at + 7] for at in range(0, len(whole), 7)]
    assert "".join(map(decoder.decode, pieces)) == text * 9
    decoder.decode(b"x" * 60)
    with pytest.raises(TooLong):
        decoder.decode(b"x" * 60)


class Pieces(httpx.AsyncByteStream):
    def __init__(self, pieces, error=None):
        self.pieces, self.error = pieces, error

    async def __aiter__(self):
        for piece in self.pieces:
            yield piece
        if self.error:
            raise self.error


async def read(pieces, headers, error=None):
    """Read an answer; what was read, and how often the call was given up."""
    lost = []
    client = http_clients(lambda: lost.append(1))()
    client._transport = httpx.MockTransport(
        lambda _: httpx.Response(200, headers=headers, stream=Pieces(pieces, error))
    )
    async with client:
        assert client.headers["accept-encoding"] == "identity"
        try:
            async with client.stream("POST", "http://one.example/mcp") as response:
                return await response.aread(), len(lost)
        except Exception as caught:
            return caught, len(lost)


@pytest.mark.parametrize(
    ("pieces", "headers", "kind", "lost"),
    [
        ([b"{}"] * 40, JSON, bytes, 0),
        ([b"{}"] * 60, JSON, TooLong, 1),
        ([b"data: {}\r\n\r", b"\n"] * 40, EVENTS, bytes, 1),  # no answer in them
        ([b"data: {}\n\nid: 7\n\n"], EVENTS, bytes, 0),  # the SDK goes on from 7
        ([b"data: {}\n"] * 40, EVENTS, TooLong, 1),
        ([b"x"], JSON | {"content-encoding": "gzip"}, httpx.DecodingError, 0),
    ],
)
async def test_threat_52_an_answer_is_bounded(pieces, headers, kind, lost):
    found, given_up = await read(pieces, headers)
    assert isinstance(found, kind)
    assert given_up == lost


async def test_a_connection_that_breaks_gives_the_call_up():
    broken = httpx.ReadError("gone")
    assert await read([b"da"], EVENTS, broken) == (broken, 1)


def form() -> Any:
    """A question; the SDK takes a second of CPU to be imported."""
    from mcp.types import ElicitRequestFormParams

    return ElicitRequestFormParams(message="Sure?", requestedSchema={})


def page() -> Any:
    """A question that is an address."""
    from mcp.types import ElicitRequestURLParams

    url = "https://a.example"
    return ElicitRequestURLParams(message="Pay", url=url, elicitationId="1")


def link() -> Link:
    return Link(cast("Any", None))


async def test_threat_77_a_question_reaches_the_one_call_alone():
    made = link()
    clocks: list[float | None] = []

    async def yes(*_: object) -> Reply:
        clocks.append(limit.when())
        return Reply("accept", {"yes": True})

    async def answer(question=None) -> str:
        return (await made.answer(question or form())).action

    async with asyncio.timeout(60) as limit:
        assert await answer() == "decline"  # no call at all
        with made.calling(None, limit, 60):
            assert await answer() == "decline"  # nobody can be asked
        with made.calling(yes, limit, 60):
            assert await answer() == "accept"
            assert await answer(page()) == "decline"
            with made.calling(yes, limit, 60):
                assert await answer() == "decline"  # whose is it?
            for _ in range(MAX_QUESTIONS - 1):
                assert await answer() == "accept"
            assert await answer() == "decline"
        assert clocks == [None] * MAX_QUESTIONS  # the call's time stands still
        assert limit.when() is not None

        # One that the server has not answered may still ask, in its own name.
        with suppress(TimeoutError), made.calling(yes, limit, 60):
            raise TimeoutError
        with made.calling(yes, limit, 60):
            assert await answer() == "decline"
    assert made.asked == "Sure?"


async def test_a_call_that_ends_withdraws_its_question():
    made, begun, ended = link(), asyncio.Event(), asyncio.Event()

    async def never(*_: object) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with asyncio.timeout(60) as limit:
        with made.calling(never, limit, 60):
            answer = asyncio.create_task(made.answer(form()))
            await begun.wait()
        assert (await answer).action == "cancel"
    assert ended.is_set()


async def test_a_question_that_fails_is_declined():
    made = link()

    async def fail(*_: object) -> None:
        raise OSError

    async with asyncio.timeout(60) as limit:
        with made.calling(fail, limit, 60):
            assert (await made.answer(form())).action == "decline"
