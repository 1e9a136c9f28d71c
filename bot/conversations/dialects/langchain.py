"""One decision of LangChain's HumanInTheLoopMiddleware, for both of its modes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from bot.approvals.model import Verdict
from bot.conversations.dialects.interface import (
    AskedCall,
    Decided,
    End,
    Fidelity,
    Schemas,
    without_approval,
)
from bot.conversations.dialects.plain import arguments_of, text_of
from bot.texts import agent
from bot.texts.agent import TIMED_OUT_FOR_AGENT, rejected_for_agent

APPROVE, EDIT, REJECT, RESPOND = "approve", "edit", "reject", "respond"
_VERDICTS = {APPROVE: Verdict.APPROVE, EDIT: Verdict.EDIT, RESPOND: Verdict.ANSWER}
TYPES = frozenset({*_VERDICTS, REJECT})
RUNS = frozenset({APPROVE, EDIT})  # decisions that let the call run


def is_action(value: Mapping[str, Any]) -> bool:
    """Return whether a mapping names a tool and its arguments."""
    name = value.get("name")
    return isinstance(name, str) and bool(name) and isinstance(value.get("args"), dict)


def call_of(
    value: Mapping[str, Any],
    types: Collection[str] | None,
    schemas: Schemas,
    schema: Mapping[str, Any],
) -> AskedCall:
    """Read one action.

    Args:
        types: the decisions that the middleware takes, None if it does not say.
        schema: of the arguments, where the house knows none itself.
    """
    arguments, fidelity = arguments_of(value["args"])
    allowed = None if types is None else verdicts(types)
    return AskedCall(
        name=text_of(value["name"]),
        arguments=arguments,
        allowed=allowed if fidelity is Fidelity.EXACT else without_approval(allowed),
        schema=schemas.get(value["name"], schema),
        note=text_of(value.get("description")),
        tool_call=text_of(value.get("tool_call_id")),
        fidelity=fidelity,
    )


def verdicts(types: Collection[str]) -> tuple[Verdict, ...]:
    """Return the verdicts that people may give; they may always reject."""
    taken = [verdict for word, verdict in _VERDICTS.items() if word in types]
    return (*taken, Verdict.REJECT)


def complaint(decided: Decided) -> str:
    """Say what LangChain's own shape of a decision would not take."""
    if decided.end is not End.ANSWER:
        return ""
    is_text = isinstance(decided.value, str) and decided.value.strip()
    return "" if is_text else agent.NO_TEXT


def decision_of(
    decided: Decided, name: str, types: Collection[str] | None
) -> dict[str, Any] | None:
    """Give the middleware's decision, None where it takes none that means no.

    An edit pins the tool's name: the batched mode would run any other tool that the
    decision names, past the rules for it.
    """
    match decided.end:
        case End.APPROVE:
            return {"type": APPROVE}
        case End.EDIT:
            action = {"name": name, "args": dict(decided.arguments or {})}
            return {"type": EDIT, "edited_action": action}
        case End.ANSWER:
            return {"type": RESPOND, "message": decided.value}
        case End.REJECT | End.TIMED_OUT:
            return _declined(decided, types)


def message_of(decided: Decided) -> str:
    """Give the sentence with which the agent is told no."""
    own = TIMED_OUT_FOR_AGENT if decided.end is End.TIMED_OUT else rejected_for_agent()
    return decided.message or own


def _declined(decided: Decided, types: Collection[str] | None) -> dict[str, Any] | None:
    taken = next((t for t in (REJECT, RESPOND) if types is None or t in types), None)
    return {"type": taken, "message": message_of(decided)} if taken else None
