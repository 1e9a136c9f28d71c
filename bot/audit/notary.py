"""Signs where the chains have got to: on a schedule, and when something asks for it."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass, field
from typing import Any

import structlog

from bot.approvals.ports import Jobs, checkpoint_job
from bot.audit.checkpoint import Checkpoint, sign
from bot.audit.sinks import Sink, SinkFailed
from bot.audit.stored import SQL
from bot.database.pool import Pool, transaction
from bot.errors import RetryLater
from bot.time_limits import limits

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
        async with transaction(self.pool) as connection:
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
