"""Turn what a graph asks into requests: policy, chain, digests, card, trail."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from psycopg.types.json import Jsonb

from bot.approvals import digest, eligibility, store
from bot.approvals.audit import SQL, Fact, append
from bot.approvals.model import Person, Stage, Status
from bot.approvals.policy.match import plan
from bot.approvals.policy.model import Demanded, Denied, Plan, Policy
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
    channel: str = "thread"
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
        ruling = _rule(policy, turn, ask)
        request = await _insert(connection, policy, turn, ask, ruling)
        if request is None:
            continue
        raised.append(request)
        if ruling.status is Status.PENDING:
            follow.append(await _announce(connection, turn, request, ruling))
        else:
            follow.append(resume_job(turn.conversation))
    await jobs.defer(connection, follow)
    return raised


def _rule(policy: Policy, turn: Turn, ask: Asked) -> _Ruling:
    try:
        digest.canonical(ask.arguments)
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


async def _insert(
    connection: Connection, policy: Policy, turn: Turn, ask: Asked, ruling: _Ruling
) -> str | None:
    row = _row(policy, turn, ask, ruling)
    inserted = await connection.execute(SQL["insert_request"], row)
    if inserted.rowcount != 1:
        return None
    stages = [
        {
            "position": position,
            "approvers": stage.approvers,
            "people": stage.people,
            "quorum": stage.quorum,
        }
        for position, stage in enumerate(ruling.stages)
    ]
    await connection.execute(
        SQL["insert_stages"], {"id": row["id"], "stages": Jsonb(stages)}
    )
    if ruling.status is Status.APPROVED:
        request = await store.load(connection, row["id"])
        if request is not None:
            await store.add_grant(connection, request)
    await append(connection, [_fact(row, turn, ruling)])
    return row["id"]


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
        "arguments": digest.canonical(arguments),
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
    }


def _fact(row: dict[str, Any], turn: Turn, ruling: _Ruling) -> Fact:
    event = "requested" if ruling.status is Status.PENDING else str(ruling.status)
    return Fact(
        turn.requester.team,
        event,
        request=row["id"],
        conversation=turn.conversation,
        detail={
            "on_behalf_of": turn.requester.user,
            "tool": row["tool"],
            "digest": row["grant_digest"],
            "rules": row["rules"],
            "policy": row["policy_version"],
            "note": ruling.note,
        },
    )


async def _announce(
    connection: Connection, turn: Turn, request: str, ruling: _Ruling
) -> Job:
    """Note the card, and beside it what the conversation's thread says.

    The notice is sent when the card stands, since it links to it; a card that stands
    in the thread itself needs none.
    """
    in_thread = ruling.channel == "thread"
    team = turn.requester.team
    card = await store.add_delivery(
        connection,
        kind="card",
        team=team,
        channel=turn.channel if in_thread else ruling.channel,
        thread_ts=turn.thread_ts if in_thread else None,
    )
    notice: str | None = None
    if not in_thread:
        notice = await store.add_delivery(
            connection,
            kind="notice",
            team=team,
            channel=turn.channel,
            thread_ts=turn.thread_ts,
        )
    await connection.execute(
        SQL["set_messages"], {"id": request, "card": card, "notice": notice}
    )
    return deliver_job(card)
