"""What a server sends is bounded before it is kept, and a lost answer is noticed."""

from __future__ import annotations

import codecs

import httpx
import pytest

from agent.tools import mcp_transport
from agent.tools.mcp_transport import ENCODING, TooLong, http_clients

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
