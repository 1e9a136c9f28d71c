"""Write a request's stages, and bring it to the people of the open one."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from psycopg.types.json import Jsonb

from bot.approvals import SQL, store
from bot.approvals.audit import about, append
from bot.approvals.eligibility import excluded
from bot.approvals.model import REQUESTER, Request, Stage, Times
from bot.approvals.policy import complaints
from bot.approvals.policy.model import DM, THREAD
from bot.approvals.ports import Jobs
from bot.database.pool import Connection


async def tighten(
    connection: Connection, jobs: Jobs, request: Request, tight: Request
) -> None:
    """Add what the policy in force demands beyond the request's own chain."""
    await add_demands(connection, request, tight)
    jobs.edit(connection, await store.touch(connection, request.id))
    if tight.chain.stage_index != request.chain.stage_index:
        await call_next(connection, jobs, tight, tight.chain.stage_index)


async def add_demands(connection: Connection, request: Request, tight: Request) -> None:
    note = what_is_added(request, tight)
    key = {"id": request.id, "note": note, **manner(tight)}
    await connection.execute(SQL["tighten"], key)
    await write_chain(connection, tight, request)
    await append(connection, [about(request, "tightened", texts={"note": note})])


def what_is_added(request: Request, tight: Request) -> str:
    """One sentence about what a stricter policy adds."""
    old = {stage.approvers: stage for stage in request.chain.stages}
    said = [_added(old.get(stage.approvers), stage) for stage in tight.chain.stages]
    return complaints.asks_for_more(filter(None, said))


def _added(old: Stage | None, new: Stage) -> str:
    if old is None:
        return new.approvers
    if old.quorum != new.quorum:
        return f"{new.approvers} ({new.quorum})"
    if old.times.timeout != new.times.timeout:
        return complaints.sooner(new.approvers)
    return ""


async def write_chain(
    connection: Connection, request: Request, old: Request | None = None
) -> None:
    """Store the stages; what had passed stays so, unless the chain is a new one.

    `old` is the request before, where the same chain goes on.
    """
    before = old.chain.stages if old else ()
    reopened = [
        index
        for index, (was, now) in enumerate(
            zip(before, request.chain.stages, strict=False)
        )
        if was.passed_at and not now.passed_at
    ]
    await connection.execute(
        SQL["write_chain"],
        {
            "id": request.id,
            "stages": Jsonb(
                chain_json(request.chain.stages, request.chain.stage_index)
            ),
            "anew": old is None,
            "reopened": reopened,
        },
    )
    await wind_clock(connection, request.id)


async def wind_clock(connection: Connection, request: str) -> None:
    """Store what time brings about, for whichever stage is open now."""
    await connection.execute(SQL["wind_clock"], {"id": request})


def chain_json(stages: Sequence[Stage], opened: int) -> list[dict[str, Any]]:
    """Stages as a statement takes them."""
    return [
        {
            "position": position,
            "approvers": stage.approvers,
            "people": stage.people,
            "quorum": stage.quorum,
            "source": stage.source,
            "channel": stage.channel,
            "times": times_json(stage.times),
            "open": position == opened,
        }
        for position, stage in enumerate(stages)
    ]


def times_json(times: Times) -> dict[str, Any]:
    """Times as the table keeps them: in seconds, since not all days are as long."""
    escalation = times.escalation
    return {
        "timeout": times.timeout.total_seconds() if times.timeout else None,
        "reminders": [reminder.total_seconds() for reminder in times.reminders],
        "after": escalation.after.total_seconds() if escalation else None,
        "to": [asdict(target) for target in escalation.to] if escalation else [],
    }


def manner(request: Request) -> dict[str, Any]:
    """Return how a request may be decided, as the statements want it."""
    terms = request.terms
    return {
        "confirm": str(terms.confirm),
        "confirm_argument": terms.confirm_argument,
        "allow": [str(verdict) for verdict in terms.allow],
        "hours": Jsonb(asdict(terms.hours)) if terms.hours else None,
        "title": terms.title,
        "risk": str(terms.risk),
        "asks_reason": terms.asks_reason,
    }


def needs_call(old: Request, new: Request) -> bool:
    """Return whether to announce an edit: to others, or to those who have approved.

    The people of a stage that stays open, with no decision yet, see the card.
    """
    before, now = old.chain.open_stage, new.chain.open_stage
    if before is None or now is None:
        return now is not None
    moves = (now.approvers, now.channel) != (before.approvers, before.channel)
    return moves or bool(old.chain.decisions)


async def call_next(
    connection: Connection, jobs: Jobs, request: Request, index: int
) -> None:
    """Tell the people of a stage that it is theirs now, in the stage's channel."""
    if index < 0:
        return
    delivery = str(uuid.uuid4())
    channel, first = request.chain.stages[index].channel, None
    if channel == DM:
        first = _first_told(request, request.chain.stages[index])
        channel = first or THREAD
    key = {"id": request.id, "channel": channel, "user": first, "delivery": delivery}
    await connection.execute(SQL["place_stage"], key)
    jobs.post(connection, [delivery])


def _first_told(request: Request, stage: Stage) -> str | None:
    """Return who gets the card directly; its sending brings the others theirs."""
    barred = {decision.person.user for decision in request.chain.decisions}
    if stage.source != REQUESTER:
        barred |= excluded(request.people)
    return next((user for user in stage.people if user not in barred), None)
