"""The reason of a reject that was one click, added by the same person right after it.

It changes nothing but words: the agent has been told of the reject already.
"""

from __future__ import annotations

import datetime as dt

from bot.approvals import store
from bot.approvals.audit import about, append
from bot.approvals.audit_facts import stage_detail
from bot.approvals.judge import is_in_place
from bot.approvals.model import Action, Decision, Outcome, Request, Status, Verdict
from bot.approvals.ports import Jobs
from bot.approvals.sql import SQL
from bot.database.pool import Pool, transaction

OFFERED = dt.timedelta(minutes=1)  # from the reject on


def offered_until(request: Request) -> dt.datetime | None:
    """Return until when its card offers to add a reason; None if it never does."""
    word = _plain_reject(request)
    return word.at + OFFERED if word and not word.reason else None


def refusal(
    request: Request, action: Action, own_app: str, now: dt.datetime | None = None
) -> str:
    """Return why a person may not add a reason, as a refusal's code; "" if they may.

    Args:
        now: of the click that opens the form; None for the form, which takes its time.
    """
    word = _plain_reject(request)
    if not is_in_place(request, action, own_app):
        return "misplaced"
    if word is None or not word.person.is_same(action.person):
        return "reason_not_yours"
    if word.reason:
        return "reason_given"
    return "reason_late" if now and now >= word.at + OFFERED else ""


async def add_reason(pool: Pool, jobs: Jobs, action: Action, own_app: str) -> str:
    """Add a reason to the decision, the trail and what shows it; return a refusal.

    Raises:
        psycopg.Error, psycopg_pool.PoolTimeout: nothing was written; the caller must
            not acknowledge.
    """
    async with transaction(pool) as connection:
        found = await store.load_locked(connection, action.request)
        if found is None:
            return "unknown_request"
        request = found[0]
        if code := refusal(request, action, own_app):
            return code
        who, reason = action.person, action.reason
        key = {"id": request.id, "user": who.user, "reason": reason}
        await connection.execute(SQL["add_reason"], key)
        stage = stage_detail(request, request.chain.stage_index)
        fact = about(
            request,
            "reason_added",
            actor=who.user,
            via=action.via,
            texts={"reason": reason},
            **stage,
        )
        await append(connection, [fact])
        jobs.edit(connection, await store.touch(connection, request.id))
    return ""


def _plain_reject(request: Request) -> Decision | None:
    """Return the one click in Slack that has rejected a request, None if none has."""
    rejects = [d for d in request.chain.decisions if d.verdict is Verdict.REJECT]
    is_click = request.end.outcome is Outcome.NONE and not request.terms.asks_reason
    if not (rejects and is_click and request.status is Status.REJECTED):
        return None
    return rejects[-1] if rejects[-1].via == "slack" else None
