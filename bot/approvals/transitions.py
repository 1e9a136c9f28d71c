"""Every write of a request's status: decided, timed out, reopened, closed."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from psycopg.types.json import Jsonb

from bot.approvals import SQL, audit, digest, store
from bot.approvals.audit import Fact, about, append, as_json
from bot.approvals.digest import grant_digest_of
from bot.approvals.edit import Edit, with_changed_tool
from bot.approvals.judge import Result
from bot.approvals.model import (
    Action,
    Decision,
    Effect,
    Kind,
    Outcome,
    Person,
    Request,
    Status,
    Verdict,
)
from bot.approvals.ports import Jobs, checkpoint_job, resume_job
from bot.approvals.stages import (
    add_demands,
    call_next,
    manner,
    needs_call,
    wind_clock,
    write_chain,
)
from bot.approvals.store import see
from bot.approvals.unknown_outcome import announce_unknown
from bot.database.pool import Connection, Pool, transaction

CLOSES = {
    Effect.APPROVED: Status.APPROVED,
    Effect.ANSWERED: Status.ANSWERED,
    Effect.REJECTED: Status.REJECTED,
    Effect.WITHDRAWN: Status.WITHDRAWN,
}


class Overtaken(Exception):
    """The deadline passed between the result and its writing; try again."""


async def apply(
    connection: Connection,
    jobs: Jobs,
    request: Request,
    action: Action,
    result: Result,
) -> None:
    """Write a change that `judge` allowed, with its trail and what follows from it."""
    if result.edit is not None:
        await _edit(connection, jobs, request, action, result, result.edit)
    elif result.effect is Effect.TIMED_OUT:
        await expire(connection, jobs, request)
    elif result.code:  # the policy's own verdict, that a click has brought about
        counted = action if result.counts else None
        outcome, note = Outcome(result.code), result.detail
        await reject_by_policy(connection, jobs, request, outcome, note, counted)
    else:
        who = (action.person.user, action.via)
        await _write(connection, jobs, request, result, action.reason, who, action)
        if result.effect is Effect.STAGE_PASSED:
            await call_next(connection, jobs, request, _opens(request))


async def expire(
    connection: Connection, jobs: Jobs, *requests: Request, later: float = 0.0
) -> None:
    """Reject by silence: the deadlines of pending requests are over.

    One statement for all of them: to begin one costs more than to close a request.

    Args:
        later: seconds after which their graphs go on, and the clock edits their cards.
    """
    if not requests:
        return
    closing: list[dict[str, Any]] = []
    facts: list[Fact] = []
    for each in requests:
        result, note = _overdue(each)
        words = {"outcome": result.code, "note": note}
        closing.append({"id": each.id, "stage": each.chain.stage_index, **words})
        who, stage = ("clock", ""), each.chain.stage_index
        facts.append(audit.verdict_fact(each, result, note, who, None, stage))
    given = {"requests": Jsonb(closing), "facts": as_json(facts), "later": later}
    row = await (await connection.execute(SQL["expire"], given)).fetchone()
    if row is None or len(row["closed"]) < len(requests):
        raise Overtaken(requests[0].id)
    jobs.edit(connection, row["touched"])


def _overdue(request: Request) -> tuple[Result, str]:
    """The result of silence, and the stage that was late; "" for the whole request."""
    late = request.chain.open_stage
    if late is None or request.deadline == request.expires_at:
        return Result(Effect.TIMED_OUT), ""
    return Result(Effect.TIMED_OUT, Outcome.OVERDUE), late.approvers


async def reject_by_policy(
    connection: Connection,
    jobs: Jobs,
    request: Request,
    outcome: Outcome,
    note: str,
    action: Action | None = None,
) -> None:
    """Reject a pending request that the policy denies, or that nobody can decide.

    `action` is the approval that left too few people; it stays on record.
    """
    result = Result(Effect.REJECTED, outcome)
    await _write(connection, jobs, request, result, note, ("bot", ""), action)


async def _write(
    connection: Connection,
    jobs: Jobs,
    request: Request,
    result: Result,
    note: str,
    who: tuple[str, str],
    action: Action | None = None,
    stage: int | None = None,
) -> None:
    given = _given(request, result, note, who, action, stage)
    given["worker"] = jobs.free_worker
    row = await (await connection.execute(SQL["decide"], given)).fetchone()
    if row is None or (given["status"] is not None and not row["closed"]):
        raise Overtaken(request.id)
    if given["status"] is None and given["passes"]:
        await wind_clock(connection, request.id)
    jobs.edit(connection, row["touched"])
    jobs.begin(connection, resume_job(request.conversation), row["begun"])


def _given(
    request: Request,
    result: Result,
    note: str,
    who: tuple[str, str],
    action: Action | None = None,
    stage: int | None = None,
) -> dict[str, Any]:
    """Return the values that the statement `decide` takes."""
    index = request.chain.stage_index if stage is None else stage
    fact = audit.verdict_fact(request, result, note, who, action, index)
    edited = result.effect is Effect.EDITED  # has a fact of its own
    return {
        "id": request.id,
        "stage": index,
        "passes": _passes(request, result),
        "opens": _opens(request, index),
        "status": CLOSES.get(result.effect),
        "outcome": result.code,
        "note": note,
        "facts": as_json([] if edited else [fact]),
        "critical": result.critical,
        "for_user": result.for_user,
        **decision_row(action),
    }


def _passes(request: Request, result: Result) -> bool:
    if result.edit is not None:
        return result.edit.passes
    if result.effect is Effect.ANSWERED:
        return request.call.kind is Kind.INTERRUPT
    return result.effect in (Effect.STAGE_PASSED, Effect.APPROVED)


def _opens(request: Request, index: int | None = None) -> int:
    """The stage that is open when the one at `index` has passed; -1 for none."""
    done = request.chain.stage_index if index is None else index
    rest = (
        i for i, s in enumerate(request.chain.stages) if i != done and not s.passed_at
    )
    return next(rest, -1)


async def _edit(
    connection: Connection,
    jobs: Jobs,
    request: Request,
    action: Action,
    result: Result,
    edit: Edit,
) -> None:
    """Put the edited call in place of the one that was shown, then count the edit."""
    new = edit.request
    await rewrite(connection, request, action, edit)
    counted = action if edit.own >= 0 else None
    who = (action.person.user, action.via)
    await _write(
        connection, jobs, edit.begun, result, "", who, counted, max(edit.own, 0)
    )
    if needs_call(request, new):
        await call_next(connection, jobs, new, new.chain.stage_index)


async def reopen(
    connection: Connection,
    request: Request,
    note: str,
    *,
    lost: Decision | None = None,
    tight: Request | None = None,
) -> Request | None:
    """Ask again about a decided request whose verdict does not stand any more.

    Args:
        lost: a decision whose right is lost; it is void, and so are those behind it.
        tight: the request with what the policy in force adds.

    Returns:
        The request, open again, or None if the call has begun already.

    Raises:
        Overtaken: the request is no longer decided; nothing may be written.
    """
    key = {"id": request.id}
    await connection.execute(SQL["lock_request"], key)
    withdrawn = await connection.execute(SQL["withdraw_grant"], key)
    has_grant = request.status is Status.APPROVED or request.call.is_answered
    if withdrawn.rowcount != 1 and has_grant:
        return None
    reopened = await connection.execute(SQL["reopen_request"], {**key, "note": note})
    if reopened.rowcount != 1:
        raise Overtaken(request.id)
    if lost is not None:
        await _void(connection, request, lost, note)
        await wind_clock(connection, request.id)
    if tight is not None:
        await add_demands(connection, request, tight)
    return await store.load(connection, request.id)


async def _void(
    connection: Connection, request: Request, lost: Decision, note: str
) -> None:
    stage, after = max(lost.stage, 0), lost.stage
    if lost.verdict is Verdict.ANSWER and request.call.is_answered:
        # an approval of the answer approves nothing else
        stage, after = 0, -1
        bare = replace(request, call=replace(request.call, answer_json=None))
        await connection.execute(
            SQL["take_answer_back"],
            {
                "id": request.id,
                "token": secrets.token_urlsafe(16),
                "grant_digest": grant_digest_of(bare),
            },
        )
    word = {"id": request.id, "user": lost.person.user, "stage": after}
    await connection.execute(SQL["void_decisions"], {**word, "reason": note})
    await connection.execute(SQL["reopen_stage"], {**word, "stage": stage})
    await append(connection, [audit.void_fact(request, lost, note)])


async def ask_again(
    connection: Connection, jobs: Jobs, request: Request, *, quietly: bool = False
) -> None:
    """Redraw a reopened request and tell the people of its open stage."""
    jobs.edit(connection, await store.touch(connection, request.id))
    if not quietly:
        await call_next(connection, jobs, request, request.chain.stage_index)


async def orphan(
    connection: Connection, jobs: Jobs, requests: Sequence[Request], note: str
) -> None:
    """Close open requests that their graph no longer asks, and redraw their cards."""
    ids = [request.id for request in requests]
    found = await connection.execute(SQL["orphan_requests"], {"ids": ids, "note": note})
    closed = {row["id"] for row in await found.fetchall()}
    for request in requests:
        if request.id in closed:
            await append(connection, [about(request, "orphaned")])
            jobs.edit(connection, await store.touch(connection, request.id))


async def reject_by_operator(
    pool: Pool, jobs: Jobs, request_id: str, reason: str, operator: str
) -> Request | None:
    """Reject an open request for an operator. There is no counterpart that approves.

    Returns:
        The request as it was, or None if there is none with that id. A request that
        is closed already stays as it is.
    """
    async with transaction(pool) as connection:
        found = await store.load_locked(connection, request_id)
        if found is None or not found[0].is_open:
            return found[0] if found else None
        request = found[0]
        person = Person("", request.team, operator)
        closed = await connection.execute(
            SQL["close_by_operator"], {"id": request.id, "note": reason}
        )
        row = await closed.fetchone()
        fact = audit.operator_fact(request, person.user, reason)
        await append(connection, [fact])
        jobs.edit(connection, await store.touch(connection, request.id))
        follow = [] if request.people.agent else [resume_job(request.conversation)]
        if row and row["critical"]:
            follow.append(checkpoint_job(request.team))
        await jobs.defer(connection, follow)
        return request


async def ask_anew_for_changed_tool(
    connection: Connection,
    jobs: Jobs,
    tool: str,
    schema: Mapping[str, Any],
    notes: tuple[str, str],
    *,
    quietly: bool = False,
) -> int:
    """Void what was said about a tool that is not what people were shown; ask again.

    Args:
        schema: the tool's own, as it is now.
        quietly: change the cards and call nobody, since the tool goes on changing.
        notes: why a request is asked again, and why one is rejected whose arguments
            the tool does not take any more.

    Returns:
        The number of requests that waited for it.
    """
    found = await connection.execute(SQL["waits_for_tool"], {"tool": tool})
    waiting = [row["id"] for row in await found.fetchall()]
    for name in waiting:
        locked = await store.load_locked(connection, name)
        if locked is None or not locked[0].is_open or locked[1] >= locked[0].deadline:
            continue  # decided meanwhile, or left to the clock
        request, new = locked[0], with_changed_tool(locked[0], schema)
        if new is None:
            outcome, note = Outcome.DENIED, notes[1]
            await reject_by_policy(connection, jobs, request, outcome, note)
        else:
            await _begin_anew(connection, request, new, notes[0])
            again = await store.load(connection, request.id) or new
            await ask_again(connection, jobs, again, quietly=quietly)
    return len(waiting)


async def _begin_anew(
    connection: Connection, request: Request, new: Request, note: str
) -> None:
    key = {"id": request.id, "user": "", "stage": 0}
    await connection.execute(SQL["void_decisions"], key | {"stage": -1, "reason": note})
    await connection.execute(SQL["reopen_stage"], key)
    await connection.execute(
        SQL["change_tool"],
        {
            "id": request.id,
            "schema": digest.schema_as_is(new.call.schema),
            "schema_digest": new.call.schema_digest,
            "call_digest": new.call.digest,
            "grant_digest": new.call.grant_digest,
            "token": new.place.token,
            "risk": str(new.terms.risk),
            "note": note,
        },
    )
    await wind_clock(connection, request.id)
    before = request.call.grant_digest
    await append(
        connection, [about(new, "voided", texts={"reason": note}, before=before)]
    )


async def lapse(connection: Connection, jobs: Jobs, request: Request) -> bool:
    """Close what an agent outside has not claimed, or not reported, in time."""
    key = {"id": request.id}
    dropped = await connection.execute(SQL["drop_unclaimed"], key)
    if await dropped.fetchone():
        fact = about(request, "timed_out", actor="clock", outcome=Outcome.UNCLAIMED)
        await append(connection, [fact])
        jobs.edit(connection, await store.touch(connection, request.id))
        return True
    given_up = await connection.execute(SQL["give_up_result"], key)
    if await given_up.fetchone():
        await append(connection, [about(request, "unknown", actor="clock")])
        await announce_unknown(connection, jobs, request.id)
        return True
    return False


async def withdraw_by_agent(
    pool: Pool, jobs: Jobs, request_id: str, actor: str
) -> Request | None:
    """Take back what an agent outside has asked itself.

    Returns:
        The request as it was; one that is closed already stays as it is.
    """
    async with transaction(pool) as connection:
        found = await store.load_locked(connection, request_id)
        if found is None or not found[0].is_open:
            return found[0] if found else None
        request, now = found
        await _take_back(connection, jobs, request, now, (actor, "agent"))
        return request


async def withdraw_by_stop(
    connection: Connection, jobs: Jobs, request_id: str, person: Person
) -> None:
    """Withdraw a request whose turn a person has stopped; a closed one stays.

    Raises:
        Overtaken: its deadline has passed meanwhile; nothing may be written.
    """
    found = await store.load_locked(connection, request_id)
    if found is None or not found[0].is_open:
        return
    request, now = found
    action = Action(request.place.token, person, Verdict.WITHDRAW, "slack")
    who = (person.user, action.via)
    await _take_back(connection, jobs, request, now, who, action)


async def _take_back(
    connection: Connection,
    jobs: Jobs,
    request: Request,
    now: dt.datetime,
    who: tuple[str, str],
    action: Action | None = None,
) -> None:
    if now >= request.deadline:
        await expire(connection, jobs, request)
        return
    result = Result(Effect.WITHDRAWN)
    await _write(connection, jobs, request, result, "", who, action)


async def rewrite(
    connection: Connection, request: Request, action: Action, edit: Edit
) -> None:
    """Store the edited call, or the answer, with its chain, all stages open again.

    The request's row is locked by the caller.
    """
    new, call = edit.request, edit.request.call
    answered = call.answer_json != request.call.answer_json
    await connection.execute(
        SQL["edit"],
        {
            "id": request.id,
            "reason": "answered" if answered else "edited",
            "length": len(new.chain.stages),
            "arguments": digest.storable(call.arguments),
            "answer": call.answer_json,
            "call_digest": call.digest,
            "grant_digest": call.grant_digest,
            "rules": list(new.terms.rules),
            "why": list(new.terms.why),
            "policy_version": new.policy_version,
            "edited_by": call.edited_by,
            "token": new.place.token,
            **manner(new),
        },
    )
    await see(connection, request.id, call.digest, action.seen)
    await write_chain(connection, edit.begun)
    await append(connection, [audit.edit_fact(request, new, action)])


def decision_row(action: Action | None) -> dict[str, str | None]:
    """Return a person's choice as the statement wants it; all None without one."""
    if action is None:
        names = ("enterprise", "team", "user", "verdict", "reason", "via", "click")
        return dict.fromkeys(names)
    verdict = action.verdict
    return {
        "enterprise": action.person.enterprise,
        "team": action.person.team,
        "user": action.person.user,
        "verdict": "reject" if verdict == "withdraw" else str(verdict),
        "reason": action.reason,
        "via": action.via,
        "click": action.click,
    }
