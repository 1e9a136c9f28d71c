"""People name who stands in for them, where a group of the policy allows it."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from bot.approvals import SQL, store
from bot.approvals.audit import Fact, append, of_person
from bot.approvals.model import USERS, Person, Profile
from bot.approvals.policy.model import Delegation, Group, Policy, zone
from bot.approvals.ports import Members, People, Policies, look_up_groups
from bot.base.time_limits import slack_in_time
from bot.database.pool import Connection, Pool, transaction

LONGEST = dt.timedelta(days=366)


class GivenPolicies(Policies, Protocol):
    """The policy in force, with what people have given each other."""

    def give(self, delegations: Sequence[Delegation]) -> None:
        """Put these beside the file's own."""
        ...


@dataclass(frozen=True)
class Given:
    """The end of an attempt to delegate: `code` says why not; "" if it was done.

    Attributes:
        groups: in which the delegate decides now; where the code is `not_in_group`,
            the groups they would have to be in.
        detail: `Profile.refusal` of the delegate where the code is `no_member`.
    """

    code: str = ""
    groups: Sequence[str] = ()
    detail: str = ""


@dataclass(frozen=True)
class Delegations:
    """Writes delegations, each with its fact on the trail, and puts them into force."""

    pool: Pool
    people: People
    policies: GivenPolicies
    team: Callable[[], str]

    async def look(self) -> None:
        """Put all that is stored into force; a duty of the clock, and of the start."""
        async with self.pool.connection() as connection:
            self.policies.give(await _given(connection, self.team()))

    async def give(self, person: Person, delegate: str, until: dt.date) -> Given:
        """Let one other person decide for somebody, up to and including a day.

        Only one at a time: where two have to agree, a person and their delegate are
        two, and must not become three.

        Raises:
            SlackUnavailable: who they are, or their groups, cannot be looked up.
        """
        policy = self.policies.current
        given = await self._judge(policy, person, delegate, until)
        fact = _fact(person, delegate, until, given)
        key = {"team": person.team, "principal": person.user, "delegate": delegate}
        async with transaction(self.pool) as connection:
            facts = [fact]
            if not given.code:
                facts += await _end(connection, person, but=delegate)
                await connection.execute(SQL["delegate"], {**key, "until": until})
            await append(connection, facts)
        if not given.code:
            await self.look()
        return given

    async def _judge(
        self, policy: Policy, person: Person, delegate: str, until: dt.date
    ) -> Given:
        async with self.pool.connection() as connection:
            now = await store.clock(connection)
        today = now.astimezone(zone(policy.timezone)).date()
        other = Person(person.enterprise, person.team, delegate)
        own, others, members = await self._ask(policy, person, other)
        if own.refusal:
            return Given("no_member", detail=own.refusal)
        found = judge_delegation(policy, person.user, delegate, members)
        if found.code or not today <= until <= today + LONGEST:
            return found if found.code else Given("past" if until < today else "long")
        return Given("no_member", detail=others.refusal) if others.refusal else found

    async def _ask(
        self, policy: Policy, person: Person, other: Person
    ) -> tuple[Profile, Profile, Members]:
        """Ask Slack all at once: a command has three seconds for its answer."""
        async with slack_in_time():
            return await asyncio.gather(
                self.people.look_up(person),
                self.people.look_up(other),
                self._members(policy, person),
            )

    async def _members(self, policy: Policy, person: Person) -> Members:
        groups = [group for group in policy.groups.values() if group.delegable_to]
        return await look_up_groups(self.people, shared_sources(groups), person)

    async def end(self, person: Person) -> Sequence[str]:
        """Take back all that a person has given; return who stood in for them."""
        async with transaction(self.pool) as connection:
            facts = await _end(connection, person)
            await append(connection, facts)
        await self.look()
        return [fact.detail["to"] for fact in facts]


async def as_given_now(connection: Connection, team: str, policy: Policy) -> Policy:
    """Return the policy with what people have given each other as it is stored now.

    A process learns at its next tick of what was ended through another; a decision does
    not count on that.
    """
    filed = [each for each in policy.delegations if not each.given]
    given = await _given(connection, team)
    return replace(policy, delegations=(*filed, *given))


async def _given(connection: Connection, team: str) -> list[Delegation]:
    found = await connection.execute(SQL["delegations_in_force"], {"team": team})
    return [
        Delegation(row["principal_id"], row["delegate_id"], row["until"], given=True)
        for row in await found.fetchall()
    ]


async def _end(connection: Connection, person: Person, but: str = "") -> list[Fact]:
    """End what a person has given, but to one; the facts of it."""
    key = {"team": person.team, "principal": person.user, "but": but}
    found = await connection.execute(SQL["end_delegations"], key)
    users = [str(row["delegate_id"]) for row in await found.fetchall()]
    return [of_person(person, "delegation_ended", to=user) for user in users]


def judge_delegation(
    policy: Policy, principal: str, delegate: str, members: Members
) -> Given:
    """Return in which groups one person may let another decide for them.

    Only a group's own people pass their right on; their delegates do not.
    """
    if principal == delegate:
        return Given("yourself")
    own = [g for g in policy.groups.values() if is_in(principal, g, members)]
    groups = [group for group in own if group.delegable_to]
    if not groups:
        return Given("not_delegable")
    open_to = [
        g.name for g in groups if delegate in policy.groups[g.delegable_to].users
    ]
    if not open_to:
        wanted = dict.fromkeys(group.delegable_to for group in groups)
        return Given("not_in_group", tuple(wanted))
    return Given("", tuple(open_to))


def shared_sources(groups: Iterable[Group]) -> set[str]:
    """Return the sources in Slack that hold the same people for each requester.

    A manager is another one for each, and stands in the request.
    """
    return {
        group.source
        for group in groups
        if group.source != USERS and not group.source.startswith("manager_of")
    }


def is_in(user: str, group: Group, members: Members) -> bool:
    """Return whether a person is one of a group's own people."""
    listed = group.users if group.source == USERS else members.get(group.source, ())
    return user in listed


def _fact(person: Person, delegate: str, until: dt.date, given: Given) -> Fact:
    return of_person(
        person,
        "refused" if given.code else "delegated",
        to=delegate,
        until=until.isoformat(),
        groups=list(given.groups),
        **({"word": f"delegation_{given.code}"} if given.code else {}),
    )
