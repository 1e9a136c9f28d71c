"""The trail in the database: read in chunks from one snapshot, and checked."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from psycopg import IsolationLevel

from bot.audit.chain import read_json
from bot.audit.checkpoint import Checkpoint
from bot.audit.verify import Finding, Link, Verifier
from bot.database.pool import Connection
from bot.database.statements import load_statements

SQL = load_statements("bot.audit", "trail.sql")
CHUNK = 2_000  # rows
_COLUMNS = (
    *("seq", "at", "team_id", "event", "request_id", "conversation_id", "actor"),
    "via",
)


@asynccontextmanager
async def snapshot(connection: Connection) -> AsyncGenerator[Connection]:
    """One state of the database, however long it is read."""
    await connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
    await connection.set_read_only(True)
    try:
        async with connection.transaction():
            yield connection
    finally:
        await connection.set_read_only(None)
        await connection.set_isolation_level(None)


async def links(
    connection: Connection, team: str = "", after: int = 0
) -> AsyncIterator[Link]:
    """All chains from a row on, workspace by workspace, each from its beginning."""
    while True:
        key = {"team": team, "number": after, "limit": CHUNK}
        rows = await (await connection.execute(SQL["links"], key)).fetchall()
        for row in rows:
            yield _link(row)
        if len(rows) < CHUNK:
            return
        team, after = rows[-1]["team"], rows[-1]["number"]


def _link(row: Mapping[str, Any]) -> Link:
    return Link(
        team=row["team"],
        number=row["number"],
        seq=row["chained_seq"],
        hash=row["hash"],
        row=None if row["seq"] is None else _body(row),
        texts=[(name, salt, text) for name, salt, text in row["beside"] or ()],
    )


def _body(row: Mapping[str, Any]) -> dict[str, Any]:
    body = {name: row[name] for name in _COLUMNS}
    for name in ("detail", "texts"):
        try:
            body[name] = read_json(row[name])
        except ValueError:  # what has no place in the trail has no hash either
            body[name] = None
    return body


async def verify_stored(
    connection: Connection, checkpoints: Iterable[Checkpoint] = ()
) -> tuple[Verifier, list[Finding]]:
    """Check the whole trail as it is in one snapshot; see `verify`."""
    async with snapshot(connection):
        return await verify(connection, checkpoints)


async def verify(
    connection: Connection, checkpoints: Iterable[Checkpoint] = ()
) -> tuple[Verifier, list[Finding]]:
    """Check every row, and that each stands in a chain: the first that is bad.

    Beside the given checkpoints those count that the database itself has kept.
    """
    kept = await kept_checkpoints(connection)
    forged = [
        Finding(c.team, c.number, 0, "its kept checkpoint has not its key's signature")
        for c in kept
        if not c.is_genuine
    ]
    verifier = Verifier([*checkpoints, *kept])
    found = await _walk(connection, verifier)
    return verifier, [*found, *forged, *await _unchained(connection)]


async def kept_checkpoints(connection: Connection) -> list[Checkpoint]:
    """The heads that were signed, as the database has them."""
    rows = await (await connection.execute(SQL["checkpoints"])).fetchall()
    return [Checkpoint(**row) for row in rows]


async def _walk(connection: Connection, verifier: Verifier) -> list[Finding]:
    async for link in links(connection):
        if finding := verifier.take(link):
            return [finding]
    end = verifier.end()
    return [end] if end else []


async def _unchained(connection: Connection) -> list[Finding]:
    rows = await (await connection.execute(SQL["unchained"])).fetchall()
    what = {
        "row": "it stands in the table and in no chain",
        "text": "a text stands beside it that it does not have",
    }
    return [Finding(row["team"], 0, row["seq"], what[row["kind"]]) for row in rows]
