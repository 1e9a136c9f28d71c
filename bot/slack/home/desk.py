"""A person's desk: what they can decide now, have asked for and have decided."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, LiteralString, TypeVar

from bot.approvals import store
from bot.approvals.delegations import is_in, shared_sources
from bot.approvals.eligibility import (
    PolicyContext,
    can_see,
    live_sources,
    refusal,
    represents,
    stands_for,
    with_current_people,
    with_current_policy,
)
from bot.approvals.model import Person, Profile, Request
from bot.approvals.policy.model import Delegation, Denied, Policy, is_in_force
from bot.approvals.ports import Members, People, Policies, look_up_groups
from bot.approvals.standing_grants import StandingGrant, list_standing
from bot.base.time_limits import slack_in_time
from bot.database.pool import Connection, Pool
from bot.slack.home import SQL

# The lists of a desk. They are turned over page by page, each on its own.
WAITING, ASKED, DECIDED, ALLOWED = "waiting", "asked", "decided", "allowed"
PAGE = 10  # requests that wait, on one page
RECENT = 8  # rows on one page of the other lists
Pages = Mapping[str, int]  # by list, from 0
T = TypeVar("T")


@dataclass(frozen=True)
class Desk:
    """All that one person is shown.

    Attributes:
        refusal: why they may not decide anything, as `Profile.refusal`.
        waiting: nearest deadline first, with the people who can decide them now.
        for_whom: by request, whom the person stands in for there, as a user id.
        pages: the page that is shown of each list which has several.
        more: the lists that have another page.
        watches: user ids and sources of groups whose requests are shown here.
    """

    person: Person
    now: dt.datetime
    refusal: str = ""
    waiting: Sequence[Request] = ()
    for_whom: Mapping[str, str] = field(default_factory=dict[str, str])
    pages: Pages = field(default_factory=dict[str, int])
    more: Collection[str] = ()
    asked: Sequence[Request] = ()
    decided: Sequence[Request] = ()
    delegations: Sequence[Delegation] = ()
    may_delegate: bool = False
    allowed: Sequence[StandingGrant] = ()
    watches: Sequence[str] = ()


@dataclass(frozen=True)
class _Page(Generic[T]):
    """Some rows of a list."""

    rows: Sequence[T]
    number: int
    is_more: bool


def _page(found: Sequence[T], number: int, size: int) -> _Page[T]:
    """Cut a page out of what begins with it."""
    return _Page(found[:size], number, len(found) > size)


# of each list of requests its statement, and the rows of a page
_REQUESTS: Mapping[str, tuple[LiteralString, int]] = {
    WAITING: (SQL["waiting_for"], PAGE),
    ASKED: (SQL["asked_by"], RECENT),
    DECIDED: (SQL["decided_by"], RECENT),
}


@dataclass(frozen=True)
class Desks:
    """Reads people's desks."""

    pool: Pool
    people: People
    policies: Policies

    async def read(self, person: Person, pages: Pages | None = None) -> Desk:
        """Read what a person may see now, and nothing else.

        Raises:
            SlackUnavailable: who they are, or their groups, cannot be looked up.
            psycopg.Error, psycopg_pool.PoolTimeout: the database cannot be reached.
        """
        policy, wanted = self.policies.current, pages or {}
        profile, groups = await self._ask(person, policy)
        async with self.pool.connection() as connection:
            now = await store.clock(connection)
            if profile.refusal:
                return Desk(person, now, profile.refusal, watches=(person.user,))
            reading = _Reading(connection, person, policy, now, groups)
            desk, stored = await reading.desk(wanted)
        found = [await self._decidable(person, each, policy, now) for each in stored]
        waiting = [each for each in found if each is not None]
        for_whom = {request.id: whom for request, whom in waiting if whom}
        return replace(desk, waiting=[each for each, _ in waiting], for_whom=for_whom)

    async def find(self, person: Person, code: str) -> Request | None:
        """Return the latest request of a code that the person may see."""
        policy = self.policies.current
        async with self.pool.connection() as connection:
            now = await store.clock(connection)
            key = {"team": person.team, "code": code}
            found = await _named(connection, SQL["of_code"], key)
        seen = [each for each in found if can_see(person, each, policy, now)]
        return seen[0] if seen else None

    async def decidable(self, person: Person, desk: Desk, request: Request) -> Desk:
        """Return a desk on which this request alone waits, if it waits for the person.

        It may be on any page of what does.
        """
        found = None
        if request.is_open and not desk.refusal:
            policy = self.policies.current
            found = await self._decidable(person, request, policy, desk.now)
        if found is None:
            return replace(desk, waiting=())
        for_whom = {request.id: found[1]} if found[1] else {}
        return replace(desk, waiting=[found[0]], for_whom=for_whom)

    async def _ask(self, person: Person, policy: Policy) -> tuple[Profile, Members]:
        """Ask Slack all at once: a command has three seconds for its answer."""
        asked = self.people.look_up(person), self._groups(person, policy)
        async with slack_in_time():
            return await asyncio.gather(*asked)

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

    async def desk(self, wanted: Pages) -> tuple[Desk, Sequence[Request]]:
        """Read all lists but what waits; that comes second, as stored requests."""
        found = {name: await self.page(name, wanted.get(name, 0)) for name in _REQUESTS}
        allowed = await _allowed(self.connection, self.person, wanted.get(ALLOWED, 0))
        pages = [*found.items(), (ALLOWED, allowed)]
        desk = Desk(
            self.person,
            self.now,
            pages={name: page.number for name, page in pages if page.number},
            more=[name for name, page in pages if page.is_more],
            asked=found[ASKED].rows,
            decided=found[DECIDED].rows,
            delegations=_delegations(self.person, self.policy, self.now),
            allowed=allowed.rows,
            may_delegate=any(
                group.delegable_to and is_in(self.person.user, group, self.groups)
                for group in self.policy.groups.values()
            ),
            watches=(*self.people, *self.sources),
        )
        return desk, found[WAITING].rows

    async def page(self, name: str, number: int) -> _Page[Request]:
        """Read a page of a list; the first where there is none of this number."""
        statement, size = _REQUESTS[name]
        key: dict[str, Any] = {"team": self.person.team, "user": self.person.user}
        if name == WAITING:
            key |= {"people": self.people, "sources": self.sources}
        key |= {"limit": size + 1, "skip": number * size}
        found = await _named(self.connection, statement, key)
        if number and not found:
            return await self.page(name, 0)
        return _page(found, number, size)


async def _allowed(
    connection: Connection, person: Person, number: int
) -> _Page[StandingGrant]:
    """Read a page of the person's grants that can still be used."""
    live = await list_standing(connection, person.team, person.user, live=True)
    number = number if number * RECENT < len(live) else 0
    return _page(live[number * RECENT :], number, RECENT)


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
