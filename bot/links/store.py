"""Links as they stand in the database: made, looked at, used once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from bot.database.pool import Connection
from bot.database.statements import load_statements
from bot.links.tokens import Link, Signer, hash_of

SQL = load_statements("bot.links", "links.sql")
LIFE = timedelta(hours=8)


async def make(connection: Connection, signer: Signer, link: Link) -> str:
    """The address of a new link."""
    token = signer.token(link)
    await connection.execute(
        SQL["insert_link"],
        {
            "hash": hash_of(token),
            "request": link.request,
            "team": link.team,
            "user": link.user,
            "digest": link.digest,
            "life": LIFE,
        },
    )
    return signer.address(token)


async def is_good(connection: Connection, token: str, link: Link) -> bool:
    """Whether a token that was read is the link that was made, unused and in time."""
    found = await connection.execute(SQL["select_link"], {"hash": hash_of(token)})
    row = await found.fetchone()
    return row is not None and _is(row, link) and not (row["is_used"] or row["is_over"])


def _is(row: dict[str, Any], link: Link) -> bool:
    made = Link(row["request_id"], row["team_id"], row["user_id"], row["grant_digest"])
    return made == link


async def use(connection: Connection, token: str) -> bool:
    """Take the one use of a link; False if somebody was faster."""
    found = await connection.execute(SQL["use_link"], {"hash": hash_of(token)})
    return await found.fetchone() is not None


async def give_back(connection: Connection, token: str) -> None:
    """Nothing came of it: it can be used still."""
    await connection.execute(SQL["give_back_link"], {"hash": hash_of(token)})
