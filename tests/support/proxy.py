"""A TCP port before the database's socket, with all that a network does to connections.

Each connection may be cut, reset, or forgotten: then it stays open, and what is sent
goes nowhere. New ones may be refused, or taken and never answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from psycopg.conninfo import conninfo_to_dict

from tests.support.bot_process import free_port

PASSWORD = "s3cret-w0rd"
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close at once, with RST


@dataclass(eq=False)
class _Pair:
    """A connection to the proxy, and its own to the database; `lost` once forgotten."""

    writers: list[asyncio.StreamWriter]
    task: asyncio.Task[None] | None
    lost: bool = False


@dataclass
class Proxy:
    """Forwards a port to one database; closed, the port refuses connections."""

    database: str
    port: int = field(default_factory=free_port)
    silent: bool = False  # new connections are taken and never answered
    connections: int = 0  # that were taken so far
    _server: asyncio.Server | None = None
    _pairs: set[_Pair] = field(default_factory=set)

    @property
    def url(self) -> str:
        """The database's URL through this port, with a password that is not asked."""
        parts = conninfo_to_dict(self.database)
        who = f"{parts['user']}:{PASSWORD}"
        return f"postgresql://{who}@127.0.0.1:{self.port}/{parts['dbname']}"

    async def open(self) -> None:
        """Let connections through."""
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", self.port)

    async def close(self) -> None:
        """Cut all connections and refuse new ones."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.cut()
        tasks = [pair.task for pair in self._pairs if pair.task]
        await asyncio.gather(*tasks, return_exceptions=True)

    def cut(self) -> None:
        """Close all connections; new ones work."""
        for pair in tuple(self._pairs):
            for writer in pair.writers:
                writer.transport.abort()

    def reset(self) -> None:
        """Reset all connections, as a firewall does; new ones work."""
        for pair in tuple(self._pairs):
            wire = pair.writers[0].get_extra_info("socket")
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.cut()

    def forget(self) -> None:
        """Forget all connections without a word; new ones work."""
        for pair in self._pairs:
            pair.lost = True

    def fall_silent(self) -> None:
        """Forget all connections, and take new ones without an answer to them."""
        self.forget()
        self.silent = True

    def speak(self) -> None:
        """Let new connections through again."""
        self.silent = False

    async def _forward(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.connections += 1
        pair = _Pair([writer], asyncio.current_task(), lost=self.silent)
        self._pairs.add(pair)
        try:
            if pair.lost:
                await _pipe(pair, reader, writer)
            else:
                await self._connect(pair, reader, writer)
        finally:
            self._pairs.discard(pair)

    async def _connect(
        self, pair: _Pair, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        parts = conninfo_to_dict(self.database)
        path = f"{parts['host']}/.s.PGSQL.{parts.get('port', 5432)}"
        far_reader, far_writer = await asyncio.open_unix_connection(path)
        pair.writers.append(far_writer)
        await asyncio.gather(
            _pipe(pair, reader, far_writer), _pipe(pair, far_reader, writer)
        )


async def _pipe(
    pair: _Pair, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            if not pair.lost:
                writer.write(data)
                await writer.drain()
    if not pair.lost:  # else the end of one side does not reach the other
        writer.close()


@asynccontextmanager
async def make_proxy(database: str) -> AsyncIterator[Proxy]:
    """A proxy that is still closed."""
    proxy = Proxy(database)
    try:
        yield proxy
    finally:
        await proxy.close()
