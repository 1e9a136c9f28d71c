"""Write a request's chain, and bring it to the people of its open stage."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from psycopg.types.json import Jsonb

from bot.approvals import store
from bot.approvals.audit import SQL, about, append
from bot.approvals.model import Request, Stage
from bot.approvals.ports import Jobs, deliver_job, edit_job
from bot.database.pool import Connection


async def tighten(
    connection: Connection, jobs: Jobs, request: Request, tight: Request
) -> None:
    """Add what the policy in force demands beyond the request's own chain."""
    await add_demands(connection, request, tight)
    touched = await store.touch(connection, request.id)
    await jobs.defer(connection, [edit_job(delivery) for delivery in touched])
    if tight.stage_index != request.stage_index:
        await call_next(connection, jobs, tight, tight.stage_index)


async def add_demands(connection: Connection, request: Request, tight: Request) -> None:
    note = what_is_added(request, tight)
    key = {"id": request.id, "note": note, **manner(tight)}
    await connection.execute(SQL["tighten"], key)
    await write_chain(connection, tight, request)
    await append(connection, [about(request, "tightened", texts={"note": note})])


def what_is_added(request: Request, tight: Request) -> str:
    """One sentence about what a stricter policy adds."""
    old = {stage.approvers: stage.quorum for stage in request.stages}
    said = [
        f"{stage.approvers} ({stage.quorum})"
        if stage.approvers in old
        else stage.approvers
        for stage in tight.stages
        if old.get(stage.approvers) != stage.quorum
    ]
    added = ", ".join(said) or "another confirmation"
    return f"The policy has changed and asks for more now: {added}."


async def write_chain(
    connection: Connection, request: Request, old: Request | None = None
) -> None:
    """Store the stages; what had passed stays so, unless the chain is a new one.

    `old` is the request before, where the same chain goes on.
    """
    before = old.stages if old else ()
    reopened = [
        index
        for index, (was, now) in enumerate(zip(before, request.stages, strict=False))
        if was.passed_at and not now.passed_at
    ]
    await connection.execute(
        SQL["write_chain"],
        {
            "id": request.id,
            "stages": chain_json(request.stages, request.stage_index),
            "anew": old is None,
            "reopened": reopened,
        },
    )


def chain_json(stages: Sequence[Stage], opened: int) -> Jsonb:
    """Stages as a statement takes them."""
    return Jsonb(
        [
            {
                "position": position,
                "approvers": stage.approvers,
                "people": stage.people,
                "quorum": stage.quorum,
                "source": stage.source,
                "channel": stage.channel,
                "open": position == opened,
            }
            for position, stage in enumerate(stages)
        ]
    )


def manner(request: Request) -> dict[str, Any]:
    """How a request may be decided, as the statements want it."""
    return {
        "confirm": str(request.confirm),
        "confirm_argument": request.confirm_argument,
        "allow": [str(verdict) for verdict in request.allow],
    }


async def call_next(
    connection: Connection, jobs: Jobs, request: Request, index: int
) -> None:
    """Tell the people of a stage that it is theirs now, in the stage's channel."""
    if index < 0:
        return
    delivery = str(uuid.uuid4())
    channel = request.stages[index].channel
    key = {"id": request.id, "channel": channel, "delivery": delivery}
    await connection.execute(SQL["place_stage"], key)
    await jobs.defer(connection, [deliver_job(delivery)])
