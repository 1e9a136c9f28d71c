"""The facts of people's decisions: the trail keeps ids, and words beside them."""

from __future__ import annotations

from typing import Any

from bot.approvals.audit import Fact, about, arguments_text
from bot.approvals.judge import Result
from bot.approvals.model import Action, Decision, Effect, Kind, Request
from bot.approvals.standing_grants import UsingAction


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
    if isinstance(action, UsingAction):
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
    """A word that no longer counts."""
    texts, stage = {"reason": note}, stage_detail(request, lost.stage)
    return about(request, "voided", actor=lost.person.user, texts=texts, **stage)


def operator_fact(request: Request, operator: str, reason: str) -> Fact:
    """The brake on the command line."""
    return about(
        request,
        "rejected",
        actor=operator,
        via="cli",
        texts={"reason": reason},
        verdict="reject",
        **stage_detail(request, request.chain.stage_index),
    )
