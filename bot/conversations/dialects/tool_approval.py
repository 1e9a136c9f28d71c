"""LangChain's per-call approval: `{"type": "tool_approval", …}`, one decision back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from bot.approvals.model import Request, Status
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
    )


def answer(request: Request) -> dict[str, Any]:
    """The decision that the graph is resumed with."""
    if request.status is Status.APPROVED:
        return {"type": "approve"}
    return {"type": "reject", "message": _message(request)}


def _message(request: Request) -> str:
    if request.status is Status.TIMED_OUT:
        return sentences.TIMED_OUT_FOR_AGENT
    if request.status is Status.WITHDRAWN:
        return sentences.WITHDRAWN_FOR_AGENT
    kind, _, rest = request.outcome_note.partition(":")
    if kind == "denied":
        return sentences.denied_for_agent(rest)
    if kind == "unfillable":
        return sentences.rejected_for_agent(reason=sentences.unfillable(rest))
    return sentences.rejected_for_agent(reason=request.outcome_note)
