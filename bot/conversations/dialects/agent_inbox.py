"""Agent Inbox: a `HumanInterrupt`, a list of them, or the JSON text of either."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from langgraph.types import Interrupt

from bot.approvals.model import Verdict
from bot.conversations.dialects import langchain, raw
from bot.conversations.dialects.interface import (
    AskedCall,
    Decided,
    End,
    Question,
    Schemas,
    stopped,
)
from bot.texts import graphs

Item = Mapping[str, Any]
# the decisions of LangChain's own middleware that mean the same
_TYPES = {
    "allow_accept": langchain.APPROVE,
    "allow_edit": langchain.EDIT,
    "allow_respond": langchain.RESPOND,
    "allow_ignore": langchain.REJECT,
}


def recognise(interrupt: Interrupt[Any]) -> bool:
    """Return whether there is an `action_request` in it, whole or not.

    A graph that asks with one takes a list of responses and nothing else.
    """
    return bool(_items(interrupt.value))


def describe(interrupt: Interrupt[Any], schemas: Schemas) -> Question:
    """Read the calls.

    A text may be the model's own words, so no waiver counts for it: the model could
    write itself a question that nobody is asked.
    """
    items = _items(interrupt.value)
    wrong = next((found for item in items if (found := _misfit(item))), "")
    problem = graphs.bad_inbox(wrong) if wrong else ""
    by_text = isinstance(interrupt.value, str)
    calls = [
        _question(item)
        if _takes_words_alone(item)
        else _call(item, schemas, waivable=not by_text)
        for item in items
    ]
    return Question(interrupt, tuple(calls), problem=problem)


def validate(question: Question, decisions: Sequence[Decided]) -> str:
    """Check that an answer is a text."""
    return next((c for d in decisions if (c := langchain.complaint(d))), "")


def answer(question: Question, decisions: Sequence[Decided]) -> Any:
    """Give a list of a `HumanResponse` for each, whatever form the interrupt had."""
    responses = [
        _response(decided, item)
        for decided, item in zip(decisions, _items(question.raised.value), strict=True)
    ]
    return stopped(decisions) if None in responses else responses


def _takes_words_alone(item: Item) -> bool:
    types = _types(item)
    return langchain.RESPOND in types and not types & langchain.RUNS


def _question(item: Item) -> AskedCall:
    """A question that takes a text and nothing else: no call that could be approved."""
    action, args = _action(item)
    shown: dict[str, Any] = {}
    if text := item.get("description"):
        shown["description"] = text
    shown |= args if isinstance(args, dict) else {"value": args}
    call = raw.describe(Interrupt(shown), {}).calls[0]
    allowed = (Verdict.REJECT, Verdict.ANSWER)
    return dataclasses.replace(call, name=str(action), allowed=allowed)


def _call(item: Item, schemas: Schemas, *, waivable: bool) -> AskedCall:
    action, args = _action(item)
    value: dict[str, Any] = {
        "name": action if isinstance(action, str) and action else "action",
        "args": {} if args is None else args,
        "description": item.get("description"),
    }
    call = langchain.call_of(value, _types(item), schemas, {})
    return dataclasses.replace(call, waivable=waivable)


def _response(decided: Decided, item: Item) -> dict[str, Any] | None:
    action, args = _action(item)
    match decided.end:
        case End.APPROVE:  # the values as raised: a text would not be the number
            return {"type": "accept", "args": {"action": action, "args": args}}
        case End.EDIT:
            edited: Any = dict(decided.arguments or {})
            if not isinstance(args, dict | None):
                edited = edited.get("value")  # as it was shown, so it goes back
            return {"type": "edit", "args": {"action": action, "args": edited}}
        case End.ANSWER:
            return {"type": "response", "args": decided.value}
        case End.REJECT | End.TIMED_OUT:
            return _declined(decided, _types(item))


def _declined(decided: Decided, types: frozenset[str]) -> dict[str, Any] | None:
    if langchain.REJECT in types:
        return {"type": "ignore"}
    if langchain.RESPOND in types:
        return {"type": "response", "args": langchain.message_of(decided)}
    return None


def _misfit(item: Item) -> str:
    """Say what makes it unanswerable, "" if it can be answered."""
    action, _ = _action(item)
    if not (isinstance(action, str) and action):
        return "`action_request` names no action"
    return "" if _types(item) else "`config` allows nothing"


def _action(item: Item) -> tuple[Any, Any]:
    """The action and its arguments, None where there are none."""
    request = _mapping(item.get("action_request"))
    return request.get("action"), request.get("args")


def _types(item: Item) -> frozenset[str]:
    """The decisions that it allows; a key that is left out does not."""
    config = _mapping(item.get("config"))
    return frozenset(word for key, word in _TYPES.items() if config.get(key) is True)


def _mapping(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def _items(value: object) -> list[Item]:
    """Each `HumanInterrupt`; nothing if it is something else."""
    if isinstance(value, str):
        value = _parsed(value)
    items = cast("list[object]", value) if isinstance(value, list) else [value]
    found = [_mapping(item) for item in items]
    return found if any("action_request" in item for item in found) else []


def _parsed(text: str) -> object:
    if "action_request" not in text:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
