"""What the trail keeps of a stage and of a person's choice: ids, never their words."""

from __future__ import annotations

from typing import Any

from bot.approvals.choice import Choice
from bot.approvals.model import Request


def stage_detail(request: Request, index: int) -> dict[str, Any]:
    """The stage that a fact is about, by its place in the chain and its group."""
    if not 0 <= index < len(request.stages):
        return {"stage": index}
    return {"stage": index, "group": request.stages[index].approvers}


def choice_detail(choice: Choice | None) -> dict[str, Any]:
    """What was chosen, and on which message; nothing where nobody chose."""
    if choice is None:
        return {}
    detail: dict[str, Any] = {"verdict": str(choice.verdict)}
    if choice.place is not None:
        detail["card"] = [choice.place.channel, choice.place.message]
    return detail
