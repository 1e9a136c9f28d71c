"""Protocols for what approvals need from above: deferred jobs, and who people are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from bot.approvals.model import Person, Profile, Request
from bot.approvals.policy.model import Policy
from bot.base.errors import SlackUnavailable
from bot.base.time_limits import slack_in_time

if TYPE_CHECKING:  # commands without a database use these protocols too
    from bot.database.pool import Connection

Members = dict[str, tuple[str, ...]]  # user ids of a group's people, by `Group.source`


@dataclass(frozen=True)
class Job:
    """A durable job by name; no two with the same lock run at the same time."""

    name: str
    lock: str
    arguments: dict[str, str] = field(default_factory=dict[str, str], hash=False)


@dataclass
class JobAtWork:
    """The job that a task does now. The transaction of its result may end it, too.

    Attributes:
        number: its id in the queue; 0 where it has none.
        row: what the statement that stored the job has returned, if it was this
            process's and has read what the job begins with.
        is_over: whether that transaction has ended it.
    """

    number: int
    row: Mapping[str, Any] | None = None
    is_over: bool = False

    def end(self) -> None:
        self.is_over = True


at_work: ContextVar[JobAtWork | None] = ContextVar("at_work", default=None)


class Jobs(Protocol):
    """Has things done that follow from the transaction of a connection."""

    async def defer(self, connection: Connection, jobs: Sequence[Job]) -> None:
        """Store jobs beside what they follow from."""
        ...

    @property
    def free_worker(self) -> int | None:
        """The number of this process's worker, if it would begin a job at once."""
        ...

    def begin(
        self,
        connection: Connection,
        job: Job,
        number: int | None,
        row: Mapping[str, Any] | None = None,
    ) -> None:
        """Begin a job, which its statement has stored for our worker, after the commit.

        Args:
            number: the job's own; None where any worker may fetch it.
            row: what that statement has returned; see `JobAtWork`.
        """
        ...

    @property
    def lease(self) -> timedelta | None:
        """For how long a message may be taken by the statement that writes it.

        None where nobody in this process would send it.
        """
        ...

    def post(
        self,
        connection: Connection,
        messages: Iterable[str],
        taken: Mapping[str, Any] | None = None,
        conversation: str = "",
    ) -> None:
        """Send new messages to Slack after the commit, by their ids, in this order.

        Args:
            taken: the row of one that is taken already.
            conversation: in which they come after what was said there before.
        """
        ...

    def edit(self, connection: Connection, messages: Iterable[str]) -> None:
        """Bring messages up to date a moment after the commit, by their ids."""
        ...


class Policies(Protocol):
    """The policy in force now."""

    @property
    def current(self) -> Policy: ...


class LiveGroups(Protocol):
    """Knows who is in a group that Slack keeps."""

    async def members(self, source: str, requester: Person) -> tuple[str, ...]:
        """User ids of a group's people now, by `Group.source` (never `users`).

        Empty where Slack says that there is no such group, channel or manager, or that
        we may not look. Raises `bot.base.errors.SlackUnavailable` when nobody can tell
        in time.
        """
        ...


class People(LiveGroups, Protocol):
    """Knows people as they are right now."""

    async def look_up(self, person: Person) -> Profile:
        """Look up a person.

        Raises:
            bot.base.errors.SlackUnavailable: Slack did not answer in time.
        """
        ...


DecisionKey = tuple[str, int]  # a request, and which of its decisions


def last_decision(request: Request) -> DecisionKey:
    """Return the key of the last decision; void ones count, so none has it twice."""
    chain = request.chain
    return request.id, len(chain.decisions) + len(chain.voided)


class PeopleNow(LiveGroups, Protocol):
    """Asks for people anew, right before what they decided runs."""

    async def look_again(self, person: Person, decision: DecisionKey) -> Profile:
        """Look up a person; what the click of that decision has asked serves."""
        ...


async def look_up_groups(
    people: LiveGroups, sources: Iterable[str], requester: Person
) -> Members:
    """Ask Slack who is in these groups now, all at once and before any transaction.

    Raises:
        SlackUnavailable: nobody can tell now; try again later.
    """
    named = sorted(sources)
    found = await asyncio.gather(*(people.members(each, requester) for each in named))
    return dict(zip(named, found, strict=True))


async def refusal_of(people: People, person: Person) -> str:
    """Return why Slack's word on a person lets them do nothing here, "" if they may.

    `could_not_check` where Slack does not say it in time.
    """
    try:
        async with slack_in_time():
            return (await people.look_up(person)).refusal
    except SlackUnavailable:
        return "could_not_check"


def resume_job(conversation: str) -> Job:
    """Hand the decided answers of a conversation to its graph."""
    return Job("resume", conversation, {"conversation": conversation})


def turn_job(conversation: str) -> Job:
    """Work off the oldest open message of a conversation."""
    return Job("turn", conversation, {"conversation": conversation})


def standing_job(request: str) -> Job:
    """See whether somebody has allowed a request ahead."""
    return Job("standing", f"standing {request}", {"request": request})


def reconcile_job(conversation: str) -> Job:
    """See what a conversation's graph still asks, after the graph has changed."""
    return Job("reconcile", conversation, {"conversation": conversation})


def checkpoint_job(team: str) -> Job:
    """Sign where the workspace's trail has got to."""
    return Job("checkpoint", f"checkpoint {team}", {"team": team})


def prune_job(conversation: str) -> Job:
    """Drop a quiet conversation's old checkpoints."""
    return Job("prune", conversation, {"conversation": conversation})
