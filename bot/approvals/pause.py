"""The brake for a whole workspace: nothing is claimed until it is lifted."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.approvals import SQL, store
from bot.approvals.audit import Fact, append, of_person
from bot.approvals.model import USERS, Person
from bot.approvals.policy.model import Policy
from bot.approvals.ports import Jobs, People, Policies, look_up_groups
from bot.base.errors import SlackUnavailable
from bot.database.pool import Connection, Pool, transaction

OPERATORS = "operators"  # the policy's group of those who may pause from Slack
CARDS = 200  # the newest, drawn at once; others say it when they change next


@dataclass(frozen=True)
class Pause:
    """A pause in force. `by` is a user id, or "operator …" for the command line."""

    team: str
    reason: str
    by: str
    since: datetime


@dataclass(frozen=True)
class Actor:
    """Someone who pauses, as the trail names them: see `audit.Fact`."""

    name: str
    via: str


class PauseAnswer(enum.StrEnum):
    """The answer to a person who pauses, or who lifts a pause."""

    PAUSED = "paused"
    LIFTED = "lifted"
    PAUSED_BEFORE = "paused_before"
    NOT_PAUSED = "not_paused"
    NO_OPERATORS = "no_operators"  # the policy has no such group
    NOT_OPERATOR = "not_operator"  # the person is not in it, or is no full member
    COULD_NOT_CHECK = "could_not_check"  # Slack does not say who they are


async def pause(pool: Pool, jobs: Jobs, team: str, reason: str, by: Actor) -> bool:
    """Let no claim through from the commit on; return False if that is so already.

    A claim that is being written is waited for; one that comes later finds the pause.
    """
    async with transaction(pool) as connection:
        key = {"team": team, "reason": reason, "actor": by.name}
        await connection.execute(SQL["lock_pause"], key)
        paused = await connection.execute(SQL["pause"], key)
        if await paused.fetchone() is None:
            return False
        await _note(connection, jobs, team, "paused", by, reason)
        return True


async def lift(pool: Pool, jobs: Jobs, team: str, by: Actor) -> bool:
    """Let claims through again, and have what was approved go on.

    Returns:
        False if nothing is paused.
    """
    async with transaction(pool) as connection:
        key = {"team": team}
        await connection.execute(SQL["lock_pause"], key)
        lifted = await connection.execute(SQL["lift_pause"], key)
        if await lifted.fetchone() is None:
            return False
        await connection.execute(SQL["resume_paused"], key)
        await _note(connection, jobs, team, "pause_lifted", by)
        return True


async def _note(
    connection: Connection,
    jobs: Jobs,
    team: str,
    event: str,
    by: Actor,
    reason: str = "",
) -> None:
    key = {"team": team, "most": CARDS}
    touched = await connection.execute(SQL["touch_paused"], key)
    jobs.edit(connection, [row["id"] for row in await touched.fetchall()])
    texts = {"reason": reason} if reason else {}
    fact = Fact(team, event, actor=by.name, via=by.via, texts=texts)
    await append(connection, [fact])


async def pauses(connection: Connection) -> Sequence[tuple[str, Pause | None]]:
    """List the workspaces that the database serves, each with its pause."""
    found = await connection.execute(SQL["select_pauses"])
    rows = await found.fetchall()
    return [(row["team_id"], _pause(row) if row["paused_at"] else None) for row in rows]


def _pause(row: Mapping[str, Any]) -> Pause:
    since = store.utc(row["paused_at"])
    return Pause(row["team_id"], row["reason"], row["paused_by"], since)


@dataclass(frozen=True)
class Operators:
    """Pauses and lifts for people of the policy's group `operators`, from Slack.

    Nobody stands in for them: a delegation is about approvals.
    """

    pool: Pool
    jobs: Jobs
    people: People
    policies: Policies

    async def pause(self, person: Person, reason: str) -> PauseAnswer:
        """Pause the person's workspace; a refused attempt is on the trail."""
        if refused := await self._refused(person, "pause"):
            return refused
        by = Actor(person.user, "slack")
        done = await pause(self.pool, self.jobs, person.team, reason, by)
        return PauseAnswer.PAUSED if done else PauseAnswer.PAUSED_BEFORE

    async def lift(self, person: Person) -> PauseAnswer:
        """Lift the pause of the person's workspace, even if somebody else began it."""
        if refused := await self._refused(person, "lift"):
            return refused
        by = Actor(person.user, "slack")
        done = await lift(self.pool, self.jobs, person.team, by)
        return PauseAnswer.LIFTED if done else PauseAnswer.NOT_PAUSED

    async def _refused(self, person: Person, verdict: str) -> PauseAnswer | None:
        try:
            answer = await self._doubt(person)
        except SlackUnavailable:
            answer = PauseAnswer.COULD_NOT_CHECK
        if answer is not None:
            word = str(answer)
            fact = of_person(person, "refused", word=word, verdict=verdict)
            async with transaction(self.pool) as connection:
                await append(connection, [fact])
        return answer

    async def _doubt(self, person: Person) -> PauseAnswer | None:
        policy = self.policies.current
        if OPERATORS not in policy.groups:
            return PauseAnswer.NO_OPERATORS
        profile = await self.people.look_up(person)
        is_one = await is_operator(person, policy, self.people)
        return None if is_one and not profile.refusal else PauseAnswer.NOT_OPERATOR


async def tell_operators(
    connection: Connection, jobs: Jobs, policy: Policy, text: str
) -> None:
    """Tell the policy's operators: in their channel, or each by a direct message.

    Those of a user group are not told, since only Slack knows who they are.
    """
    group = policy.groups.get(OPERATORS)
    if group is None:
        return
    kind, _, named = group.source.partition(":")
    channel = named if kind in ("channel", "open_channel") else ""
    key = {"channel": channel, "users": list(group.users), "text": text}
    found = await connection.execute(SQL["tell_operators"], key)
    jobs.post(connection, [row["id"] for row in await found.fetchall()])


async def is_operator(person: Person, policy: Policy, people: People) -> bool:
    """Return whether a person is in the policy's group of operators.

    Raises:
        SlackUnavailable: the group cannot be looked up now.
    """
    group = policy.groups.get(OPERATORS)
    if group is None:
        return False
    members = await look_up_groups(people, {group.source} - {USERS}, person)
    return person.user in members.get(group.source, group.users)
