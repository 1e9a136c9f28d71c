"""The trail: facts are appended in the transaction that they describe."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg.types.json import Jsonb

from bot.approvals import SQL, digest
from bot.approvals.model import Person, Request
from bot.approvals.ports import Policies
from bot.base.masks import mask_arguments, mask_strings
from bot.database.pool import Connection, Pool, transaction

_ARGUMENTS = 4_000  # characters, as on the card; the call digest stands for all of them


@dataclass(frozen=True)
class Fact:
    """One row of the trail.

    Attributes:
        actor: a user id, or "bot", "clock", "operator …".
        via: how the actor was known: "slack" (a signed payload), "cli", "api" (a
            bearer token), "agent" (that of an agent outside), "link" (a signed link
            from their mailbox), "link+sign-in" (the same, and they
            signed in with Slack); "" for the bot itself.
        detail: what stays for good. Whole numbers, texts of ours, ids: the chain takes
            no fractions.
        texts: what people and models wrote, by name. It stands beside the chain, which
            has its digest alone, so that it can be erased.
    """

    team: str
    event: str
    request: str | None = None
    conversation: str | None = None
    actor: str = "bot"
    via: str = ""
    detail: dict[str, Any] = field(default_factory=dict[str, Any])
    texts: dict[str, str] = field(default_factory=dict[str, str])


def of_person(
    person: Person, event: str, *, conversation: str | None = None, **detail: Any
) -> Fact:
    """A fact about what a person did in Slack, beside any request."""
    return Fact(
        person.team,
        event,
        conversation=conversation,
        actor=person.user,
        via="slack",
        detail=detail,
    )


def about(
    request: Request,
    event: str,
    *,
    actor: str = "bot",
    via: str = "",
    texts: Mapping[str, str] | None = None,
    **detail: Any,
) -> Fact:
    """A fact about a request: what it is, for whom, and by which policy."""
    call = request.call
    return Fact(
        request.team,
        event,
        request=request.id,
        conversation=request.conversation,
        actor=actor,
        via=via,
        detail={
            "on_behalf_of": request.people.requester.user,
            "tool": call.tool,
            "schema": call.schema_digest,
            "call": call.digest,
            "digest": call.grant_digest,
            "rules": list(request.terms.rules),
            "policy": request.policy_version,
            **({"agent": request.people.agent} if request.people.agent else {}),
            **detail,
        },
        texts=dict(texts or {}),
    )


def arguments_text(arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """A call's arguments for the trail: secrets masked, the rest cut off."""
    try:
        text = digest.canonical(mask_arguments(arguments, schema))
    except digest.NotCanonical:
        return ""
    return text if len(text) <= _ARGUMENTS else f"{text[:_ARGUMENTS]}…"


async def append(connection: Connection, facts: Sequence[Fact]) -> None:
    """Append facts; without them the transaction must not commit.

    Raises:
        psycopg.Error: the trail refused; the caller's transaction rolls back. What the
            chain refuses is known at the commit.
    """
    if facts:
        await connection.execute(SQL["append_audit"], {"facts": as_json(facts)})


def as_json(facts: Sequence[Fact]) -> Jsonb:
    """Facts as a statement takes them that appends them beside its own work.

    In the order of their workspaces, so that no two transactions wait for each other's
    chains. People's words may hold secrets, which the trail keeps masked.
    """
    ordered = sorted(facts, key=lambda fact: fact.team)
    return Jsonb(mask_strings([vars(fact) for fact in ordered]))


@dataclass
class PolicyRecord:
    """Notes each policy that this process takes into force.

    `team` is known once Slack has been met.
    """

    pool: Pool
    policies: Policies
    team: Callable[[], str]
    _noted: str = field(default="", init=False)

    async def look(self) -> None:
        """A duty of the clock, and of the start: note another policy, once."""
        version = self.policies.current.version
        if version == self._noted:
            return
        detail = {"policy": version, "before": self._noted}
        async with transaction(self.pool) as connection:
            await append(
                connection, [Fact(self.team(), "policy_loaded", detail=detail)]
            )
        self._noted = version
