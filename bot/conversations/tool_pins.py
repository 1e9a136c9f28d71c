"""Pin what MCP servers say of their tools; and read which servers there are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

import structlog

from agent.tools.mcp import Definition
from agent.tools.mcp_config import McpConfigError, read_config
from bot.approvals.pause import tell_operators
from bot.approvals.policy.match import names
from bot.approvals.policy.model import Effect
from bot.approvals.ports import Jobs, Policies
from bot.approvals.transitions import ask_anew_for_changed_tool
from bot.base.errors import ConfigurationError
from bot.base.settings import variables
from bot.conversations import SQL
from bot.database.pool import Connection, Pool, transaction
from bot.texts.agent import no_longer_fits, tool_was_changed
from bot.texts.notices import tools_changed

log = structlog.get_logger(__name__)


def connections_in(file: Path) -> dict[str, dict[str, Any]]:
    """Read the servers that MCP_CONFIG names, with the environment's variables.

    Raises:
        ConfigurationError: the file cannot be used.
    """
    try:
        return read_config(file, variables())
    except McpConfigError as error:
        raise ConfigurationError(str(error)) from None


class StoredPins:
    """Implements `agent.tools.mcp.Pins` over PostgreSQL."""

    def __init__(self, pool: Pool, policies: Policies, jobs: Jobs) -> None:
        self.pool = pool
        self._policies = policies
        self.jobs = jobs
        self._changed_under: dict[str, str] = {}  # see `waivers`, by the tools' names

    def is_unsettled(self, name: str) -> bool:
        """Return whether a tool has changed under the rules that would waive it.

        They do not then: they were written for another tool. A policy that changes
        elsewhere says nothing about it.
        """
        changed_under = self._changed_under.get(name)
        return bool(changed_under) and changed_under == waivers(self._policies, name)

    async def known(self, servers: Sequence[str]) -> list[Definition]:
        """The tools that these servers listed when they were last asked."""
        async with self.pool.connection() as connection:
            key = {"servers": list(servers)}
            rows = await (await connection.execute(SQL["known_tools"], key)).fetchall()
        self._changed_under |= {
            f"{row['server']}.{row['tool']}": row["changed_under"] for row in rows
        }
        return [
            Definition(row["server"], row["tool"], **json.loads(row["definition"]))
            for row in rows
        ]

    async def learn(self, server: str, listed: Sequence[Definition]) -> list[str]:
        """Keep a server's whole list; return the names of the tools that changed."""
        async with transaction(self.pool) as connection:
            changed, news = await self._keep(connection, server, listed)
            waited = [
                await self._ask_anew(connection, each, quietly=each.name not in news)
                for each in changed
            ]
            if news:
                await self._tell(connection, news, sum(waited))
        for each, number in zip(changed, waited, strict=True):
            log.warning(
                "an MCP server has changed a tool",
                action="tool_changed",
                tool=each.name,
                requests=number,
            )
        await self.known([server])
        return [each.name for each in changed]

    async def _ask_anew(
        self, connection: Connection, tool: Definition, *, quietly: bool
    ) -> int:
        notes = tool_was_changed(tool.name), no_longer_fits(tool.name)
        return await ask_anew_for_changed_tool(
            connection, self.jobs, tool.name, tool.call_schema, notes, quietly=quietly
        )

    async def _tell(
        self, connection: Connection, tools: Sequence[str], waited: int
    ) -> None:
        text = tools_changed(tools, waited)
        policy = self._policies.current
        await tell_operators(connection, self.jobs, policy, text)

    async def _keep(
        self, connection: Connection, server: str, listed: Sequence[Definition]
    ) -> tuple[list[Definition], list[str]]:
        """Return the tools that changed, and the names of those to tell of."""
        key = {"server": server}
        found = await connection.execute(SQL["pinned_tools"], key)
        before = {row["tool"]: row for row in await found.fetchall()}
        changed, news = list[Definition](), list[str]()
        for each in listed:
            row = {"tool": each.tool, "digest": each.digest, "definition": _json(each)}
            row["waivers"] = waivers(self._policies, each.name)
            await connection.execute(SQL["pin_tool"], key | row)
            old = before.get(each.tool)
            if old and old["digest"] != each.digest:
                changed.append(each)
                # it may change again and again; that no rule waives it was said
                if not (old["lately"] and old["changed_under"] == row["waivers"]):
                    news.append(each.name)
        names = [each.tool for each in listed]
        await connection.execute(SQL["unlist_tools"], key | {"tools": names})
        return changed, news


def waivers(policies: Policies, tool: str) -> str:
    """Return a hash of the rules that waive a tool's approval."""
    found = [
        [rule.name, rule.why, rule.tools, [astuple(each) for each in rule.when]]
        for rule in policies.current.rules
        if rule.effect is Effect.WAIVE and names(rule.tools, tool)
    ]
    return hashlib.sha256(json.dumps(found, default=str).encode()).hexdigest()


def _json(definition: Definition) -> str:
    said = {
        "description": definition.description,
        "schema": definition.schema,
        "destructive": definition.destructive,
        "reads": definition.reads,
    }
    return json.dumps(said)
