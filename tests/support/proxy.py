"""A TCP port before the database's socket, that a test can open and close."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from psycopg.conninfo import conninfo_to_dict

from tests.support.bot_process import free_port

PASSWORD = "s3cret-w0rd"


@dataclass
class Proxy:
    """Forwards a port to one database; closed, the port refuses connections."""

    database: str
    port: int = field(default_factory=free_port)
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

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
        for writer in tuple(self._writers):
            writer.transport.abort()

    async def _forward(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        parts = conninfo_to_dict(self.database)
        path = f"{parts['host']}/.s.PGSQL.{parts.get('port', 5432)}"
        far_reader, far_writer = await asyncio.open_unix_connection(path)
        self._writers |= {writer, far_writer}
        try:
            await asyncio.gather(_pipe(reader, far_writer), _pipe(far_reader, writer))
        finally:
            self._writers -= {writer, far_writer}


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def make_proxy(database: str) -> AsyncIterator[Proxy]:
    """A proxy that is still closed."""
    proxy = Proxy(database)
    try:
        yield proxy
    finally:
        await proxy.close()
