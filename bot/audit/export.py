"""The trail as a file: JSON lines that can be verified, or CSV for a spreadsheet."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from psycopg.errors import ReadOnlySqlTransaction

from bot.approvals.audit import Fact, append
from bot.audit import SQL
from bot.audit.chain import canonical, quick
from bot.audit.verify import ChainLink, links
from bot.database.pool import Connection

CSV_COLUMNS = (
    *("team_id", "number", "seq", "at", "event", "actor", "via", "request_id"),
    *("conversation_id", "detail", "texts", "beside", "previous", "hash", "part"),
)


@dataclass(frozen=True)
class Span:
    """The rows of one chain that are exported, and the hash before them."""

    team: str
    first: int
    last: int
    previous: str


async def spans(
    connection: Connection, since: dt.datetime | None, until: dt.datetime | None
) -> list[Span]:
    """Find the span of each chain that is to be exported."""
    key = {"since": since, "until": until}
    rows = await (await connection.execute(SQL["spans"], key)).fetchall()
    return [
        Span(**row, previous=await _hash(connection, row["team"], row["first"] - 1))
        for row in rows
    ]


async def _hash(connection: Connection, team: str, number: int) -> str:
    key = {"team": team, "number": number}
    row = await (await connection.execute(SQL["hash_at"], key)).fetchone()
    return row["hash"] if row else ""


async def rows_of(
    connection: Connection, since: dt.datetime | None, until: dt.datetime | None
) -> AsyncIterator[dict[str, Any]]:
    """The rows of an export, oldest first in each workspace.

    Each says what it is a part of, so that a file that was cut off does not pass for
    whole. What is gone from the table is left out, and a check of the file says that
    it is missing.
    """
    wanted = await spans(connection, since, until)
    total = sum(span.last - span.first + 1 for span in wanted)
    for span in wanted:
        part = {"first": span.first, "last": span.last, "rows": total}
        previous = span.previous
        async with links(connection, span.team, span.first - 1) as found:
            async for link in found:
                if link.team != span.team or link.number > span.last:
                    break
                if link.row is not None:
                    yield {**_exported(link, previous), "part": part}
                previous = link.hash


def _exported(link: ChainLink, previous: str) -> dict[str, Any]:
    return {
        **(link.row or {}),
        "number": link.number,
        "previous": previous,
        "hash": link.hash,
        "beside": _beside(link),
    }


def _beside(link: ChainLink) -> dict[str, dict[str, Any]]:
    """The texts, and of those that are gone that they were erased."""
    digests: Mapping[str, str] = (link.row or {}).get("texts") or {}
    gone: dict[str, dict[str, Any]] = {name: {"erased": True} for name in digests}
    kept = {name: {"salt": salt, "text": text} for name, salt, text in link.texts}
    return gone | kept


async def as_jsonl(
    connection: Connection, since: dt.datetime | None, until: dt.datetime | None
) -> AsyncIterator[str]:
    """A line of canonical JSON for each row."""
    async for row in rows_of(connection, since, until):
        text = quick(row)
        yield f"{text.decode() if text.isascii() else canonical(row)}\n"


async def as_csv(
    connection: Connection, since: dt.datetime | None, until: dt.datetime | None
) -> AsyncIterator[str]:
    """Lines of a CSV with a header; objects stand in it as JSON."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, CSV_COLUMNS)
    writer.writeheader()
    async for row in rows_of(connection, since, until):
        flat = {name: _cell(row.get(name)) for name in CSV_COLUMNS}
        writer.writerow(flat)
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def _cell(value: Any) -> Any:
    return quick(value).decode() if isinstance(value, dict) else value


async def note_export(
    connection: Connection,
    operator: str,
    form: str,
    since: dt.datetime | None,
    until: dt.datetime | None,
) -> bool:
    """Note it in every workspace's chain; False where the database takes no rows."""
    found = await connection.execute(SQL["teams"])
    detail = {
        "format": form,
        "since": since.isoformat() if since else None,
        "until": until.isoformat() if until else None,
    }
    facts = [
        Fact(row["team"], "exported", actor=operator, via="cli", detail=detail)
        for row in await found.fetchall()
    ]
    try:
        async with connection.transaction():
            await append(connection, facts)
    except ReadOnlySqlTransaction:
        return False
    return True
