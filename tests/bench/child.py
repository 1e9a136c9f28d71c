"""A process of the bench: started, spoken to, heard, stopped."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path

from tests.bench.lines import LONGEST, Line
from tests.support.root import ROOT

STOP = 10  # seconds until it has to be gone


class BenchError(Exception):
    """The bench cannot go on; the sentence says why."""


class Child:
    """`python -m tests.bench.NAME`; each of its lines goes to `hear`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._hearing: asyncio.Task[None] | None = None
        self.hear: Callable[[Line], None] = lambda line: None

    @classmethod
    async def start(
        cls, name: str, environment: dict[str, str], log: Path
    ) -> tuple[Child, Line]:
        """Start it and wait for its first line, which says that it is ready."""
        with log.open("ab") as errors:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", f"tests.bench.{name}"),
                cwd=ROOT,
                env=environment,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                limit=LONGEST,
            )
        assert process.stdout is not None
        first = await process.stdout.readline()
        if not first:
            said = await asyncio.to_thread(log.read_text)
            raise BenchError(f"{name} did not start:\n{said[-3000:]}")
        child = cls(process)
        child._hearing = asyncio.create_task(child._hear())
        return child, json.loads(first)

    @property
    def pid(self) -> int:
        return self._process.pid

    async def _hear(self) -> None:
        assert self._process.stdout is not None
        async for data in self._process.stdout:
            self.hear(json.loads(data))

    def say(self, line: Line) -> None:
        """Send one line."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(line).encode() + b"\n")

    async def stop(self) -> None:
        """Close its stdin, which ends it; kill it if that does not help."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(STOP):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        if self._hearing:
            await self._hearing
