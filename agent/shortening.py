"""A history that a model finds too long, made to fit: the oldest goes first."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.messages.utils import count_tokens_approximately

KEPT = 0.5  # of the tokens that were too many: there is one more try, so it has to do
CHARS_PER_TOKEN = 4
LEAST = 200  # tokens of a result that is cut
FRAME = 200  # characters that the words below and the frame of a message may take
CUT = "\n[… {missing:,} characters were left out here, because this was too long …]\n"


def shortened(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """Leave out the oldest parts, up to half of it; a call stays with its results.

    The last message of a person stays in any case, and so does what was done last; a
    result that is too long by itself loses its middle.
    """
    budget = int(count_tokens_approximately(messages) * KEPT)
    units = _units(messages)
    last = max((i for i, u in enumerate(units) if _is_a_persons(u)), default=-1)
    needed = {last, len(units) - 1}
    kept: set[int] = {index for index in needed if index >= 0}
    room = budget - sum(_size(units[index]) for index in kept)
    for index in reversed(range(len(units))):
        if index in kept:
            continue
        room -= _size(units[index])
        if room < 0:
            break
        kept.add(index)
    result = [m for index in sorted(kept) for m in units[index]]
    return _with_short_results(result, budget)


def _units(messages: Sequence[BaseMessage]) -> list[list[BaseMessage]]:
    """Messages that are left out together only: calls with what became of them."""
    units: list[list[BaseMessage]] = []
    for message in messages:
        if isinstance(message, ToolMessage) and units and _has_calls(units[-1][0]):
            units[-1].append(message)
        else:
            units.append([message])
    return units


def _has_calls(message: BaseMessage) -> bool:
    return isinstance(message, AIMessage) and bool(
        message.tool_calls or message.invalid_tool_calls
    )


def _is_a_persons(unit: Sequence[BaseMessage]) -> bool:
    return isinstance(unit[0], HumanMessage)


def _size(unit: Sequence[BaseMessage]) -> int:
    return count_tokens_approximately(unit)


def _with_short_results(
    messages: Sequence[BaseMessage], budget: int
) -> list[BaseMessage]:
    if _size(messages) <= budget:
        return list(messages)
    results = [m for m in messages if isinstance(m, ToolMessage)]
    others = _size(messages) - _size(results)
    each = max(LEAST, (budget - others) // max(1, len(results)))
    return [
        _cut(m, each * CHARS_PER_TOKEN) if isinstance(m, ToolMessage) else m
        for m in messages
    ]


def _cut(message: ToolMessage, limit: int) -> BaseMessage:
    text = message.text
    if len(text) <= limit:
        return message
    half = (limit - FRAME) // 2
    words = CUT.format(missing=len(text) - 2 * half)
    content = f"{text[:half]}{words}{text[-half:]}"
    return message.model_copy(update={"content": content})
