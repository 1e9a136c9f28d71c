"""Where checkpoints go: out of reach of whoever owns the database."""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import aiohttp

from bot.audit.checkpoint import Checkpoint
from bot.errors import BotError
from bot.public_resolver import connector_options
from bot.targets import check_literal

TIMEOUT = aiohttp.ClientTimeout(total=10)  # seconds
_UNFIT = re.compile(r"[^0-9A-Za-z_-]")  # in the name of a file


class SinkFailed(BotError):
    """The place for audit checkpoints did not take one."""


class Sink(Protocol):
    """Takes checkpoints; the same one may come twice."""

    async def take(self, checkpoint: Checkpoint) -> None:
        """Keep it for good. Raises SinkFailed with a sentence."""
        ...


@dataclass(frozen=True)
class Folder:
    """A file for each checkpoint; none is ever written over."""

    path: Path

    async def take(self, checkpoint: Checkpoint) -> None:
        try:
            await asyncio.to_thread(self._write, checkpoint)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise SinkFailed(
                f"The checkpoint cannot be written to {self.path}: {reason}; see"
                " AUDIT_SINK."
            ) from error

    def _write(self, checkpoint: Checkpoint) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        team = _UNFIT.sub("_", checkpoint.team)
        name = f"{team}-{checkpoint.number:012}-{checkpoint.hash[:12]}.json"
        handle, unfinished = tempfile.mkstemp(dir=self.path, prefix=".")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(f"{checkpoint.line}\n")
                file.flush()
                os.fsync(file.fileno())
            os.link(unfinished, self.path / name)
        except FileExistsError:  # it was taken before
            pass
        finally:
            os.unlink(unfinished)


@dataclass(frozen=True)
class Channel:
    """A message in a Slack channel; `post` raises SinkFailed."""

    channel: str
    post: Callable[[str, str], Awaitable[None]]

    async def take(self, checkpoint: Checkpoint) -> None:
        said = f"Audit checkpoint: row {checkpoint.number} of {checkpoint.team}"
        await self.post(self.channel, f"{said}\n```\n{checkpoint.line}\n```")


@dataclass(frozen=True)
class Webhook:
    """A POST of the checkpoint's JSON; any status of 2xx means that it was kept."""

    url: str
    allow_private: bool = False

    async def take(self, checkpoint: Checkpoint) -> None:
        try:
            if not self.allow_private:
                check_literal(self.url)
            options = connector_options(allow_private=self.allow_private)
            connector = aiohttp.TCPConnector(**options)
            async with (
                aiohttp.ClientSession(connector=connector, timeout=TIMEOUT) as session,
                session.post(
                    self.url,
                    data=checkpoint.line,
                    headers={"Content-Type": "application/json"},
                    allow_redirects=False,
                ) as answer,
            ):
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise SinkFailed(
                f"AUDIT_SINK cannot be reached: {type(error).__name__}."
            ) from error
        if not 200 <= status < 300:
            raise SinkFailed(f"AUDIT_SINK answered with status {status}.")
