"""A person's desk: what they can decide now, have asked for and have decided."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, LiteralString

from bot.approvals import store
from bot.approvals.delegations import is_in, shared_sources
from bot.approvals.eligibility import (
    PolicyContext,
    live_sources,
    refusal,
    stands_for,
    with_current_people,
    with_current_policy,
)
from bot.approvals.model import Person, Profile, Request
from bot.approvals.policy.model import Delegation, Denied, Policy, is_in_force
from bot.approvals.ports import Members, People, Policies, look_up_groups
from bot.approvals.standing_grants import StandingGrant, StandingGrants
from bot.approvals.visibility import can_see, represents
from bot.base.errors import SlackUnavailable
from bot.base.time_limits import PATIENCE
from bot.database.pool import Connection, Pool
from bot.slack.home.sql import SQL

PAGE = 10  # requests that wait, on one page
RECENT = 8  # of those that a person has asked for, or has decided


@dataclass(frozen=True)
class Desk:
    """All that one person is shown.

    Attributes:
        refusal: why they may not decide anything, as `Profile.refusal`.
        waiting: nearest deadline first, with the people who can decide them now.
        for_whom: by request, whom the person stands in for there, as a user id.
        is_more: there is another page of them.
        watches: user ids and sources of groups whose requests are shown here.
    """

    person: Person
    now: dt.datetime
    refusal: str = ""
    waiting: Sequence[Request] = ()
    for_whom: Mapping[str, str] = field(default_factory=dict[str, str])
    is_more: bool = False
    page: int = 0
    asked: Sequence[Request] = ()
    decided: Sequence[Request] = ()
    delegations: Sequence[Delegation] = ()
    may_delegate: bool = False
    allowed: Sequence[StandingGrant] = ()
    watches: Sequence[str] = ()


@dataclass(frozen=True)
class Desks:
    """Reads people's desks."""

    pool: Pool
    people: People
    policies: Policies

    async def read(self, person: Person, page: int = 0) -> Desk:
        """Read what a person may see now, and nothing else.

        Raises:
            SlackUnavailable: who they are, or their groups, cannot be looked up.
            psycopg.Error, psycopg_pool.PoolTimeout: the database cannot be reached.
        """
        policy = self.policies.current
        profile, groups = await self._ask(person, policy)
        async with self.pool.connection() as connection:
            now = await store.clock(connection)
            if profile.refusal:
                return Desk(person, now, profile.refusal, watches=(person.user,))
            desk = _Reading(connection, person, policy, now, groups)
            waiting, page = await desk.waiting(page)
            asked = await desk.ids(SQL["asked_by"], RECENT)
            decided = await desk.ids(SQL["decided_by"], RECENT)
        for_whom: dict[str, str] = {}
        current: list[Request] = []
        for each in waiting[:PAGE]:
            if found := await self._decidable(person, each, policy, now):
                current.append(found[0])
                for_whom |= {each.id: found[1]} if found[1] else {}
        return Desk(
            person,
            now,
            waiting=current,
            for_whom=for_whom,
            is_more=len(waiting) > PAGE,
            page=page,
            asked=asked,
            decided=decided,
            delegations=_delegations(person, policy, now),
            allowed=await self._allowed(person, now),
            may_delegate=any(
                group.delegable_to and is_in(person.user, group, groups)
                for group in policy.groups.values()
            ),
            watches=(*desk.people, *desk.sources),
        )

    async def _allowed(self, person: Person, now: dt.datetime) -> list[StandingGrant]:
        """List the person's grants that can still be used."""
        grants = StandingGrants(self.pool, self.people, self.policies)
        return [
            each
            for each in await grants.list_standing(person.team, person.user)
            if not each.revoked_by and each.used < each.uses and each.expires_at > now
        ][:RECENT]

    async def find(self, person: Person, code: str) -> Request | None:
        """Return the latest request of a code that the person may see."""
        policy = self.policies.current
        async with self.pool.connection() as connection:
            now = await store.clock(connection)
            key = {"team": person.team, "code": code}
            found = await _named(connection, SQL["of_code"], key)
        seen = [each for each in found if can_see(person, each, policy, now)]
        return seen[0] if seen else None

    async def _ask(self, person: Person, policy: Policy) -> tuple[Profile, Members]:
        """Ask Slack all at once: a command has three seconds for its answer."""
        asked = self.people.look_up(person), self._groups(person, policy)
        try:
            async with asyncio.timeout(PATIENCE):
                return await asyncio.gather(*asked)
        except TimeoutError as error:
            raise SlackUnavailable from error

    async def _groups(self, person: Person, policy: Policy) -> Members:
        """Ask who is in the policy's groups that Slack keeps."""
        shared = shared_sources(policy.groups.values())
        return await look_up_groups(self.people, shared, person)

    async def _decidable(
        self, person: Person, stored: Request, policy: Policy, now: dt.datetime
    ) -> tuple[Request, str] | None:
        """Return it as a click would find it, and for whom the person decides there.

        None where they could not decide it, by the policy in force.
        """
        tight = with_current_policy(stored, policy)
        if isinstance(tight, Denied):
            return None
        open_stages = [s for s in tight.chain.stages if s.passed_at is None]
        sources = live_sources(open_stages, policy)
        members = await look_up_groups(self.people, sources, stored.people.requester)
        context = PolicyContext(policy, now, members)
        current, stage = with_current_people(tight, context), tight.chain.open_stage
        if stage is None or now >= current.deadline or refusal(current, person):
            return None
        deputies = stands_for(stage, stored.people, context)
        return current, deputies.get(person.user, "")


@dataclass(frozen=True)
class _Reading:
    """One look into the database for one person."""

    connection: Connection
    person: Person
    policy: Policy
    now: dt.datetime
    groups: Members

    @property
    def people(self) -> list[str]:
        return represents(self.person, self.policy, self.now)

    @property
    def sources(self) -> list[str]:
        """The groups in Slack that the person, or whom they represent, is in."""
        own = set(self.people)
        return [source for source, users in self.groups.items() if own & {*users}]

    async def waiting(self, page: int) -> tuple[list[Request], int]:
        """Read a page with one more than it holds; the last page where it is beyond."""
        key: dict[str, Any] = {
            "people": self.people,
            "sources": self.sources,
            "limit": PAGE + 1,
        }
        found = await self.ids(SQL["waiting_for"], **key, skip=page * PAGE)
        if found or not page:
            return found, page
        return await self.ids(SQL["waiting_for"], **key, skip=0), 0

    async def ids(
        self, statement: LiteralString, limit: int, **key: Any
    ) -> list[Request]:
        key |= {"team": self.person.team, "user": self.person.user, "limit": limit}
        return await _named(self.connection, statement, key)


async def _named(
    connection: Connection, statement: LiteralString, key: dict[str, Any]
) -> list[Request]:
    found = await connection.execute(statement, key)
    ids = [row["id"] for row in await found.fetchall()]
    return await store.named(connection, list(dict.fromkeys(ids))) if ids else []


def _delegations(
    person: Person, policy: Policy, now: dt.datetime
) -> Sequence[Delegation]:
    return [
        each
        for each in policy.delegations
        if person.user in (each.principal, each.delegate)
        and is_in_force(policy, each, now)
    ]
