"""What is over goes after `RETENTION`, a bounded part each minute."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import LiteralString

import structlog

from bot.database.pool import Pool, transaction
from bot.database.statements import load_statements

log = structlog.get_logger(__name__)
SQL = load_statements("bot.jobs", "retention.sql")
CONVERSATIONS = 200  # at most, at a time
ROWS = 2_000  # of anything else
INBOX = (
    SQL["forget_messages"],
    SQL["forget_deliveries"],
    SQL["forget_jobs"],
    SQL["forget_paces"],
    SQL["forget_events"],
    SQL["erase_texts"],
)


@dataclass(frozen=True)
class Retention:
    """Forgets finished conversations and the inbox; nothing pending, no trail."""

    pool: Pool
    keep: timedelta

    async def sweep(self) -> None:
        """Forget a part of what is old enough, on one replica at a time.

        Each kind in a transaction of its own, so that its locks are short. What shows a
        request goes after the request: at the same time, or at a later one.
        """
        gone = await self._forget(SQL["forget_conversations"], CONVERSATIONS)
        if gone:
            log.info("conversations forgotten", action="forgotten", count=gone)
        for statement in INBOX:
            await self._forget(statement, ROWS)

    async def _forget(self, statement: LiteralString, most: int) -> int:
        key = {"keep": self.keep, "most": most}
        async with transaction(self.pool) as connection:
            alone = await (await connection.execute(SQL["alone"])).fetchone()
            if alone is None or not alone["alone"]:
                return 0
            found = await connection.execute(statement, key)
            row = await found.fetchone() if found.description else None
        return int(row["gone"]) if row and "gone" in row else 0
