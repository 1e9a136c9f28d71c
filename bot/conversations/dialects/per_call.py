"""LangChain's per-call approval: `{"type": "tool_approval", …}`, one decision back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from langgraph.types import Interrupt

from bot.approvals.json_schemas import is_schema, misfit, resolved
from bot.conversations.dialects import langchain
from bot.conversations.dialects.interface import Decided, Question, Schemas, stopped
from bot.texts import agent


def recognise(interrupt: Interrupt[Any]) -> bool:
    """Return whether it is one tool's call, with a schema of decisions or with none."""
    if not isinstance(interrupt.value, dict):
        return False
    value = cast("dict[str, Any]", interrupt.value)
    return (
        isinstance(value.get("type"), str)
        and value["type"] == "tool_approval"
        and isinstance(value.get("tool_call_id"), str)
        and langchain.is_action(value)
        and (interrupt.response_schema is None or bool(_branches(interrupt)))
    )


def describe(interrupt: Interrupt[Any], schemas: Schemas) -> Question:
    """Read the call; the middleware says in the schema which decisions it takes."""
    known = _arguments_schema(interrupt)
    call = langchain.call_of(interrupt.value, _types(interrupt), schemas, known)
    return Question(interrupt, (call,))


def validate(question: Question, decisions: Sequence[Decided]) -> str:
    """Check the decision against the interrupt's own schema."""
    if found := langchain.complaint(decisions[0]):
        return found
    decision = _decision(question.raised, decisions[0])
    if decision is None or question.raised.response_schema is None:
        return ""
    schema = cast("dict[str, Any]", question.raised.response_schema)
    found = misfit(schema, decision)
    return agent.unfit_answer(found) if found else ""


def answer(question: Question, decisions: Sequence[Decided]) -> Any:
    """Give one decision, not in a list."""
    return _decision(question.raised, decisions[0]) or stopped(decisions)


def _decision(interrupt: Interrupt[Any], decided: Decided) -> dict[str, Any] | None:
    return langchain.decision_of(decided, interrupt.value["name"], _types(interrupt))


def _types(interrupt: Interrupt[Any]) -> frozenset[str] | None:
    # without a schema whoever asks takes all of them, as `agent.gate` does
    if interrupt.response_schema is None:
        return None
    return frozenset(_branches(interrupt))


def _branches(interrupt: Interrupt[Any]) -> dict[str, Mapping[str, Any]]:
    """The schema's part for each type of decision: one object, or several in `oneOf`.

    A type that LangChain does not have today makes all of it unknown.
    """
    if not is_schema(interrupt.response_schema):
        return {}
    schema = cast("dict[str, Any]", interrupt.response_schema)
    found = [resolved(schema, part) for part in schema.get("oneOf", [schema])]
    named = {str(_property(schema, p, "type").get("const")): p for p in found}
    return named if {*named} <= langchain.TYPES else {}


def _arguments_schema(interrupt: Interrupt[Any]) -> Mapping[str, Any]:
    branch = _branches(interrupt).get(langchain.EDIT) if _types(interrupt) else None
    if branch is None:
        return {}
    schema = cast("dict[str, Any]", interrupt.response_schema)
    action = _property(schema, branch, "edited_action")
    found = _property(schema, action, "args")
    definitions = schema.get("$defs")
    return {**found, "$defs": definitions} if definitions else found


def _property(
    schema: Mapping[str, Any], part: Mapping[str, Any], name: str
) -> Mapping[str, Any]:
    return resolved(schema, part.get("properties", {}).get(name, {}))
