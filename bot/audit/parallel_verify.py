"""Verify a long trail on all cores: each process takes parts of one snapshot.

A part begins behind a row whose hash the database names. That this is the right one is
checked with the part before, whose last row it is.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from typing import Any

import psycopg
from psycopg import IsolationLevel, sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import tuple_row

from bot.audit import SQL
from bot.audit.chain import Checkpoint
from bot.audit.verify import (
    CHUNK,
    NO_ROW,
    Head,
    TrailFlaw,
    Verifier,
    as_link,
    snapshot,
    verify,
    walk,
)
from bot.database.pool import SETTINGS, Connection

ROWS = 25_000  # of a part: half a second of work


@dataclass(frozen=True)
class TrailPart:
    """So many rows behind one row of the chains; `team` is "" at their beginning."""

    team: str
    behind: Head
    rows: int


async def verify_stored(
    connection: Connection, checkpoints: Sequence[Checkpoint] = (), rows: int = ROWS
) -> tuple[Verifier, list[TrailFlaw]]:
    """Check the whole trail as it is in one snapshot; see `verify`.

    Args:
        rows: of a part; a trail that is not twice as long is read in this process.
    """

    async def walk_parts(connection: Connection, verifier: Verifier) -> list[TrailFlaw]:
        parts = await _parts(connection, rows)
        if len(parts) <= 2:
            return await walk(connection, verifier)
        return await _side_by_side(connection, verifier, parts)

    async with snapshot(connection):
        return await verify(connection, checkpoints, walk_parts)


async def _parts(connection: Connection, rows: int) -> list[TrailPart]:
    ends = await (await connection.execute(SQL["part_ends"], {"rows": rows})).fetchall()
    begins = [TrailPart("", NO_ROW, rows)]
    return begins + [
        TrailPart(end["team"], Head(end["number"], end["hash"]), rows) for end in ends
    ]


async def _side_by_side(
    connection: Connection, verifier: Verifier, parts: Sequence[TrailPart]
) -> list[TrailFlaw]:
    exported = await connection.execute("SELECT pg_export_snapshot() AS name")
    [row] = await exported.fetchall()
    url = make_conninfo(connection.info.dsn, password=connection.info.password)
    given = url, row["name"], tuple(verifier.checkpoints)
    with forks() as processes:
        loop = asyncio.get_running_loop()
        taken = [
            loop.run_in_executor(processes, _take_part, part, *given) for part in parts
        ]
        try:
            return await _put_together(verifier, taken)
        finally:
            processes.shutdown(wait=True, cancel_futures=True)


async def _put_together(
    verifier: Verifier,
    taken: Sequence[asyncio.Future[tuple[Verifier, TrailFlaw | None]]],
) -> list[TrailFlaw]:
    for each in taken:
        part, flaw = await each
        verifier.add(part)
        if flaw:
            return [flaw]
    end = verifier.end()
    return [end] if end else []


def forks() -> ProcessPoolExecutor:
    """A process for each core, with all that is imported here.

    To import that anew takes as long as 20,000 rows. It is done where a fork cannot use
    the system's own libraries safely, as on macOS.
    """
    way = get_context("fork" if sys.platform == "linux" else "spawn")
    return ProcessPoolExecutor(None, way, _end_with_parent)


def _end_with_parent() -> None:
    """End this process when its parent is killed, whose files it holds open."""

    def wait() -> None:
        if parent := parent_process():
            parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _take_part(
    part: TrailPart, url: str, name: str, checkpoints: Sequence[Checkpoint]
) -> tuple[Verifier, TrailFlaw | None]:
    """Take a part's rows, in the snapshot of that name, up to the first bad one."""
    gc.disable()  # rows hold no circles, and are looked through again and again
    verifier = Verifier(checkpoints)
    if part.team:
        verifier.heads[part.team] = part.behind
    # not asynchronous: an event loop's wait for each few kilobytes costs a tenth more
    with psycopg.connect(url, autocommit=True, **SETTINGS) as connection:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        with connection.transaction():
            same = sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(name))
            connection.execute(same)
            return verifier, _first_bad(connection, part, verifier)


def _first_bad(
    connection: psycopg.Connection[Any], part: TrailPart, verifier: Verifier
) -> TrailFlaw | None:
    after = {"team": part.team, "number": part.behind.number, "rows": part.rows}
    with connection.cursor("links", row_factory=tuple_row, binary=True) as cursor:
        cursor.execute(SQL["links"], after)
        while rows := cursor.fetchmany(CHUNK):
            for row in rows:
                if flaw := verifier.take(as_link(row)):
                    return flaw
    return None
