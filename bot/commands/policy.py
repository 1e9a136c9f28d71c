"""`python -m bot policy`: what it says, what it asks of one call, and a first one."""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from bot.approvals.digest import NotCanonical, canonical
from bot.approvals.eligibility import (
    PolicyContext,
    live_sources,
    people_now,
    stages_of,
    unfillable_stage,
)
from bot.approvals.model import REQUESTER, USERS, Askers, Stage
from bot.approvals.policy.load import load_policy
from bot.approvals.policy.match import explain, plan
from bot.approvals.policy.model import Demanded, Group, Policy
from bot.approvals.policy.types import AGENT_NAME, USER_ID
from bot.base.errors import ConfigurationError
from bot.base.settings import Settings
from bot.commands.people import KnownPeople, known_people
from bot.texts import policy as say

if TYPE_CHECKING:
    from agent.tools.mcp import Definition


async def show_command(
    settings: Settings, _parsed: argparse.Namespace, _url: str
) -> int:
    """Print the policy in the order in which it works."""
    policy = load_policy(settings.policy_file)
    async with known_people(settings) as known:
        sources = {group.source for group in policy.groups.values()} - {USERS}
        await known.learn(sources, _users(policy))
    now = dt.datetime.now(dt.UTC)
    for line in say.policy_lines(policy, lambda g: _group(g, known), known.label, now):
        print(line)
    _print_trouble(known)
    if settings.servers_file and not settings.has_demo_servers:
        await _print_servers(settings, policy)
    return 0


async def _print_servers(settings: Settings, policy: Policy) -> None:
    for server, tools in (await listed_servers(settings)).items():
        plans = [(t.name, plan(policy, t.name, {}), t.destructive) for t in tools or ()]
        known_plans = None if tools is None else plans
        print("\n".join(say.server_lines(server, known_plans)))


async def explain_command(
    settings: Settings, parsed: argparse.Namespace, _url: str
) -> int:
    """Print which rules match a call, and who decides it now.

    Raises:
        ConfigurationError: the arguments or the requester cannot be read.
    """
    policy = load_policy(settings.policy_file)
    arguments = _arguments(parsed.args)
    requester = _requester(parsed.requester)
    agent = _agent(parsed.agent)
    print(say.asked_about(parsed.tool, policy.version, agent))
    findings = explain(policy, parsed.tool, arguments, agent)
    for finding in findings:
        print("\n".join(say.finding_lines(finding, arguments, policy, agent)))
    if not findings:
        print(say.NO_RULE)
    found = plan(policy, parsed.tool, arguments, agent=agent)
    print("\n".join(say.plan_lines(found)))
    if isinstance(found, Demanded):
        async with known_people(settings, requester) as known:
            await _print_demanded(policy, found, known)
    return 0


async def _print_demanded(policy: Policy, plan: Demanded, known: KnownPeople) -> None:
    stages = stages_of(plan.stages)
    await known.learn(
        live_sources(plan.stages, policy), {*_users(policy), known.requester.user}
    )
    now = PolicyContext(policy, dt.datetime.now(dt.UTC), known.members)
    askers = Askers(known.requester)
    stages = [replace(s, people=people_now(s, askers, now)) for s in stages]
    for number, stage in enumerate(stages, 1):
        print(say.stage_line(number, stage, _who(stage, known)))
    print("\n".join(say.manner_lines(plan)))
    asking = known.requester.user
    print(say.left_out(known.label(asking) if asking else ""))
    if short := _short(stages, known):
        print(say.short_of_people(short))
    _print_trouble(known)


def _who(stage: Stage, known: KnownPeople) -> str:
    if stage.source == REQUESTER and not known.requester.user:
        return say.WHOEVER_ASKS
    if not _is_known(stage, known):
        return say.not_looked_up(Group(stage.approvers, (), stage.source))
    return say.people_listed(map(known.label, stage.people))


def _is_known(stage: Stage, known: KnownPeople) -> bool:
    return stage.source in {USERS, REQUESTER} or stage.source in known.members


def _short(stages: list[Stage], known: KnownPeople) -> str:
    """The group of a stage that cannot be filled, as far as that is known."""
    if not all(_is_known(stage, known) for stage in stages) or not known.requester.user:
        return ""
    able = [
        replace(stage, people=tuple(filter(known.may_decide, stage.people)))
        for stage in stages
    ]
    short = unfillable_stage(able, {known.requester.user}, {})
    return short.approvers if short else ""


def _group(group: Group, known: KnownPeople) -> str:
    if group.source == USERS:
        return say.people_listed(map(known.label, group.users))
    people = known.members.get(group.source)
    if people is None:
        return say.group_words(group)
    return say.group_now(group, map(known.label, people))


def _users(policy: Policy) -> set[str]:
    """Everybody whom the file names."""
    listed = {user for group in policy.groups.values() for user in group.users}
    for each in policy.delegations:
        listed |= {each.principal, each.delegate}
    return listed


def _print_trouble(known: KnownPeople) -> None:
    if known.trouble:
        print(f"\n{known.trouble}")


def _requester(user: str | None) -> str:
    if user and not USER_ID.fullmatch(user):
        raise ConfigurationError(say.no_requester(user))
    return user or ""


def _agent(name: str | None) -> str:
    if name and not re.fullmatch(AGENT_NAME, name):
        raise ConfigurationError(say.no_agent(name))
    return name or ""


def _arguments(text: str) -> dict[str, Any]:
    """Read the arguments of a call, as strictly as they would be stored."""
    try:
        found = json.loads(text, object_pairs_hook=_once)
        canonical(found)
    except (ValueError, RecursionError, NotCanonical) as error:
        raise ConfigurationError(say.arguments_unreadable(error)) from error
    if not isinstance(found, dict):
        raise ConfigurationError(say.NO_OBJECT)
    return cast("dict[str, Any]", found)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError(say.KEY_TWICE)
    return found


# --- A first policy, from the tools there are -----------------------------------------

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
    if settings.servers_file is None:
        return {}
    # Only now: they bring LangChain.
    from agent.tools.mcp import look_at_server
    from bot.conversations.tool_servers import connections_in

    connections = connections_in(settings.servers_file)
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
