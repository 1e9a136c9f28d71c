"""When a turn ends without asking the model again, and what the user is told then."""

from __future__ import annotations

import json
from collections.abc import Sequence

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    ToolCall,
    ToolMessage,
)

from agent.marks import REJECTED, word_of

MAX_STEPS = 25  # answers of the model to one message of a person
MAX_REJECTS = 3  # calls of one turn; whoever says no so often does not want another
MAX_CALL = 300  # characters of a call that the user reads

TOO_MANY_STEPS = (
    f"I stopped here: after {MAX_STEPS} steps I was still not done. Tell me how to go "
    "on, or ask for less at once."
)
TOO_MANY_REJECTS = (
    "I stopped here, because {number} of my calls were rejected, or not decided in "
    "time. They did nothing:\n{rejected}\n"
)
OTHERS = "What became of my other calls:\n{others}\n"
ASK_AGAIN = "Tell me how to go on."


def reason_to_stop(messages: Sequence[BaseMessage]) -> str:
    """The last word of a turn that must not go on, or "" if it may."""
    turn = _turn(messages)
    rejected = [message for message in turn if word_of(message) == REJECTED]
    if len(rejected) >= MAX_REJECTS:
        return _too_many_rejects(turn)
    # A model that repeats a refused call would otherwise never come to an end.
    steps = sum(isinstance(message, AIMessage) for message in turn)
    return TOO_MANY_STEPS if steps >= MAX_STEPS else ""


def _turn(messages: Sequence[BaseMessage]) -> Sequence[BaseMessage]:
    """What came after the last message of a person."""
    last = max(
        (i for i, m in enumerate(messages) if isinstance(m, HumanMessage)), default=-1
    )
    return messages[last + 1 :]


def _too_many_rejects(turn: Sequence[BaseMessage]) -> str:
    made = [m for m in turn if isinstance(m, AIMessage)]
    calls = {call["id"]: call for message in made for call in message.tool_calls}
    rejected: list[str] = []
    others: list[str] = []
    for result in turn:
        call = calls.get(getattr(result, "tool_call_id", None))
        if not isinstance(result, ToolMessage) or call is None:
            continue
        if word_of(result) == REJECTED:
            rejected.append(f"- {_named(call)}")
        else:
            others.append(f"- {_named(call)}: {_one_line(result.text)}")
    said = TOO_MANY_REJECTS.format(number=len(rejected), rejected="\n".join(rejected))
    told = OTHERS.format(others="\n".join(others)) if others else ""
    return said + told + ASK_AGAIN


def _named(call: ToolCall) -> str:
    args = ", ".join(
        f"{name}={json.dumps(value, ensure_ascii=False)}"
        for name, value in call["args"].items()
    )
    # A backtick inside would end the code that it is shown as.
    shown = _one_line(f"{call['name']}({args})").replace("`", "'")
    return f"`{shown}`"


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MAX_CALL else f"{line[:MAX_CALL]}…"
