"""LangChain's per-call approval: `{"type": "tool_approval", …}`, one decision back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from bot.approvals.model import Outcome, Request, Status
from bot.approvals.raise_request import Asked
from bot.slack import sentences


def recognise(value: object) -> bool:
    """Whether an interrupt's value is in this shape."""
    if not isinstance(value, dict):
        return False
    payload = cast("dict[str, Any]", value)
    return (
        payload.get("type") == "tool_approval"
        and isinstance(payload.get("tool_call_id"), str)
        and isinstance(payload.get("name"), str)
        and isinstance(payload.get("args"), dict)
    )


def describe(
    interrupt: str, value: Mapping[str, Any], schemas: Mapping[str, dict[str, Any]]
) -> Asked:
    """The call that the interrupt asks about."""
    return Asked(
        interrupt=interrupt,
        tool_call=value["tool_call_id"],
        tool=value["name"],
        arguments=value["args"],
        schema=schemas.get(value["name"], {}),
        seen=value.get("seen"),
    )


def answer(request: Request) -> dict[str, Any]:
    """The decision that the graph is resumed with."""
    if request.status is Status.ANSWERED:
        return {"type": "respond", "message": request.answer}
    if request.status is not Status.APPROVED:
        return {"type": "reject", "message": _message(request)}
    if not request.is_edited:
        return {"type": "approve"}
    edited = {"name": request.tool, "args": request.arguments}
    return {"type": "edit", "edited_action": edited}


def _message(request: Request) -> str:
    if request.status is Status.TIMED_OUT:
        return sentences.TIMED_OUT_FOR_AGENT
    if request.status is Status.WITHDRAWN:
        return sentences.WITHDRAWN_FOR_AGENT
    if request.outcome is Outcome.DENIED:
        return sentences.denied_for_agent(request.outcome_note)
    if request.outcome is Outcome.REPEATED:
        by, _, at = request.outcome_note.partition(" ")
        return sentences.repeated_for_agent(by, at)
    if request.outcome is Outcome.UNFILLABLE:
        reason = sentences.unfillable(request.outcome_note)
        return sentences.rejected_for_agent(reason=reason)
    return sentences.rejected_for_agent(reason=request.outcome_note)
