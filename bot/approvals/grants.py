"""Grants: what may run now, claimed once, right before it runs or is resumed."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from bot.approvals import SQL, digest
from bot.approvals.audit import Fact, about, append, arguments_text
from bot.approvals.digest import call_digest_of, grant_digest_of
from bot.approvals.model import Execution, Kind, Request, Status
from bot.approvals.policy import complaints
from bot.approvals.policy.match import plan
from bot.approvals.policy.model import Denied, Policy, Waived
from bot.approvals.ports import Jobs, reconcile_job
from bot.approvals.run import LostRun, Run
from bot.approvals.unknown_outcome import announce_unknown
from bot.base.masks import mask_strings
from bot.database.pool import Connection, Pool, transaction


@dataclass(frozen=True)
class CallFacts:
    """A call as it is about to run."""

    tool_call: str
    tool: str
    arguments: Mapping[str, Any]
    schema: Mapping[str, Any]

    @cached_property
    def digest(self) -> str:
        schema = digest.schema_digest(self.schema)
        return digest.call_digest(self.tool, schema, self.arguments)


@dataclass(frozen=True)
class Taken:
    """The result of a claim.

    `won`: run it. `state` done or failed: it ran before, `result` is its stored
    result. `state` unknown: it was cut off. Otherwise nothing allows it: `refusal`;
    or it is allowed, and a pause keeps it: `is_paused`.
    """

    won: bool = False
    state: Execution | None = None
    result: str = ""
    refusal: str = ""
    seen: dict[str, Any] | None = None  # what it was about when people were asked
    is_paused: bool = False


def rule_on(policy: Policy, run: Run, call: CallFacts) -> Waived | Denied | None:
    """Rule on a call: run it, refuse it, or (None) ask people.

    Once a request is stored it alone answers, so that a policy that changes in
    between runs nothing.
    """
    if call.tool_call in run.requests:
        return None
    found = plan(policy, call.tool, call.arguments)
    return found if isinstance(found, (Waived, Denied)) else None


async def deny(
    pool: Pool, run: Run, call: CallFacts, denied: Denied, policy_version: str
) -> None:
    """Put a call that the policy does not allow on the trail, once."""
    async with pool.connection() as connection:
        await connection.execute(
            SQL["deny"],
            {
                **_key(run, call),
                "tool": call.tool,
                "rule": denied.rule,
                "policy_version": policy_version,
                "why": denied.why,
                **_trail(run, call, (denied.rule, policy_version), why=denied.why),
            },
        )


async def claim(
    pool: Pool,
    jobs: Jobs,
    run: Run,
    call: CallFacts,
    waived: tuple[str, str] | None,
    *,
    lost: bool = False,
) -> Taken:
    """Take the right to run a call; at most one caller ever wins.

    Args:
        waived: rule and policy version where the policy lets the call run by itself.
        lost: whether this caller's answer to a claim of the same run got lost, so that
            the claim may have been made.

    Raises:
        LostRun: another run has taken over the conversation, or a crash of the server
            has taken back the checkpoint that the call is in; nothing was written.
    """
    async with pool.connection() as connection:
        if waived is not None:
            row = await _claim_waived(connection, run, call, waived)
        else:
            row = await _claim_approved(connection, run, call)
    if row is not None and row["won"]:
        return _won(row)
    async with transaction(pool) as connection:
        found = await _own_claim(connection, run, call) if lost else None
        if found is not None:
            return _won(found)
        return await _explain(connection, jobs, run, call, waived is not None)


def _won(row: Mapping[str, Any]) -> Taken:
    seen = row.get("seen")
    return Taken(won=True, seen=json.loads(seen) if seen else None)


async def _own_claim(
    connection: Connection, run: Run, call: CallFacts
) -> DictRow | None:
    found = await connection.execute(SQL["select_own_claim"], _key(run, call))
    return await found.fetchone()


async def _claim_waived(
    connection: Connection, run: Run, call: CallFacts, waived: tuple[str, str]
) -> DictRow | None:
    rule, version = waived
    claimed = await connection.execute(
        SQL["claim_waived"],
        {
            **_key(run, call),
            "tool": call.tool,
            "rule": rule,
            "policy_version": version,
            "unsynced": run.unsynced,
            **_trail(run, call, waived),
        },
    )
    row = await claimed.fetchone()
    if row is not None and not row["stands"]:
        raise LostRun(run.conversation)
    return row


async def _claim_approved(
    connection: Connection, run: Run, call: CallFacts
) -> DictRow | None:
    request = run.requests.get(call.tool_call)
    if request is None or call_digest_of(request) != call.digest:
        return None
    claimed = await connection.execute(
        SQL["claim_approved"],
        {
            **_key(run, call),
            "grant_digest": grant_digest_of(request),
            **_trail(run, call),
        },
    )
    return await claimed.fetchone()


def _key(run: Run, call: CallFacts) -> dict[str, Any]:
    return {
        "conversation": run.conversation,
        "generation": run.generation,
        "tool_call": call.tool_call,
        "call_digest": call.digest,
    }


def _trail(
    run: Run, call: CallFacts, ruled: tuple[str, str] | None = None, **more: Any
) -> dict[str, Any]:
    """`ruled`: rule and policy version of a call that no request is stored for."""
    detail = {**_detail(run, call), **more}
    if ruled is not None:
        detail |= {"rules": [ruled[0]], "policy": ruled[1]}
    texts = {"arguments": arguments_text(call.arguments, call.schema)} if ruled else {}
    return {"team": run.team, "detail": Jsonb(detail), "texts": Jsonb(texts)}


def _detail(run: Run, call: CallFacts) -> dict[str, Any]:
    """Return what runs; for a request's call also for whom, and by which policy."""
    request = run.requests.get(call.tool_call)
    return {
        **(about(request, "").detail if request else {}),
        "tool": call.tool,
        "schema": digest.schema_digest(call.schema),
        "call": call.digest,
    }


