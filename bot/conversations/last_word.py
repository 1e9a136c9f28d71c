"""Find what a graph has said in a turn, as people are told it."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from typing import cast

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage

from bot.conversations.call_ends import is_empty
from bot.conversations.graph_state import GraphState
from bot.texts import agent

_THOUGHT = re.compile(r"\A\s*<think>.*?(</think>|\Z)\s*", re.DOTALL)
#: How servers say why the model has stopped in the middle.
_CUT = {
    **dict.fromkeys(("length", "max_tokens", "MAX_TOKENS"), agent.ANSWER_CUT_OFF),
    **dict.fromkeys(("content_filter", "SAFETY"), agent.ANSWER_FILTERED),
}


def last_word(ran: GraphState, tools: Collection[str]) -> str | None:
    """The answer to a person's message, None where the graph has said nothing.

    It is the last text of the graph, whoever in it said it; else the structured
    response, else what a tool has returned.

    Args:
        tools: names of the graph's tools; a model calls others to give its answer a
            structure.
    """
    turn = _turn(ran.messages)
    for message in reversed(turn):
        if isinstance(message, ToolMessage):
            return _result(message, ran.structured, tools)
        if isinstance(message, AIMessage) and message.tool_calls:
            break  # what it has said on the way is no answer
        if text := _text(message):
            is_it = ran.structured is not None and _parsed(text) == ran.structured
            return _fields(ran.structured) if is_it else text
    return _fields(ran.structured) if ran.structured and turn else None


def answered_nothing(ran: GraphState) -> bool:
    """Return whether the model's last answer has nothing in it."""
    return bool(ran.messages) and is_empty(ran.messages[-1])


def _turn(messages: Sequence[AnyMessage]) -> Sequence[AnyMessage]:
    """What follows the person's own message; workers in a graph speak as people too."""
    people = [i for i, m in enumerate(messages) if isinstance(m, HumanMessage)]
    own = [i for i in people if "speaker" in messages[i].additional_kwargs]
    last = max(own or people, default=-1)
    return messages[last + 1 :]


def _text(message: AnyMessage) -> str:
    """What a message says, without its thoughts, and with why it ends early."""
    said = without_thoughts(message.text)
    found = message.response_metadata
    reason = str(found.get("finish_reason") or found.get("stop_reason"))
    cut = f"\n\n[{_CUT[reason]}]" if reason in _CUT else ""
    return f"{said}{cut}".strip()


def without_thoughts(text: str) -> str:
    """Leave out what a model writes down of its thinking, also where it still does."""
    return _THOUGHT.sub("", text, count=1) if text else ""


def _result(
    message: ToolMessage, structured: object, tools: Collection[str]
) -> str | None:
    if structured is not None and message.name not in tools:
        return _fields(structured)
    return message.text or None


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _fields(structured: object) -> str:
    """A structured response as lines that people read."""
    if not isinstance(structured, dict):
        return json.dumps(structured, ensure_ascii=False)
    fields = cast("dict[str, object]", structured)
    return "\n".join(
        f"- **{name.replace('_', ' ').capitalize()}**: {_shown(value)}"
        for name, value in fields.items()
    )


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
