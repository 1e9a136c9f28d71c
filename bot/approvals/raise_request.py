"""Turn what a graph asks into requests: policy, chain, digests, card, trail."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from psycopg.types.json import Jsonb

from bot.approvals import digest, eligibility
from bot.approvals.audit import SQL
from bot.approvals.model import Person, Stage, Status
from bot.approvals.policy.match import plan
from bot.approvals.policy.model import THREAD, Demanded, Denied, Plan, Policy
from bot.approvals.ports import Job, Jobs, deliver_job, resume_job
from bot.database.pool import Connection

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # nothing that sounds or looks alike


@dataclass(frozen=True)
class Asked:
    """One call of one interrupt, as a dialect has read it."""

    interrupt: str
    tool_call: str
    tool: str
    arguments: dict[str, Any]
    schema: dict[str, Any] = field(default_factory=dict[str, Any])
    position: int = 0
    note: str = ""


@dataclass(frozen=True)
class Turn:
    """The conversation, and whose words led to the call."""

    conversation: str
    channel: str
    thread_ts: str
    requester: Person
    participants: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Ruling:
    """What the policy makes of a call at its raising."""

    status: Status
    rules: tuple[str, ...]
    why: tuple[str, ...] = ()
    stages: tuple[Stage, ...] = ()
    channel: str = THREAD
    timeout: timedelta = timedelta(hours=24)
    note: str = ""


async def raise_requests(
    connection: Connection,
    jobs: Jobs,
    policy: Policy,
    turn: Turn,
    asked: Sequence[Asked],
) -> list[str]:
    """Raise what is not raised yet, in the caller's transaction; return new ids.

    Asking again about the same interrupt changes nothing, so this may be repeated
    after a crash.
    """
    raised: list[str] = []
    follow: list[Job] = []
    for ask in asked:
        row = _row(policy, turn, ask, _rule(policy, turn, ask))
        inserted = await connection.execute(SQL["raise"], row)
        if await inserted.fetchone() is None:
            continue
        raised.append(row["id"])
        if row["card"]:
            follow.append(deliver_job(row["card"]))
        else:
            follow.append(resume_job(turn.conversation))
    await jobs.defer(connection, follow)
    return raised


def _rule(policy: Policy, turn: Turn, ask: Asked) -> _Ruling:
    try:
        digest.storable(ask.arguments)
    except digest.NotCanonical as error:
        return _Ruling(Status.REJECTED, (), note=f"denied:{error}")
    return _from_plan(plan(policy, ask.tool, ask.arguments), turn)


def _from_plan(found: Plan, turn: Turn) -> _Ruling:
    if isinstance(found, Denied):
        why = (found.why,)
        return _Ruling(Status.REJECTED, (found.rule,), why, note=f"denied:{found.why}")
    if not isinstance(found, Demanded):
        return _Ruling(Status.APPROVED, (found.rule,), note="waived")
    stages = tuple(
        Stage(stage.approvers, stage.people, stage.quorum) for stage in found.stages
    )
    excluded = {turn.requester.user, *turn.participants}
    stuck = eligibility.unfillable_stage(stages, excluded, {})
    return _Ruling(
        Status.REJECTED if stuck else Status.PENDING,
        found.rules,
        found.why,
        stages,
        found.channel,
        found.timeout,
        note=f"unfillable:{stuck.approvers}" if stuck else "",
    )


def _row(policy: Policy, turn: Turn, ask: Asked, ruling: _Ruling) -> dict[str, Any]:
    readable = not ruling.note.startswith("denied:the arguments")
    arguments = ask.arguments if readable else {}
    schema = digest.schema_digest(ask.schema)
    call = digest.call_digest(ask.tool, schema, arguments)
    person = turn.requester
    return {
        "id": secrets.token_urlsafe(16),
        "code": "".join(secrets.choice(ALPHABET) for _ in range(4)),
        "team": person.team,
        "enterprise": person.enterprise,
        "conversation": turn.conversation,
        "interrupt": ask.interrupt,
        "position": ask.position,
        "tool_call": ask.tool_call,
        "tool": ask.tool,
        "arguments": digest.storable(arguments),
        "schema_digest": schema,
        "call_digest": call,
        "grant_digest": digest.grant_digest(
            call,
            conversation=turn.conversation,
            interrupt=ask.interrupt,
            tool_call=ask.tool_call,
            requester=(person.enterprise, person.team, person.user),
            policy_version=policy.version,
        ),
        "requester": person.user,
        "participants": list(turn.participants),
        "rules": list(ruling.rules),
        "why": [why for why in ruling.why if why],
        "policy_version": policy.version,
        "note": ask.note,
        "status": ruling.status,
        "outcome_note": ruling.note,
        "timeout": ruling.timeout,
        "stages": _stages(ruling),
        **_messages(turn, ruling),
        **_trail(turn, ask, ruling, policy),
    }


def _stages(ruling: _Ruling) -> Jsonb:
    return Jsonb(
        [
            {
                "position": position,
                "approvers": stage.approvers,
                "people": stage.people,
                "quorum": stage.quorum,
            }
            for position, stage in enumerate(ruling.stages)
        ]
    )


def _messages(turn: Turn, ruling: _Ruling) -> dict[str, str | None]:
    """The card, and beside it what the conversation's thread says.

    The notice is sent when the card stands, since it links to it; a card that stands
    in the thread itself needs none.
    """
    waits = ruling.status is Status.PENDING
    in_thread = ruling.channel == THREAD
    return {
        "card": str(uuid.uuid4()) if waits else None,
        "card_channel": turn.channel if in_thread else ruling.channel,
        "card_thread": turn.thread_ts if in_thread else None,
        "notice": str(uuid.uuid4()) if waits and not in_thread else None,
        "channel": turn.channel,
        "thread": turn.thread_ts,
    }


def _trail(turn: Turn, ask: Asked, ruling: _Ruling, policy: Policy) -> dict[str, Any]:
    waits = ruling.status is Status.PENDING
    detail = {
        "on_behalf_of": turn.requester.user,
        "tool": ask.tool,
        "rules": ruling.rules,
        "policy": policy.version,
        "note": ruling.note,
    }
    return {
        "event": "requested" if waits else str(ruling.status),
        "detail": Jsonb(detail),
    }
