"""A request as programs read it: the API's and the events' one shape."""

from __future__ import annotations

import datetime as dt
from typing import Any

from bot.approvals.eligibility import who_can_decide
from bot.approvals.model import Decision, Request, Stage, Verdict
from bot.masks import mask, mask_arguments, mask_strings


def request_json(request: Request) -> dict[str, Any]:
    """JSON values only, secrets masked as on the card.

    Who can decide is as good as the people of the stages are.
    """
    chain = request.chain
    return {
        **_call(request),
        **_state(request),
        "allow": [str(verdict) for verdict in Verdict if request.offers(verdict)],
        "confirm": str(request.terms.confirm),
        "confirm_argument": request.terms.confirm_argument,
        "can_decide": list(who_can_decide(request)),
        "stages": [_stage(request, i, each) for i, each in enumerate(chain.stages)],
        "decisions": [_decision(decision) for decision in chain.decisions],
        "comments": [
            {"user": each.user, "text": mask(each.text), "at": _time(each.at)}
            for each in chain.comments
        ],
    }


def _call(request: Request) -> dict[str, Any]:
    call = request.call
    raised = call.raised_arguments
    return {
        "id": request.id,
        "code": request.code,
        "team": request.team,
        "conversation": request.conversation,
        "kind": str(call.kind),
        "tool": call.tool,
        "arguments": mask_arguments(call.arguments, call.schema),
        "raised_arguments": raised and mask_arguments(raised, call.schema),
        "edited_by": call.edited_by,
        "answer": mask_strings(call.answer_value),
        "answer_schema": call.form,
        "digest": call.grant_digest,
        "requester": request.people.requester.user,
        "participants": list(request.people.participants),
        "note": mask(call.note),
    }


def _state(request: Request) -> dict[str, Any]:
    end = request.end
    return {
        "rules": list(request.terms.rules),
        "why": list(request.terms.why),
        "policy_version": request.policy_version,
        "status": str(request.status),
        "outcome": str(end.outcome),
        "outcome_note": mask(end.note),
        "execution": str(end.execution) if end.execution else None,
        "raised_at": _time(request.raised_at),
        "expires_at": _time(request.deadline),
        "decided_at": _time(end.decided_at),
    }


def _stage(request: Request, index: int, stage: Stage) -> dict[str, Any]:
    given = [
        decision
        for decision in request.chain.decisions
        if decision.stage == index
        and decision.verdict in (Verdict.APPROVE, Verdict.EDIT)
    ]
    return {
        "approvers": stage.approvers,
        "people": list(stage.people),
        "quorum": stage.quorum,
        "approvals": len(given),
        "opened_at": _time(stage.opened_at),
        "passed_at": _time(stage.passed_at),
    }


def _decision(decision: Decision) -> dict[str, Any]:
    return {
        "user": decision.person.user,
        "verdict": str(decision.verdict),
        "stage": decision.stage,
        "at": _time(decision.at),
        "via": decision.via,
        "reason": mask(decision.reason),
    }


def _time(at: dt.datetime | None) -> str | None:
    """RFC 3339 in UTC, which sorts as text does."""
    if at is None:
        return None
    return at.astimezone(dt.UTC).isoformat(timespec="microseconds")[:-6] + "Z"
