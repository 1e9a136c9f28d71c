"""People and groups by name for the commands, as far as Slack can be asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from bot.approvals.model import Person, Profile
from bot.approvals.ports import People
from bot.base.errors import SlackUnavailable
from bot.base.settings import Settings, Transport
from bot.texts import policy as say

AT_ONCE = 8  # questions to Slack


@dataclass
class KnownPeople:
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
        return self.named(user, profile.refusal if profile else "")

    def named(self, user: str, barred: str = "") -> str:
        """The name, as far as it is known, beside the id."""
        profile = self.profiles.get(user)
        name = profile.name if profile and profile.name != user else ""
        return say.person(name, user, barred)


@asynccontextmanager
async def known_people(
    settings: Settings, requester: str = ""
) -> AsyncGenerator[KnownPeople]:
    """Give Slack to ask, or why it cannot be asked."""
    nobody = Person("", "", requester)
    if settings.transport is Transport.SIMULATOR:
        yield KnownPeople(None, nobody, say.NO_SLACK)
        return
    # Its client takes longer to import than all else that these commands need.
    from bot.commands.ask_slack import slack_people

    async with slack_people(settings) as found:
        if isinstance(found, str):
            yield KnownPeople(None, nobody, say.slack_cannot_be_asked(found))
        else:
            people, us = found
            yield KnownPeople(people, Person(us.enterprise, us.team, requester))
