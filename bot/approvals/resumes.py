"""Claims that are taken when a graph is resumed, for calls whose tool takes none."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from psycopg.types.json import Jsonb

from bot.approvals.audit import SQL, about, append
from bot.approvals.binding import call_digest_of, grant_digest_of
from bot.approvals.grants import Run
from bot.approvals.model import Execution, Kind, Request, Status
from bot.approvals.ports import Job, Jobs, deliver_job, edit_job, reconcile_job
from bot.approvals.unknown import announce_unknown
from bot.database.pool import Connection, Pool, transaction

STOPPED = "It did not run: its turn was stopped before."
GONE = "no longer asked"


def needs_claim(request: Request) -> bool:
    """Whether to hand this verdict over is to let something happen."""
    given = request.kind is Kind.INTERRUPT and request.status is Status.ANSWERED
    return not request.guarded and (given or request.status is Status.APPROVED)


def was_cut_off(request: Request) -> bool:
    """Whether a run before this one took the claim, and did not come to its end."""
    return not request.guarded and request.execution is Execution.EXECUTING


async def claim_resume(pool: Pool, run: Run, requests: Sequence[Request]) -> bool:
    """Take the right to let the graph do what was approved; all of it, or nothing."""
    claims = [request for request in requests if needs_claim(request)]
    if not claims:
        return True
    wanted = [
        {
            "id": request.id,
            "call_digest": call_digest_of(request),
            "grant_digest": grant_digest_of(request),
        }
        for request in claims
    ]
    async with pool.connection() as connection:
        claimed = await connection.execute(
            SQL["claim_resume"],
            {
                "wanted": Jsonb(wanted),
                "conversation": run.conversation,
                "generation": run.generation,
                "team": run.team,
            },
        )
        row = await claimed.fetchone()
    return bool(row and row["count"] == len(claims))


async def finish_resume(
    connection: Connection,
    jobs: Jobs,
    run: Run,
    ids: Collection[str],
    state: Execution,
) -> None:
    """Store the end of what was claimed at a resume, in the caller's transaction."""
    event = {Execution.DONE: "ran", Execution.FAILED: "failed"}.get(state, "unknown")
    key = {"ids": list(ids), "state": state, "event": event, "team": run.team}
    row = await (await connection.execute(SQL["finish_resume"], key)).fetchone()
    if row is None or not row["finished"]:
        return
    if state is Execution.UNKNOWN:
        for request in row["finished"]:
            await announce_unknown(connection, jobs, request)
    else:
        await jobs.defer(connection, [edit_job(each) for each in row["touched"]])


async def unclaim(connection: Connection, run: Run, ids: Collection[str]) -> None:
    """Give claims back: LangGraph has refused the answers, and nothing has begun."""
    key = {"ids": list(ids), "generation": run.generation}
    await connection.execute(SQL["unclaim_resume"], key)


async def close_unrun(
    connection: Connection, jobs: Jobs, requests: Sequence[Request], note: str
) -> None:
    """Close verdicts that the graph is not told: its turn ends without them."""
    decided = [request for request in requests if not request.is_open]
    if not decided:
        return
    key = {"ids": [request.id for request in decided], "note": note}
    row = await (await connection.execute(SQL["close_unrun"], key)).fetchone()
    closed, touched = (row["closed"], row["touched"]) if row else ((), ())
    facts = [about(r, "not_run", note=note) for r in decided if r.id in closed]
    await append(connection, facts)
    follow: list[Job] = [deliver_job(each) for each in touched]
    await jobs.defer(connection, follow)


async def find_other_versions(pool: Pool, jobs: Jobs, version: str) -> int:
    """Have it looked at what questions of another version of the graph have become."""
    async with transaction(pool) as connection:
        found = await connection.execute(
            SQL["select_other_version"], {"version": version}
        )
        rows = await found.fetchall()
        await jobs.defer(connection, [reconcile_job(str(row["id"])) for row in rows])
    return len(rows)


async def keep_version(
    connection: Connection, requests: Sequence[Request], version: str
) -> None:
    """Note that the changed graph still asks these questions."""
    key = {"version": version, "ids": [request.id for request in requests]}
    await connection.execute(SQL["keep_version"], key)


async def unknown_tools(pool: Pool, conversation: str) -> frozenset[str]:
    """Tools of a conversation of which nobody knows whether a call happened."""
    async with pool.connection() as connection:
        found = await connection.execute(
            SQL["select_unknown_tools"], {"conversation": conversation}
        )
        return frozenset(row["tool"] for row in await found.fetchall())
