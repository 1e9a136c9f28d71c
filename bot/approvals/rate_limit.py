"""Count what one person sends within a span, over all replicas."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from bot.approvals import SQL
from bot.approvals.model import Person
from bot.base.settings_types import Rate
from bot.database.pool import Connection, Pool

PAUSE = dt.timedelta(seconds=10)  # between two sentences that it is too much


@dataclass(frozen=True)
class Counted:
    """The result of one more: too much or not, and whether to tell the person now."""

    is_over: bool = False
    tell: bool = False
    wait: int = 0  # seconds until there is room again


def rate_parameters(rate: Rate | None) -> dict[str, Any]:
    """A rate as the statements take it; None is no limit."""
    span = dt.timedelta(seconds=rate.seconds) if rate else dt.timedelta(0)
    return {"most": rate.limit if rate else None, "span": span, "pause": PAUSE}


async def count(pool: Pool, rate: Rate | None, person: Person) -> Counted:
    """Count one more from a person, in a transaction of its own.

    Raises:
        psycopg.Error, psycopg_pool.PoolTimeout: nothing was counted; do not ack.
    """
    if rate is None:
        return Counted()
    async with pool.connection() as connection:
        return await count_in(connection, rate, person)


async def count_in(connection: Connection, rate: Rate, person: Person) -> Counted:
    """Count one more from a person in the transaction that it belongs to."""
    who = {"team": person.team, "user": person.user, "kind": rate.kind}
    found = await connection.execute(SQL["count_one"], {**who, **rate_parameters(rate)})
    row = await found.fetchone()
    return Counted(row["is_over"], row["tell"], row["wait"]) if row else Counted()
