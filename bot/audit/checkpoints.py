"""Sign the heads of the chains, out of reach of the owner of the database."""

from __future__ import annotations

import asyncio
import datetime as dt
import math
import os
import re
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import aiohttp
import structlog

from bot.approvals.ports import Jobs, checkpoint_job
from bot.audit import SQL
from bot.audit.chain import Checkpoint, sign
from bot.base.errors import BotError, RetryLater
from bot.base.network import post
from bot.base.time_limits import limits
from bot.database.pool import Pool
from bot.texts import audit as say

log = structlog.get_logger(__name__)


@dataclass
class Notary:
    """Takes checkpoints with the operator's key.

    Attributes:
        seed: of the Ed25519 key, 32 bytes; None if there is none: nothing is signed.
        trouble: one sentence while the sink takes nothing; "" if all is well.
    """

    pool: Pool
    jobs: Jobs
    seed: bytes | None
    sink: Sink
    interval: dt.timedelta
    trouble: str = field(default="", init=False)

    async def look(self) -> None:
        """A duty of the clock: have signed what has grown since the last time."""
        if self.seed is None:
            return
        async with self.pool.connection() as connection:
            due = await connection.execute(SQL["due"], {"interval": self.interval})
            jobs = [checkpoint_job(row["team"]) for row in await due.fetchall()]
            await self.jobs.defer(connection, jobs)

    async def sign(self, team: str) -> None:
        """Sign the head of a chain, bring it to the sink, then note that it is there.

        Raises:
            RetryLater: the sink did not take it.
        """
        if self.seed is None:
            log.warning(
                "a critical decision has no checkpoint: AUDIT_KEY is not set",
                action="checkpoint_lacks_key",
                team=team,
            )
            return
        head = await self._head(team)
        if head is None or head["number"] <= head["signed"]:
            return
        place = {"number": head["number"], "hash": head["hash"], "at": head["at"]}
        await self._bring(sign(self.seed, team=team, **place))

    async def _head(self, team: str) -> dict[str, Any] | None:
        """A head that no crash of the database's server takes back."""
        async with self.pool.connection() as connection:
            row = await (
                await connection.execute(SQL["head"], {"team": team})
            ).fetchone()
            await connection.execute(SQL["flush"])
        return row

    async def _bring(self, checkpoint: Checkpoint) -> None:
        try:
            await self.sink.take(checkpoint)
        except SinkFailed as error:
            self.trouble = str(error)
            log.error(
                "an audit checkpoint was not taken, it is tried again",
                action="checkpoint_failed",
                team=checkpoint.team,
                number=checkpoint.number,
                trouble=self.trouble,
            )
            raise RetryLater(math.ceil(limits().next_checkpoint)) from error
        self.trouble = ""
        async with self.pool.connection() as connection:
            await connection.execute(SQL["keep_checkpoint"], vars(checkpoint))


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
class FolderSink:
    """A file for each checkpoint; none is ever written over."""

    path: Path

    async def take(self, checkpoint: Checkpoint) -> None:
        try:
            await asyncio.to_thread(self._write, checkpoint)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise SinkFailed(say.not_written(self.path, reason)) from error

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
class ChannelSink:
    """A message in a Slack channel; `post` raises SinkFailed."""

    channel: str
    post: Callable[[str, str], Awaitable[None]]

    async def take(self, checkpoint: Checkpoint) -> None:
        said = say.checkpoint_of(checkpoint.number, checkpoint.team)
        await self.post(self.channel, f"{said}\n```\n{checkpoint.line}\n```")


@dataclass(frozen=True)
class WebhookSink:
    """A POST of the checkpoint's JSON; any status of 2xx means that it was kept."""

    url: str
    allow_private: bool = False

    async def take(self, checkpoint: Checkpoint) -> None:
        try:
            status = await post(
                self.url,
                checkpoint.line.encode(),
                {"Content-Type": "application/json"},
                TIMEOUT,
                allow_private=self.allow_private,
            )
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise SinkFailed(say.sink_away(type(error).__name__)) from error
        if not 200 <= status < 300:
            raise SinkFailed(say.sink_refused(status))
