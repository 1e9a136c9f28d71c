"""`python -m bot` as a process, spoken to only as Slack would."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import os
import random
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from tests.support.spawn import clean_environment, spawn

START = 60  # seconds until it has to be ready
STOP = 25  # seconds until it has to be gone
PATIENCE = 3  # seconds for its log to say that it has met Slack


@functools.cache
def _numbers_of_ports(_process: int) -> Iterator[int]:
    """Numbers below those that the system gives to outgoing connections.

    Each worker of pytest has its own, so that two never take the same one, and so has
    the process that they are forked from.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw-1").removeprefix("gw"))
    first = 10_000 + (worker + 1) % 7 * 3_000
    begin = random.SystemRandom().randrange(3_000)
    return (first + (begin + n) % 3_000 for n in itertools.count())


def free_port() -> int:
    """A port on loopback that was free a moment ago."""
    while True:
        port = next(_numbers_of_ports(os.getpid()))
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@dataclass
class BotProcess:
    """One process; `folder` is its working directory, `fresh` as `spawn` has it."""

    folder: Path
    environment: dict[str, str]
    port: int = field(default_factory=free_port)
    fresh: bool = False
    process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """Everything that it has written so far."""
        file = self.folder / "bot.log"
        return file.read_text(encoding="utf-8", errors="replace")

    @property
    def has_ended(self) -> bool:
        return self.process is None or self.process.returncode is not None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    async def start(self, *, wait: bool = True) -> None:
        """Start it, and wait until `/readyz` says so."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "bot.log").open("ab") as log:
            settings = {**self.environment, "PORT": str(self.port)}
            self.process = await spawn(
                "bot",
                folder=self.folder,
                environment=clean_environment() | settings,
                fresh=self.fresh,
                stdout=log,
                stderr=log,
            )
        if wait:
            await self.until_ready()

    async def until_ready(self) -> None:
        """Wait until `/readyz` answers 200."""
        # Before that it is not asked: an answer costs more than a look at the log.
        for _ in range(PATIENCE * 50):
            if "connected to" in self.log or self.has_ended:
                break
            await asyncio.sleep(0.02)
        await self.until(200)

    async def until(self, status: int, words: str = "") -> None:
        """Wait until `/readyz` answers with this status and these words."""
        last = (0, "")
        for _ in range(START * 20):
            assert self.process is not None
            assert self.process.returncode is None, self.log[-3000:]
            with contextlib.suppress(aiohttp.ClientError):
                last = await self.get("/readyz")
            if last[0] == status and words in last[1]:
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"not {status}: {last}\n{self.log[-3000:]}")

    async def get(self, path: str) -> tuple[int, str]:
        """Status and text of a page."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{self.url}{path}") as answer,
        ):
            return answer.status, await answer.text()

    async def stop(self) -> int:
        """Ask it to stop (SIGTERM) and return its exit status."""
        return await self._end(signal.SIGTERM)

    async def kill(self) -> int:
        """Pull the plug (SIGKILL)."""
        return await self._end(signal.SIGKILL)

    async def _end(self, number: signal.Signals) -> int:
        process = self.process
        if process is None:
            return 0
        if process.returncode is None:
            process.send_signal(number)
        async with asyncio.timeout(STOP):
            return await process.wait()


#: Starts a bot: the fixture `new_bot` of the browser's tests.
NewBot = Callable[..., AbstractAsyncContextManager[BotProcess]]


@dataclass(frozen=True)
class Outcome:
    """The output of a command of the bot, and its exit status."""

    status: int
    out: str
    err: str


async def run_command(
    *arguments: str,
    folder: Path,
    environment: dict[str, str],
    timeout: float = 60,
    fresh: bool = False,
) -> Outcome:
    """Run `python -m bot ARGUMENTS` to its end."""
    process = await spawn(
        "bot",
        *arguments,
        folder=folder,
        environment=clean_environment() | environment,
        fresh=fresh,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(timeout):
            out, err = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    return Outcome(process.returncode or 0, out.decode(), err.decode())
