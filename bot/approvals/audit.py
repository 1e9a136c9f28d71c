"""The trail: facts are appended in the transaction that they describe."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from bot.approvals import SQL, digest
from bot.approvals.model import Action, Decision, Effect, Kind, Person, Request
from bot.approvals.ports import Policies
from bot.base.masks import mask_arguments, mask_strings
from bot.database.pool import Connection, Pool, transaction

if TYPE_CHECKING:  # commands that only append need no rules
    from bot.approvals.judge import Result

_ARGUMENTS = 4_000  # characters, as on the card; the call digest stands for all of them


@dataclass(frozen=True)
class Fact:
    """One row of the trail.

    Attributes:
        actor: a user id, or "bot", "clock", "operator …".
        via: how the actor was known: "slack" (a signed payload), "cli", "api" (a
            bearer token), "agent" (that of an agent outside), "link" (a signed link
            from their mailbox), "link+sign-in" (the same, and they signed in with
            Slack); "" for the bot itself.
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


# --- The facts of people's decisions: the trail keeps ids, and words beside them ------


def stage_detail(request: Request, index: int) -> dict[str, Any]:
    """The stage that a fact is about, by its place in the chain and its group."""
    if not 0 <= index < len(request.chain.stages):
        return {"stage": index}
    return {"stage": index, "group": request.chain.stages[index].approvers}


def choice_detail(action: Action | None) -> dict[str, Any]:
    """Return what was chosen, and on which message; {} without an action."""
    if action is None:
        return {}
    detail: dict[str, Any] = {"verdict": str(action.verdict)}
    if action.place is not None:
        detail["card"] = [action.place.channel, action.place.message]
    if action.grant:
        detail["standing"] = action.grant
    return detail


def verdict_fact(
    request: Request,
    result: Result,
    note: str,
    who: tuple[str, str],
    action: Action | None,
    stage: int,
) -> Fact:
    """Build the fact of a result; `who`: the actor, and how they are known."""
    actor, via = who
    question = request.call.kind is Kind.INTERRUPT and result.effect is Effect.ANSWERED
    return about(
        request,
        str(result.effect),
        actor=actor,
        via=via,
        texts={"note": note},
        outcome=result.code,
        **({"for": result.for_user} if result.for_user else {}),
        **({"graph": True} if question else {}),
        **stage_detail(request, stage),
        **choice_detail(action),
    )


def edit_fact(old: Request, new: Request, action: Action) -> Fact:
    """Build the fact of an edit: what was, and what is now."""
    return about(
        new,
        "edited",
        actor=action.person.user,
        via=action.via,
        texts={"arguments": arguments_text(new.call.arguments, new.call.schema)},
        before=old.call.grant_digest,
        answered=new.call.answer_json != old.call.answer_json,
        **stage_detail(old, old.chain.stage_index),
        **choice_detail(action),
    )


def void_fact(request: Request, lost: Decision, note: str) -> Fact:
    """Build the fact of a decision that no longer counts."""
    texts, stage = {"reason": note}, stage_detail(request, lost.stage)
    return about(request, "voided", actor=lost.person.user, texts=texts, **stage)


def operator_fact(request: Request, operator: str, reason: str) -> Fact:
    """Build the fact of an operator's reject on the command line."""
    return about(
        request,
        "rejected",
        actor=operator,
        via="cli",
        texts={"reason": reason},
        verdict="reject",
        **stage_detail(request, request.chain.stage_index),
    )
