"""`python -m bot policy scaffold`: a first policy from the tools there are."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agent.tools.mcp import Definition, look_at_server
from agent.tools.mcp_config import McpConfigError, read_config
from bot.base.errors import ConfigurationError
from bot.base.settings import Settings, variables
from bot.texts import policy as say

#: The tools of ours, by their set, and which of them only read.
SHIPPED = {
    "files": (
        "list_files",
        "read_file",
        "read_shared_file",
        "write_file",
        "delete_file",
    ),
    "sandbox": ("list_accounts", "list_databases", "transfer_money", "drop_database"),
    "email": ("send_email",),
    "database": ("query", "execute", "change_schema"),
}
READING = ("list_", "read_", "query")


@dataclass(frozen=True)
class Listed:
    """A tool that a policy can name; `reads`: it is said to change nothing."""

    name: str
    reads: bool


async def scaffold_command(
    settings: Settings, _parsed: argparse.Namespace, _url: str
) -> int:
    """Print a policy. Nothing is waived unless the operator names it."""
    tools = [*_shipped(settings), *_others(await listed_servers(settings))]
    waived = [tool.name for tool in tools if tool.reads and _confirms(tool.name)]
    rest = [tool.name for tool in tools if tool.name not in waived]
    print("\n".join(say.scaffold_lines(waived, rest)))
    return 0


async def listed_servers(
    settings: Settings,
) -> dict[str, Sequence[Definition] | None]:
    """The tools of each server of MCP_CONFIG; None for one that is away.

    Raises:
        ConfigurationError: MCP_CONFIG cannot be used.
    """
    if settings.mcp_config is None or "mcp" not in settings.tools:
        return {}
    try:
        connections = read_config(settings.mcp_config, variables())
    except McpConfigError as error:
        raise ConfigurationError(str(error)) from None
    looks = (look_at_server(*each) for each in connections.items())
    return dict(zip(connections, await asyncio.gather(*looks), strict=True))


def _shipped(settings: Settings) -> Iterator[Listed]:
    for tools in settings.tools:
        for name in SHIPPED.get(tools, ()):
            yield Listed(name, name.startswith(READING))


def _others(servers: dict[str, Sequence[Definition] | None]) -> Iterator[Listed]:
    for name, tools in servers.items():
        if tools is None:
            print(say.server_away(name), file=sys.stderr)
        yield from (Listed(each.name, each.reads) for each in tools or ())


def _confirms(name: str) -> bool:
    """Ask whether a tool may run without anybody: its name has to be typed in."""
    print(say.waive(name), end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip() == name