async def _explain(
    connection: Connection, jobs: Jobs, run: Run, call: CallFacts, is_waived: bool
) -> Taken:
    """Explain why nothing was taken; a claim of a run that is gone ends as unknown."""
    key = {"conversation": run.conversation, "tool_call": call.tool_call}
    cut = await connection.execute(
        SQL["mark_unknown"], {**key, "generation": run.generation}
    )
    if row := await cut.fetchone():
        await append(connection, [_fact(run, call, "unknown")])
        if row["request_id"]:
            await announce_unknown(connection, jobs, row["request_id"])
        return Taken(state=Execution.UNKNOWN)
    found = await (await connection.execute(SQL["select_grant"], key)).fetchone()
    if found is None or found["current_generation"] != run.generation:
        raise LostRun(run.conversation)
    if found["state"] in (Execution.DONE, Execution.FAILED, Execution.UNKNOWN):
        return Taken(state=Execution(found["state"]), result=found["result"] or "")
    is_paused = _only_paused(found, run, call, is_waived)
    refusal = complaints.PAUSED if is_paused else _refusal(found, call)
    await append(connection, [_fact(run, call, "refused", word=refusal)])
    return Taken(refusal=refusal, is_paused=is_paused)


def _only_paused(
    found: Mapping[str, Any], run: Run, call: CallFacts, is_waived: bool
) -> bool:
    """Return whether all else would have let the claim through.

    The pause itself is not asked for: it may have been lifted since.
    """
    if found["state"] is None:
        return is_waived
    request = run.requests.get(call.tool_call)
    held = (found["state"], found["request_status"], found["call_digest"])
    is_held = held == (Execution.APPROVED, Status.APPROVED, call.digest)
    same = request is not None and found["grant_digest"] == grant_digest_of(request)
    return is_held and same and bool(found["in_time"])


def _refusal(found: Mapping[str, Any], call: CallFacts) -> str:
    if found["state"] is None:
        return complaints.NOTHING_STORED
    if found["call_digest"] != call.digest:
        return complaints.NOT_THE_APPROVED
    return complaints.DOES_NOT_HOLD


