"""`python -m agent` as a process, spoken to over pipes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from tests.support.bot_process import Outcome
from tests.support.spawn import clean_environment, spawn

PATIENCE = 30  # seconds until what is waited for has to stand there
PROMPT = "\n> "
QUESTION = "answer [text]? "


@dataclass
class AgentProcess:
    """One process; `said` is what it has written since the last look."""

    process: asyncio.subprocess.Process
    said: str = ""

    @classmethod
    async def start(
        cls, folder: Path, *arguments: str, fresh: bool = False, **environment: str
    ):
        """Start it in a folder; the files are in `.data/files` there."""
        process = await spawn(
            "agent",
            *arguments,
            folder=folder,
            environment=clean_environment() | environment,
            fresh=fresh,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        return cls(process)

    async def until(self, words: str) -> str:
        """Read until the output ends with these words; return what was read."""
        assert self.process.stdout is not None
        read = ""
        async with asyncio.timeout(PATIENCE):
            while not read.endswith(words):
                more = await self.process.stdout.read(4096)
                assert more, f"no {words!r} in {read!r}: {await self.end()}"
                read += more.decode()
        return read

    async def type(self, line: str, until: str) -> str:
        """Type a line and read on."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())
        await self.process.stdin.drain()
        return await self.until(until)

    async def kill(self) -> None:
        """Pull the plug (SIGKILL)."""
        self.process.kill()
        await self.process.wait()

    async def end(self, *lines: str) -> Outcome:
        """Type the last lines, close the input and wait for the end."""
        typed = "".join(f"{line}\n" for line in lines).encode()
        async with asyncio.timeout(PATIENCE):
            out, err = await self.process.communicate(typed)
        return Outcome(self.process.returncode or 0, out.decode(), err.decode())


async def run_agent(
    folder: Path, *arguments: str, lines: tuple[str, ...] = (), **environment: str
) -> Outcome:
    """Run it over some lines to its end."""
    started = await AgentProcess.start(folder, *arguments, **environment)
    return await started.end(*lines)
