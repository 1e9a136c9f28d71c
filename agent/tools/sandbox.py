"""The sandbox tools: play money and databases that nobody needs, with real effects.

Something to try approvals on. What they change are SQLite files below FILES_DIR.
"""

from __future__ import annotations

import asyncio
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Annotated, Literal

from langchain_core.tools import BaseTool, StructuredTool
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from agent.tools import sandbox_files as files

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
        raise ValueError("give at most two decimals")
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
        StructuredTool.from_function(coroutine=list_accounts, args_schema=ListAccounts),
        StructuredTool.from_function(
            coroutine=transfer_money, args_schema=TransferMoney
        ),
        StructuredTool.from_function(
            coroutine=list_databases, args_schema=ListDatabases
        ),
        StructuredTool.from_function(coroutine=drop_database, args_schema=DropDatabase),
    ]


def accounts(root: Path) -> str:
    """A line per account with what it holds of each currency."""
    lines = [
        f"{name}: {', '.join(files.money(row[1], row[2]) for row in rows)}"
        for name, rows in groupby(files.balances(root), key=lambda row: row[0])
    ]
    return "\n".join(["Sandbox: these are the accounts, in play money.", *lines])


def transfer(root: Path, to: str, amount: float, currency: str) -> str:
    """Pay, and say what is left."""
    pence = to_pence(amount)
    left = files.transfer(root, to, currency, pence)
    return (
        f"Sandbox: transferred {files.money(currency, pence)} to {to}; "
        f"{files.money(currency, left)} are left."
    )


def databases(root: Path) -> str:
    """A line per database with the names of its tables."""
    found = files.databases(root)
    if not found:
        return "Sandbox: there are no databases."
    lines = [f"{name}: {', '.join(tables) or 'no tables'}" for name, tables in found]
    return "\n".join(["Sandbox: these are the databases, with their tables.", *lines])


def drop(root: Path, name: str) -> str:
    """Drop, and say so."""
    files.drop(root, name)
    return f"Sandbox: dropped the database {name}."