async def finish(
    pool: Pool,
    jobs: Jobs,
    run: Run,
    call: CallFacts,
    state: Execution,
    result: str,
    texts: Mapping[str, str] | None = None,
) -> None:
    """Store what came of a claimed call; `texts` go beside the trail.

    Raises:
        LostRun: the run was replaced meanwhile and must stop. What it found out is
            stored nevertheless, unless its successor has called the call unknown.
    """
    is_unknown = state is Execution.UNKNOWN
    async with transaction(pool) if is_unknown else pool.connection() as connection:
        row = await _finish(connection, run, call, state, result, texts or {})
        if is_unknown and row["request_id"]:
            await announce_unknown(connection, jobs, row["request_id"])
        else:
            jobs.edit(connection, row["touched"])
    if row["current_generation"] != run.generation:
        raise LostRun(run.conversation)


async def _finish(
    connection: Connection,
    run: Run,
    call: CallFacts,
    state: Execution,
    result: str,
    texts: Mapping[str, str],
) -> DictRow:
    finished = await connection.execute(
        SQL["finish_grant"],
        {
            "conversation": run.conversation,
            "tool_call": call.tool_call,
            "state": state,
            "result": result,
            "generation": run.generation,
            "event": _ENDS[state],
            **_trail(run, call),
            "texts": Jsonb(mask_strings(dict(texts))),
        },
    )
    row = await finished.fetchone()
    if row is None:
        raise LostRun(run.conversation)
    return row


_ENDS = {
    Execution.DONE: "ran",
    Execution.FAILED: "failed",
    Execution.UNKNOWN: "unknown",  # as the tool itself says
}


async def give_up_claims(pool: Pool, jobs: Jobs, run: Run) -> None:
    """Call unknown what runs before this one have claimed, and have not ended.

    Only where the graph waits for nothing: else its tasks come back to their claims.
    """
    key = {"conversation": run.conversation, "generation": run.generation}
    async with transaction(pool) as connection:
        found = await connection.execute(SQL["mark_lost"], key)
        for row in await found.fetchall():
            fact = Fact(
                run.team,
                "unknown",
                request=row["request_id"],
                conversation=run.conversation,
                detail={"tool": row["tool"], "call": row["call_digest"]},
            )
            await append(connection, [fact])
            await announce_unknown(connection, jobs, row["request_id"])


async def is_finished(pool: Pool, run: Run, call: CallFacts) -> bool:
    """Return whether this very run has stored a call's end, perhaps unknowingly."""
    key = {"conversation": run.conversation, "tool_call": call.tool_call}
    async with pool.connection() as connection:
        found = await (await connection.execute(SQL["select_grant"], key)).fetchone()
    ended = found is not None and found["state"] in _ENDS
    return bool(ended and found and found["generation"] == run.generation)


def _fact(run: Run, call: CallFacts, event: str, **detail: Any) -> Fact:
    request = run.requests.get(call.tool_call)
    return Fact(
        run.team,
        event,
        request=request.id if request else None,
        conversation=run.conversation,
        detail={**_detail(run, call), **detail},
    )


def needs_claim(request: Request) -> bool:
    """Return whether handing over this verdict lets something happen."""
    return not request.call.guarded and _allows(request)


def _allows(request: Request) -> bool:
    given = request.call.kind is Kind.INTERRUPT and request.status is Status.ANSWERED
    return given or request.status is Status.APPROVED


def may_begin(request: Request) -> bool:
    """Return whether a verdict lets something happen that has not begun."""
    return _allows(request) and request.end.execution in (None, Execution.APPROVED)


def was_cut_off(request: Request) -> bool:
    """Return whether an earlier run took the claim and did not come to its end."""
    return not request.call.guarded and request.end.execution is Execution.EXECUTING


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
        jobs.edit(connection, row["touched"])


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
    jobs.edit(connection, touched)


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
