"""The tools of the shipped agent, by the names of the setting TOOLS."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from langchain_core.tools import BaseTool

from agent.phrases import results
from agent.tools.email import Mail, make_email_tool
from agent.tools.files import SharedFiles, make_file_tools, make_shared_tool
from agent.tools.sandbox import make_sandbox_tools

if TYPE_CHECKING:
    from agent.tools.database import Database

MAKERS = {"files": make_file_tools, "sandbox": make_sandbox_tools}
KNOWN = (*MAKERS, "email", "database", "mcp")


def make_tools(
    names: Sequence[str],
    *,
    files_dir: Path,
    mail: Mail | None = None,
    database: Database | None = None,
    shared: SharedFiles | None = None,
) -> list[BaseTool]:
    """Make the tools of each named set, in the order of `names`.

    Args:
        names: the sets: `files`, `sandbox`, `email`, `database`.
        files_dir: root of the file tools, and where the sandbox keeps its files; it is
            made if it is missing.
        mail: what `email` sends through.
        database: what `database` reads and changes.
        shared: files of the conversation, which `files` reads too.

    Raises:
        ValueError: a set is unknown, or lacks what it works on; the text says which.
    """
    tools: list[BaseTool] = []
    for name in dict.fromkeys(names):
        if name == "email" and mail is not None:
            tools.append(make_email_tool(mail))
        elif name == "database" and database is not None:
            tools += _database_tools(database)
        elif name in MAKERS:
            tools += MAKERS[name](files_dir)
        else:
            raise ValueError(_refusal(name))
        if name == "files" and shared is not None:
            tools.append(make_shared_tool(shared))
    return tools


def _database_tools(database: Database) -> list[BaseTool]:
    from agent.tools.database import make_database_tools

    return make_database_tools(database)


def _refusal(name: str) -> str:
    if name in results.NEEDS:
        return results.NEEDS[name]
    return results.no_tools(name, KNOWN)
