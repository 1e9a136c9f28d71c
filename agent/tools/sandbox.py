"""The sandbox tools: play money and databases that nobody needs, with real effects."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import shutil
import sqlite3
import stat
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager, suppress
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Annotated, Literal

from langchain_core.tools import BaseTool, ToolException
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from agent import named_statements
from agent.gate import PlainTool
from agent.phrases import results
from agent.tool_arguments import titled
from agent.tools.files import SANDBOX, opened, sentences

Currency = Literal["GBP", "EUR", "USD"]


class _Args(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


def to_pence(amount: float) -> int:
    """Hundredths of an amount as JSON gives it, without counting in floats.

    Raises:
        ValueError: it has more than two decimals.
    """
    # The shortest text of a float is what was written, up to 15 digits.
    pence = Decimal(str(amount)) * 100
    if pence != pence.to_integral_value():
        raise ValueError(results.TWO_DECIMALS)
    return int(pence)


def _whole_pence(amount: float) -> float:
    to_pence(amount)
    return amount


class ListAccounts(_Args):
    pass


class TransferMoney(_Args):
    to: str = Field(description="The payee, as list_accounts names it, such as alice.")
    amount: Annotated[
        float,
        Field(
            gt=0,
            allow_inf_nan=False,
            description="How much, with at most two decimals, such as 1500.50.",
        ),
        AfterValidator(_whole_pence),
    ]
    currency: Currency = Field(description="The currency of the amount.")


class ListDatabases(_Args):
    pass


class DropDatabase(_Args):
    name: str = Field(description="The database, as list_databases names it.")


def make_sandbox_tools(root: Path) -> list[BaseTool]:
    """Make the four tools; their files appear below `root` when one is first used."""
    root.mkdir(parents=True, exist_ok=True)

    async def list_accounts() -> str:
        """List the accounts of the sandbox: payees and balances in play money."""
        return await asyncio.to_thread(accounts, root)

    async def transfer_money(to: str, amount: float, currency: Currency) -> str:
        """Transfer play money from the sandbox's own account to one of its payees."""
        return await asyncio.to_thread(transfer, root, to, amount, currency)

    async def list_databases() -> str:
        """List the databases of the sandbox, with their tables."""
        return await asyncio.to_thread(databases, root)

    async def drop_database(name: str) -> str:
        """Drop a database of the sandbox. It cannot be restored."""
        return await asyncio.to_thread(drop, root, name)

    return [
        PlainTool.from_function(coroutine=list_accounts, args_schema=ListAccounts),
        PlainTool.from_function(
            coroutine=transfer_money,
            args_schema=TransferMoney,
            metadata=titled("transfer_money"),
        ),
        PlainTool.from_function(coroutine=list_databases, args_schema=ListDatabases),
        PlainTool.from_function(
            coroutine=drop_database,
            args_schema=DropDatabase,
            metadata=titled("drop_database"),
        ),
    ]


def accounts(root: Path) -> str:
    """A line per account with what it holds of each currency."""
    lines = [
        results.line(name, (money(row[1], row[2]) for row in rows))
        for name, rows in groupby(balances(root), key=lambda row: row[0])
    ]
    return "\n".join([results.ACCOUNTS, *lines])


def transfer(root: Path, to: str, amount: float, currency: str) -> str:
    """Pay, and say what is left."""
    pence = to_pence(amount)
    left = book_transfer(root, to, currency, pence)
    return results.transferred(money(currency, pence), to, money(currency, left))


def databases(root: Path) -> str:
    """A line per database with the names of its tables."""
    found = database_names(root)
    if not found:
        return results.NO_DATABASES
    lines = [results.line(n, tables or [results.NO_TABLES]) for n, tables in found]
    return "\n".join([results.DATABASES, *lines])


def drop(root: Path, name: str) -> str:
    """Drop, and say so."""
    drop_file(root, name)
    return results.dropped(name)


ACCOUNTS, DATABASES = "accounts.sqlite", "databases"
NAMES = ("analytics", "prod", "staging")
BUSY = 10.0  # seconds to wait for another process that writes
# What SQLite keeps beside a database; a leftover would be played into the next one.
_BESIDE = ("-journal", "-wal", "-shm")
_DATABASE = re.compile(r"([a-z][a-z0-9_]{0,62})\.sqlite")


SQL = named_statements(Path(__file__).with_name("sandbox.sql"))


class SandboxError(ToolException):
    """Something the sandbox cannot do; the text is a sentence for the model."""

    def __init__(self, sentence: str) -> None:
        super().__init__(results.sandbox(sentence))


def balances(root: Path) -> list[tuple[str, str, int]]:
    """Name, currency and hundredths of each account, our own account first."""
    with _connected(root, ACCOUNTS) as book:
        return book.execute(SQL["select_accounts"]).fetchall()


def book_transfer(root: Path, to: str, currency: str, pence: int) -> int:
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
            raise SandboxError(results.no_payee(shown(to), payees))
        own, there = book.execute(SQL["select_own"], {"currency": currency}).fetchone()
        if there < pence:
            amounts = money(currency, there), money(currency, pence)
            raise SandboxError(results.too_little(*amounts))
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


def database_names(root: Path) -> list[tuple[str, Sequence[str]]]:
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


def drop_file(root: Path, name: str) -> None:
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
            others = [each for each in known if each != name]
            raise SandboxError(results.no_database(shown(name), others)) from None
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
    with sentences(results.SANDBOX):
        _make(root)
        with opened(root, [SANDBOX, *below]) as directory:
            yield directory


@contextmanager
def _connected(root: Path, *path: str) -> Generator[sqlite3.Connection, None, None]:
    """Open a file that stands there; a missing one is not made, no link is followed."""
    *below, name = path
    with _directory(root, *below) as directory:
        if not _is_file(directory, name):
            raise SandboxError(results.is_missing(name))
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
            raise SandboxError(results.IN_USE) from exc
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
