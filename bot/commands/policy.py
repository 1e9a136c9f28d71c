"""`python -m bot policy`: what the policy says, and what it asks of one call."""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import json
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast

from bot.approvals.digest import NotCanonical, canonical
from bot.approvals.eligibility import (
    PolicyContext,
    live_sources,
    people_now,
    stages_of,
    unfillable_stage,
)
from bot.approvals.model import REQUESTER, USERS, Askers, Person, Profile, Stage
from bot.approvals.policy import Demanded, Group, Policy, load_policy, plan
from bot.approvals.policy.explain import explain
from bot.approvals.policy.types import USER_ID
from bot.approvals.ports import People
from bot.base.errors import ConfigurationError, SlackUnavailable
from bot.base.settings import Settings, Transport
from bot.texts import policy as say

AT_ONCE = 8  # questions to Slack


@dataclass
class Known:
    """The people and groups of Slack, as far as it can be asked.

    Attributes:
        people: None where Slack cannot be asked.
        trouble: why something is not known; "" if all is.
        requester: the person who asks; the user id is "" if none is named.
    """

    people: People | None
    requester: Person
    trouble: str = ""
    profiles: dict[str, Profile] = field(default_factory=dict[str, Profile])
    members: dict[str, tuple[str, ...]] = field(
        default_factory=dict[str, tuple[str, ...]]
    )
    _gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def learn(self, sources: Iterable[str], users: Iterable[str]) -> None:
        """Ask for live groups, and then for the names of all people."""
        await asyncio.gather(*(self._learn_group(source) for source in sources))
        found = {user for group in self.members.values() for user in group}
        everybody = sorted({*found, *users} - {""})
        await asyncio.gather(*(self._learn_person(user) for user in everybody))

    async def _learn_group(self, source: str) -> None:
        depends = source.startswith("manager_of_requester:")
        if self.people is None or (depends and not self.requester.user):
            return
        try:
            self.members[source] = await self.people.members(source, self.requester)
        except SlackUnavailable:
            self.trouble = say.SLACK_SILENT

    async def _learn_person(self, user: str) -> None:
        if self.people is None:
            return
        person = replace(self.requester, user=user)
        try:
            async with self._gate:
                self.profiles[user] = await self.people.look_up(person)
        except SlackUnavailable:
            self.trouble = say.SLACK_SILENT

    def may_decide(self, user: str) -> bool:
        """Return whether Slack says nothing against this person."""
        profile = self.profiles.get(user)
        return profile is None or not profile.refusal

    def label(self, user: str) -> str:
        """The name beside the id, and why somebody cannot decide."""
        profile = self.profiles.get(user)
        if profile is None:
            return user
        name = "" if profile.name == user else profile.name
        return say.person(name, user, profile.refusal)


async def show_command(
    settings: Settings, _parsed: argparse.Namespace, _url: str
) -> int:
    """Print the policy in the order in which it works."""
    policy = load_policy(settings.policy_file)
    async with _known(settings, "") as known:
        sources = {group.source for group in policy.groups.values()} - {USERS}
        await known.learn(sources, _users(policy))
    now = dt.datetime.now(dt.UTC)
    for line in say.policy_lines(policy, lambda g: _group(g, known), known.label, now):
        print(line)
    _print_trouble(known)
    return 0


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
    print(say.asked_about(parsed.tool, policy.version))
    findings = explain(policy, parsed.tool, arguments)
    for finding in findings:
        print("\n".join(say.finding_lines(finding, arguments, policy)))
    if not findings:
        print(say.NO_RULE)
    found = plan(policy, parsed.tool, arguments)
    print("\n".join(say.plan_lines(found)))
    if isinstance(found, Demanded):
        async with _known(settings, requester) as known:
            await _print_demanded(policy, found, known)
    return 0


async def _print_demanded(policy: Policy, plan: Demanded, known: Known) -> None:
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


def _who(stage: Stage, known: Known) -> str:
    if stage.source == REQUESTER and not known.requester.user:
        return say.WHOEVER_ASKS
    if not _is_known(stage, known):
        return say.not_looked_up(Group(stage.approvers, (), stage.source))
    return say.people_listed(map(known.label, stage.people))


def _is_known(stage: Stage, known: Known) -> bool:
    return stage.source in {USERS, REQUESTER} or stage.source in known.members


def _short(stages: list[Stage], known: Known) -> str:
    """The group of a stage that cannot be filled, as far as that is known."""
    if not all(_is_known(stage, known) for stage in stages) or not known.requester.user:
        return ""
    able = [
        replace(stage, people=tuple(filter(known.may_decide, stage.people)))
        for stage in stages
    ]
    short = unfillable_stage(able, {known.requester.user}, {})
    return short.approvers if short else ""


def _group(group: Group, known: Known) -> str:
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


def _print_trouble(known: Known) -> None:
    if known.trouble:
        print(f"\n{known.trouble}")


@asynccontextmanager
async def _known(settings: Settings, requester: str) -> AsyncGenerator[Known]:
    """Slack, or why it cannot be asked."""
    nobody = Person("", "", requester)
    if settings.transport is Transport.SIMULATOR:
        yield Known(None, nobody, say.NO_SLACK)
        return
    # Its client takes longer to import than all else that these commands need.
    from bot.commands.ask_slack import slack_people

    async with slack_people(settings) as found:
        if isinstance(found, str):
            yield Known(None, nobody, say.slack_cannot_be_asked(found))
        else:
            people, us = found
            yield Known(people, Person(us.enterprise, us.team, requester))


def _requester(user: str | None) -> str:
    if user and not USER_ID.fullmatch(user):
        raise ConfigurationError(say.no_requester(user))
    return user or ""


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
