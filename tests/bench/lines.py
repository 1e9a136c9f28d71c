"""JSON lines on stdin and stdout: how the bench and its processes speak."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from typing import Any

Line = dict[str, Any]
LONGEST = 1_000_000  # bytes of one line


def tell(line: Line) -> None:
    """Write one line to stdout, at once and whole."""
    data = json.dumps(line).encode() + b"\n"
    while data:
        data = data[os.write(1, data) :]


async def read() -> AsyncIterator[Line]:
    """The lines of stdin, until it is closed."""
    reader = asyncio.StreamReader(limit=LONGEST)
    loop = asyncio.get_running_loop()
    protocol = asyncio.StreamReaderProtocol(reader)
    await loop.connect_read_pipe(lambda: protocol, sys.stdin)
    while data := await reader.readline():
        yield json.loads(data)
