"""Verify a long trail on all cores: each process takes parts of one snapshot.

A part begins behind a row whose hash the database names. That this is the right one is
checked with the part before, whose last row it is.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

from psycopg import sql, waiting
from psycopg.abc import RV, PQGen
from psycopg.conninfo import make_conninfo

from bot.audit import SQL
from bot.audit.chain import Checkpoint
from bot.audit.verify import (
    NO_ROW,
    Finding,
    Head,
    Verifier,
    links,
    snapshot,
    verify,
    walk,
)
from bot.database.pool import SETTINGS, Connection

ROWS = 25_000  # of a part: long beside the start of a process, which is half a second


@dataclass(frozen=True)
class Part:
    """So many rows behind one row of the chains; `team` is "" at their beginning."""

    team: str
    behind: Head
    rows: int


async def verify_stored(
    connection: Connection, checkpoints: Sequence[Checkpoint] = (), rows: int = ROWS
) -> tuple[Verifier, list[Finding]]:
    """Check the whole trail as it is in one snapshot; see `verify`.

    Args:
        rows: of a part; a trail that is not twice as long is read in this process.
    """

    async def walk_parts(connection: Connection, verifier: Verifier) -> list[Finding]:
        parts = await _parts(connection, rows)
        if len(parts) <= 2:
            return await walk(connection, verifier)
        return await _side_by_side(connection, verifier, parts)

    async with snapshot(connection):
        return await verify(connection, checkpoints, walk_parts)


async def _parts(connection: Connection, rows: int) -> list[Part]:
    ends = await (await connection.execute(SQL["part_ends"], {"rows": rows})).fetchall()
    begins = [Part("", NO_ROW, rows)]
    return begins + [
        Part(end["team"], Head(end["number"], end["hash"]), rows) for end in ends
    ]


async def _side_by_side(
    connection: Connection, verifier: Verifier, parts: Sequence[Part]
) -> list[Finding]:
    exported = await connection.execute("SELECT pg_export_snapshot() AS name")
    [row] = await exported.fetchall()
    url = make_conninfo(connection.info.dsn, password=connection.info.password)
    given = url, row["name"], tuple(verifier.checkpoints)
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as processes:
        loop = asyncio.get_running_loop()
        taken = [
            loop.run_in_executor(processes, _take_part, part, *given) for part in parts
        ]
        try:
            return await _put_together(verifier, taken)
        finally:
            processes.shutdown(wait=True, cancel_futures=True)


async def _put_together(
    verifier: Verifier, taken: Sequence[asyncio.Future[tuple[Verifier, Finding | None]]]
) -> list[Finding]:
    for each in taken:
        part, finding = await each
        verifier.add(part)
        if finding:
            return [finding]
    end = verifier.end()
    return [end] if end else []


class _Alone(Connection):
    """A connection in a process with nothing else to do, which waits in the system.

    An event loop's wait for each few kilobytes is a tenth of the cost of a row.
    """

    async def wait(
        self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None
    ) -> RV:
        return waiting.wait(gen, self.pgconn.socket, interval)


def _take_part(
    part: Part, url: str, name: str, checkpoints: Sequence[Checkpoint]
) -> tuple[Verifier, Finding | None]:
    gc.disable()  # rows hold no circles, and are looked through again and again
    return asyncio.run(_taken(part, url, name, Verifier(checkpoints)))


async def _taken(
    part: Part, url: str, name: str, verifier: Verifier
) -> tuple[Verifier, Finding | None]:
    """Take a part's rows, in the snapshot of that name, up to the first bad one."""
    if part.team:
        verifier.heads[part.team] = part.behind
    alone = await _Alone.connect(url, autocommit=True, **SETTINGS)
    async with alone as connection, snapshot(connection):
        same = sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(name))
        await connection.execute(same)
        async with links(connection, part.team, part.behind.number) as found:
            async for link in found:
                if finding := verifier.take(link):
                    return verifier, finding
                if verifier.rows == part.rows:
                    break
    return verifier, None
