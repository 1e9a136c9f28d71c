"""The files of the sandbox: an account book and databases, in SQLite below FILES_DIR.

They stand in a directory of their own that no path of the file tools leads to, so that
nobody writes himself a balance there without being asked.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import sqlite3
import stat
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from langchain_core.tools import ToolException

from agent.tools.confined import SANDBOX, opened, sentences

ACCOUNTS, DATABASES = "accounts.sqlite", "databases"
NAMES = ("analytics", "prod", "staging")
BUSY = 10.0  # seconds to wait for another process that writes
# What SQLite keeps beside a database; a leftover would be played into the next one.
_BESIDE = ("-journal", "-wal", "-shm")
_DATABASE = re.compile(r"([a-z][a-z0-9_]{0,62})\.sqlite")


def _statements() -> dict[str, str]:
    text = Path(__file__).with_name("sandbox.sql").read_text(encoding="utf-8")
    parts = re.split(r"^-- name: (\w+)$", text, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


SQL = _statements()


class SandboxError(ToolException):
    """What the sandbox cannot do; the text is a sentence for the model."""

    def __init__(self, sentence: str) -> None:
        super().__init__(f"Sandbox: {sentence}")


def balances(root: Path) -> list[tuple[str, str, int]]:
    """Name, currency and hundredths of each account, our own account first."""
    with _connected(root, ACCOUNTS) as book:
        return book.execute(SQL["select_accounts"]).fetchall()


def transfer(root: Path, to: str, currency: str, pence: int) -> int:
    """Pay somebody from our own account, wholly or not at all.

    Args:
        pence: hundredths of the currency, more than 0.

    Returns:
        The hundredths that are left of that currency.

    Raises:
        SandboxError: the payee is unknown, or the money is not there.
    """
    with _transaction(root) as book:
        payees = [name for (name,) in book.execute(SQL["select_payees"])]
        if to not in payees:
            raise SandboxError(
                f"there is no payee {shown(to)}, so nothing was transferred; known "
                f"are {', '.join(payees)}."
            )
        own, there = book.execute(SQL["select_own"], {"currency": currency}).fetchone()
        if there < pence:
            raise SandboxError(
                f"the account holds only {money(currency, there)}, less than "
                f"{money(currency, pence)}, so nothing was transferred."
            )
        for name, change in ((own, -pence), (to, pence)):
            row = {"name": name, "currency": currency, "pence": change}
            book.execute(SQL["book"], row)
        entry = {"payee": to, "currency": currency, "pence": pence}
        book.execute(SQL["note_transfer"], entry)
    return there - pence


def money(currency: str, pence: int) -> str:
    """An amount for people: `GBP 1,500.50`."""
    return f"{currency} {pence // 100:,}.{pence % 100:02}"


def shown(name: str) -> str:
    """A name that somebody made up, short and visible."""
    return ascii(name if len(name) <= 40 else f"{name[:40]}…")


def databases(root: Path) -> list[tuple[str, Sequence[str]]]:
    """Each database and the names of its tables."""
    with _directory(root, DATABASES) as directory:
        names = _names(directory)
    found: list[tuple[str, Sequence[str]]] = []
    for name in names:
        with suppress(
            ToolException, sqlite3.Error
        ):  # dropped meanwhile, or no database
            with _connected(root, DATABASES, f"{name}.sqlite") as database:
                tables = database.execute(SQL["select_tables"]).fetchall()
            found.append((name, [table for (table,) in tables]))
    return found


def drop(root: Path, name: str) -> None:
    """Delete a database.

    Raises:
        SandboxError: there is none of that name.
    """
    with _directory(root, DATABASES) as directory:
        # Only what stands there can be named, so no name leads anywhere else.
        known = _names(directory)
        try:
            if name not in known:
                raise FileNotFoundError
            os.unlink(f"{name}.sqlite", dir_fd=directory)
        except FileNotFoundError:
            others = ", ".join(each for each in known if each != name) or "none"
            raise SandboxError(
                f"there is no database {shown(name)}, so nothing was dropped; there "
                f"are: {others}."
            ) from None
        for ending in _BESIDE:
            with suppress(FileNotFoundError):
                os.unlink(f"{name}.sqlite{ending}", dir_fd=directory)


def _names(directory: int) -> list[str]:
    found = (_DATABASE.fullmatch(name) for name in sorted(os.listdir(directory)))
    return [file[1] for file in found if file and _is_file(directory, file[0])]


def _is_file(directory: int, name: str) -> bool:
    try:
        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return stat.S_ISREG(status.st_mode)


@contextmanager
def _directory(root: Path, *below: str) -> Generator[int, None, None]:
    with sentences("The sandbox"):
        _make(root)
        with opened(root, [SANDBOX, *below]) as directory:
            yield directory


@contextmanager
def _connected(root: Path, *path: str) -> Generator[sqlite3.Connection, None, None]:
    """Open a file that stands there; a missing one is not made, no link is followed."""
    *below, name = path
    with _directory(root, *below) as directory:
        if not _is_file(directory, name):
            raise SandboxError(f"{name} is missing.")
    place = root.absolute().joinpath(SANDBOX, *path).as_uri()
    connection = sqlite3.connect(
        f"{place}?mode=rw", uri=True, timeout=BUSY, isolation_level=None
    )
    with closing(connection):
        yield connection


@contextmanager
def _transaction(root: Path) -> Generator[sqlite3.Connection, None, None]:
    """The account book for one writer; closing without the commit undoes all."""
    with _connected(root, ACCOUNTS) as book:
        try:
            book.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as exc:
            raise SandboxError(
                "the account book is in use, so nothing was changed."
            ) from exc
        yield book
        book.execute("COMMIT")


def _make(root: Path) -> None:
    """Make the sandbox if it is not there, in one step that only one process wins."""
    target = root / SANDBOX
    if os.path.lexists(target):
        return
    draft = root / f"{SANDBOX}.{secrets.token_hex(8)}"
    (draft / DATABASES).mkdir(parents=True)
    _write(draft / ACCOUNTS, SQL["make_accounts"])
    for name in NAMES:
        _write(draft / DATABASES / f"{name}.sqlite", SQL["make_database"])
    try:
        draft.rename(target)
    except OSError:
        shutil.rmtree(draft)
        if not target.is_dir():
            raise


def _write(file: Path, script: str) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(script)
