"""Agent Inbox: a `HumanInterrupt`, a list of one, or the JSON text of either."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, cast

from langgraph.types import Interrupt

from bot.conversations.dialects import langchain
from bot.conversations.dialects.interface import (
    Decided,
    End,
    Question,
    Schemas,
    stopped,
)

# the decisions of LangChain's own middleware that mean the same
_TYPES = {
    "allow_accept": langchain.APPROVE,
    "allow_edit": langchain.EDIT,
    "allow_respond": langchain.RESPOND,
    "allow_ignore": langchain.REJECT,
}


def recognise(interrupt: Interrupt[Any]) -> bool:
    """Return whether it is one whole `HumanInterrupt`, all four `allow_…` included."""
    return _read(interrupt.value) is not None


def describe(interrupt: Interrupt[Any], schemas: Schemas) -> Question:
    """Read the call.

    A text may be the model's own words, so no waiver counts for it: the model could
    write itself a question that nobody is asked.
    """
    found = _found(interrupt)
    request = found["action_request"]
    value = {
        "name": request["action"],
        "args": request["args"],
        "description": found.get("description"),
    }
    call = langchain.call_of(value, _types(found), schemas, {})
    by_text = isinstance(interrupt.value, str)
    return Question(interrupt, (dataclasses.replace(call, waivable=not by_text),))


def validate(question: Question, decisions: Sequence[Decided]) -> str:
    """Check that an answer is a text."""
    return langchain.complaint(decisions[0])


def answer(question: Question, decisions: Sequence[Decided]) -> Any:
    """Give a list of one `HumanResponse`, whatever form the interrupt had."""
    found = _found(question.raised)
    response = _response(decisions[0], found["action_request"], _types(found))
    return stopped(decisions) if response is None else [response]


def _response(
    decided: Decided, request: Mapping[str, Any], types: frozenset[str]
) -> dict[str, Any] | None:
    action, args = request["action"], request["args"]
    match decided.end:
        case End.APPROVE:  # the values as raised: a text would not be the number
            return {"type": "accept", "args": {"action": action, "args": args}}
        case End.EDIT:
            edited = dict(decided.arguments or {})
            return {"type": "edit", "args": {"action": action, "args": edited}}
        case End.ANSWER:
            return {"type": "response", "args": decided.value}
        case End.REJECT | End.TIMED_OUT:
            return _declined(decided, types)


def _declined(decided: Decided, types: frozenset[str]) -> dict[str, Any] | None:
    if langchain.REJECT in types:
        return {"type": "ignore"}
    if langchain.RESPOND in types:
        return {"type": "response", "args": langchain.message_of(decided)}
    return None


def _types(found: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(word for key, word in _TYPES.items() if found["config"][key])


def _found(interrupt: Interrupt[Any]) -> Mapping[str, Any]:
    found = _read(interrupt.value)
    if found is None:
        raise ValueError("this interrupt is no HumanInterrupt")
    return found


def _read(value: object) -> Mapping[str, Any] | None:
    if isinstance(value, str):
        value = _parsed(value)
    if isinstance(value, list):
        items = cast("list[object]", value)
        value = items[0] if len(items) == 1 else None
    if not isinstance(value, dict):
        return None
    found = cast("Mapping[str, Any]", value)
    return found if _is_whole(found) else None


def _is_whole(found: Mapping[str, Any]) -> bool:
    request, config = found.get("action_request"), found.get("config")
    if not isinstance(request, dict) or not isinstance(config, dict):
        return False
    action = cast("dict[str, Any]", request)
    allows = cast("dict[str, Any]", config)
    return (
        isinstance(action.get("action"), str)
        and bool(action["action"])
        and isinstance(action.get("args"), dict)
        and all(isinstance(allows.get(key), bool) for key in _TYPES)
    )


def _parsed(text: str) -> object:
    if "action_request" not in text:
        return None
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
