"""Bring the schema up to date, and let one Slack workspace only be served."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, LiteralString, cast

import structlog
from psycopg import errors
from psycopg.sql import SQL, Identifier

from bot.base.errors import ConfigurationError
from bot.base.faults import reach
from bot.base.time_limits import limits
from bot.database.pool import Connection, Pool, connect

if TYPE_CHECKING:
    from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver

log = structlog.get_logger(__name__)
QUEUE = "procrastinate"  # the job queue's own schema, which comes before our files
LOCK = 0x41505052  # "APPR": the advisory lock of a process that migrates
POLL = 0.2  # seconds
TRIES = 25  # beside another process, before its trouble is ours
# What two that make the same thing at once are told. A proxy with transaction pooling
# can give both the lock, by giving both the same connection.
BESIDE = (
    errors.UniqueViolation,
    errors.DuplicateTable,
    errors.DuplicateObject,
    errors.DuplicateColumn,
    errors.DuplicateFunction,
)


async def migrate(url: str) -> list[str]:
    """Apply what is missing and return its names, oldest first.

    Waits for another replica by polling a try-lock: a blocking lock would keep a
    snapshot open, and LangGraph's `CREATE INDEX CONCURRENTLY` waits for those.

    Raises:
        psycopg.Error: the database refuses a statement or cannot be reached.
    """
    async with await connect(url, patience=limits().statement) as connection:
        # Looked at again at each poll: behind a proxy with transaction pooling the lock
        # of a process that has migrated may stay with the proxy for a while.
        tries = 0
        while not await _is_current(connection):
            try:
                async with _alone(connection) as alone:
                    if alone:
                        connection.patience = None  # large tables take their time
                        return await _apply_all(connection)
            except BESIDE:
                tries += 1
                if tries == TRIES:
                    raise
            await asyncio.sleep(POLL)
        return []  # so that a role which may make no tables can run the bot


async def _apply_all(connection: Connection) -> list[str]:
    if await _is_current(connection):  # by somebody else, before we had the lock
        return []
    await connection.execute(
        "CREATE TABLE IF NOT EXISTS migrations ("
        " name text PRIMARY KEY,"
        " applied_at timestamptz NOT NULL DEFAULT clock_timestamp())"
    )
    done = await applied(connection)
    lacking: list[tuple[str, LiteralString]] = [
        (name, sql) for name, sql in _migrations() if name not in done
    ]
    for name, sql in lacking:
        await _apply(connection, name, sql)
    await _drop_half_made_indexes(connection)
    await _saver()(connection).setup()
    return [name for name, _ in lacking]


async def _drop_half_made_indexes(connection: Connection) -> None:
    """Drop the indexes left by a process that died in `CREATE INDEX CONCURRENTLY`.

    The saver makes an index that is missing; an invalid one would stay so, and be of
    no use.
    """
    found = await connection.execute(
        "SELECT indexrelid::regclass::text AS name FROM pg_index"
        " WHERE NOT indisvalid AND indrelid::regclass::text LIKE 'checkpoint%'"
    )
    for row in await found.fetchall():
        name = Identifier(*row["name"].split("."))
        await connection.execute(SQL("DROP INDEX {}").format(name))


async def _is_current(connection: Connection) -> bool:
    return not await missing(connection) and await _saver_is_ready(connection)


async def _saver_is_ready(connection: Connection) -> bool:
    """Return whether LangGraph's own tables are those of the installed version."""
    found = await connection.execute(
        "SELECT to_regclass('checkpoint_migrations') AS it"
    )
    row = await found.fetchone()
    if row is None or row["it"] is None:
        return False
    found = await connection.execute("SELECT max(v) AS v FROM checkpoint_migrations")
    row = await found.fetchone()
    return bool(row and row["v"] == len(_saver().MIGRATIONS) - 1)


def _saver() -> type[AsyncPostgresSaver]:
    # `check` asks what is missing, and is spared these imports.
    from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver

    return AsyncPostgresSaver


async def _apply(connection: Connection, name: str, sql: LiteralString) -> None:
    async with connection.transaction():
        await connection.execute(sql)
        reach("migrating")
        await connection.execute("INSERT INTO migrations (name) VALUES (%s)", [name])
    log.debug("migration applied", action="migrated", migration=name)


@asynccontextmanager
async def _alone(connection: Connection) -> AsyncGenerator[bool]:
    """Try for the lock of migrations, and hold it if it was free."""
    found = await connection.execute("SELECT pg_try_advisory_lock(%s) AS got", [LOCK])
    row = await found.fetchone()
    got = bool(row and row["got"])
    try:
        yield got
    finally:
        if got:
            await connection.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def _migrations() -> Iterator[tuple[str, LiteralString]]:
    """All migrations in order: the job queue's schema first, then our own.

    The queue's own later migrations follow its base schema by name, so that an
    upgrade of the library upgrades its tables.
    """
    from procrastinate.schema import SchemaManager

    yield QUEUE, SchemaManager.get_schema()
    for file in own_migrations():
        yield file.stem, cast(LiteralString, file.read_text(encoding="utf-8"))


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


async def remember_workspace(
    pool: Pool, *, team: str, enterprise: str, name: str, simulated: bool
) -> None:
    """Note that this database serves a workspace."""
    async with pool.connection() as connection:
        await connection.execute(
            "INSERT INTO workspaces (team_id, enterprise_id, name, simulated)"
            " VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (team_id) DO UPDATE SET"
            " simulated = workspaces.simulated AND excluded.simulated",
            [team, enterprise, name, simulated],
        )


async def refuse_real_workspace(pool: Pool) -> None:
    """The simulator lets anybody act as anybody: never on real requests.

    Raises:
        ConfigurationError: the database has served a real team.
    """
    async with pool.connection() as connection:
        found = await connection.execute(
            "SELECT team_id FROM workspaces WHERE NOT simulated LIMIT 1"
        )
        row = await found.fetchone()
    if row is not None:
        raise ConfigurationError(
            f"The database has served the Slack team {row['team_id']}, so the "
            "simulator does not open it; set the SLACK_* variables, or another "
            "DATABASE_URL."
        )
