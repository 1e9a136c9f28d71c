"""The migrations that a database lacks, by name; `migrate` applies them."""

from __future__ import annotations

import functools
from importlib import resources
from pathlib import Path

from bot.database.pool import Connection

QUEUE = "procrastinate"  # the job queue's own schema, which comes before our files


@functools.cache
def own_migrations() -> tuple[Path, ...]:
    """The files of our own migrations, in order."""
    folder = resources.files("bot.database").joinpath("migrations")
    return tuple(sorted(Path(str(folder)).glob("*.sql")))


async def missing(connection: Connection) -> list[str]:
    """Names of the migrations that this code has and the database lacks."""
    done = await applied(connection)
    names = [QUEUE, *(file.stem for file in own_migrations())]
    return [name for name in names if name not in done]


async def applied(connection: Connection) -> set[str]:
    """Names of the migrations that the database has."""
    found = await connection.execute("SELECT to_regclass('migrations') AS known")
    row = await found.fetchone()
    if row is None or row["known"] is None:
        return set()
    rows = await connection.execute("SELECT name FROM migrations")
    return {row["name"] for row in await rows.fetchall()}
