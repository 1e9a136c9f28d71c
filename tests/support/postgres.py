"""A real PostgreSQL for the tests, and a fresh database for each of them."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from bot.database import embedded
from tests.support.root import ROOT

TEMPLATE = "bot_template"
# A database is 300 files, and ext4 takes a millisecond for each new one while others
# have just been deleted: in memory a database is made in 50 ms instead of a second.
IN_MEMORY = Path("/dev/shm")
ROOM = 4 * 1024**3  # bytes
ROLES = ROOT / "docs/roles.sql"
_numbers = itertools.count(1)


def with_database(url: str, name: str) -> str:
    """The same server, another database."""
    return psycopg.conninfo.make_conninfo(url, dbname=name)


def make_roles(owner: str) -> None:
    """Run the script that makes the roles, as an operator does."""
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute(ROLES.read_text().encode())


def as_role(url: str, role: str = "approval_bot_app") -> str:
    """The same database, with the rights of a role and no others."""
    return psycopg.conninfo.make_conninfo(url, options=f"-c role={role}")


def as_url(conninfo: str) -> str:
    """A conninfo of the embedded server as the URL that `DATABASE_URL` takes."""
    parts = psycopg.conninfo.conninfo_to_dict(conninfo)
    return f"postgresql://{parts['user']}@/{parts['dbname']}?host={parts['host']}"


def memory() -> Path | None:
    """Return where files are kept in memory; None where there is no room for them."""
    fits = IN_MEMORY.is_dir() and shutil.disk_usage(IN_MEMORY).free > ROOM
    return IN_MEMORY if fits and os.access(IN_MEMORY, os.W_OK) else None


@contextmanager
def folder() -> Iterator[Path]:
    """A folder for a server's data, in memory where there is room for it.

    Not below pytest's own: each start of pytest closes that to other accounts, and as
    root the server runs under an account of its own.
    """
    with tempfile.TemporaryDirectory(prefix="bot-tests-", dir=memory()) as name:
        yield Path(name)


@contextmanager
def server(directory: Path) -> Iterator[str]:
    """Run a server while the tests run; its data need not survive a power cut."""
    with embedded.start(directory) as running:
        with psycopg.connect(running.url, autocommit=True) as connection:
            for setting in ("fsync", "full_page_writes", "synchronous_commit"):
                connection.execute(f"ALTER SYSTEM SET {setting} = off")
            # the databases of tests are gone before they need it
            connection.execute("ALTER SYSTEM SET autovacuum = off")
            connection.execute("ALTER SYSTEM SET checkpoint_timeout = '1h'")
            connection.execute("ALTER SYSTEM SET max_wal_size = '4GB'")
            # their tables are small: to plan a statement once more costs most of all
            connection.execute("ALTER SYSTEM SET plan_cache_mode = force_generic_plan")
            connection.execute("SELECT pg_reload_conf()")
        yield running.url


@contextmanager
def fresh_database(server_url: str, template: str = "template1") -> Iterator[str]:
    """A database of its own, dropped afterwards whoever is still connected."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    # copying the files costs a third of writing all their pages to the log
    create = sql.SQL("CREATE DATABASE {} STRATEGY file_copy TEMPLATE {}").format(
        sql.Identifier(name), sql.Identifier(template)
    )
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(create)
    try:
        yield as_url(with_database(server_url, name))
    finally:
        with psycopg.connect(server_url, autocommit=True) as connection:
            drop = sql.SQL("DROP DATABASE {} WITH (FORCE)")
            connection.execute(drop.format(sql.Identifier(name)))
