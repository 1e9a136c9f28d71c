"""A conversation is mended so that model servers take it: each call answered once."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from bot.conversations.graph_state import (
    CUT_OFF,
    GraphState,
    TaskState,
    ends_of,
    is_empty,
    mended,
)

HI, AND = HumanMessage("hi"), HumanMessage("and?")
BYE = AIMessage("bye")


def asks(*ids: str) -> AIMessage:
    return AIMessage("", tool_calls=[{"name": "pay", "args": {}, "id": i} for i in ids])


def result(call: str, text: str = "paid") -> ToolMessage:
    return ToolMessage(text, tool_call_id=call)


def short(messages: Any) -> list[str]:
    """Each message by its kind; a result by its call, `?` where none is recorded."""
    return [
        m.tool_call_id + ("?" if "recorded" in m.text else "")
        if isinstance(m, ToolMessage)
        else m.type
        for m in messages
    ]


@pytest.mark.parametrize(
    ("messages", "fixed"),
    [
        ([HI, BYE], ["human", "ai"]),
        ([HI, asks("a"), result("a"), BYE], ["human", "ai", "a", "ai"]),
        ([HI, asks("a", "b"), result("b")], ["human", "ai", "b", "a?"]),
        ([HI, asks("a"), BYE, AND], ["human", "ai", "a?", "ai", "human"]),
        ([HI, asks("a"), AND, result("a")], ["human", "ai", "a", "human"]),
        ([HI, asks("a"), result("a"), result("a", "no")], ["human", "ai", "a"]),
        ([result("a"), HI, BYE], ["human", "ai"]),
        (
            [asks("a"), result("a"), BYE, asks("a"), result("a")],
            ["ai", "a", "ai", "ai", "a"],
        ),
        ([HI, AIMessage(""), AND], ["human", "human"]),
        ([HI, AIMessage([{"type": "text", "text": " "}])], ["human"]),
    ],
    ids=[
        *("nothing", "whole", "open", "open in the middle", "misplaced", "twice"),
        *("stray", "the same id again", "empty", "empty blocks"),
    ],
)
def test_a_history_is_mended_in_its_place(messages: Any, fixed: list[str]):
    assert short(mended(messages, {})) == fixed


def test_what_is_whole_keeps_its_very_messages():
    whole = [HI, asks("a"), result("a"), BYE]
    assert all(one is two for one, two in zip(whole, mended(whole, {}), strict=True))


def test_an_image_of_the_model_is_no_empty_answer():
    assert not is_empty(AIMessage([{"type": "image", "url": "https://x"}]))
    assert is_empty(AIMessage([{"type": "reasoning", "reasoning": "hm"}]))


FAILS, CUT = TaskState("tools", error="KeyError"), TaskState("tools", error=CUT_OFF)
WAITS, OVER = TaskState("tools", asked=("i",)), TaskState("tools", is_over=True)


@pytest.mark.parametrize(
    ("tasks", "cut_off", "unknown", "told"),
    [
        ([FAILS], False, (), ["failed (KeyError)"]),
        ([CUT], False, (), ["is unknown"]),
        ([FAILS, CUT], False, (), ["failed", "is unknown"]),
        ([FAILS, WAITS], False, (), ["failed", "did not run"]),
        ([FAILS, WAITS], False, ("pay",), ["is unknown", "is unknown"]),
        ([OVER, FAILS], False, (), ["failed"]),
        ([FAILS], False, (), ["is unknown", "is unknown"]),
        ([TaskState("tools")], True, (), ["is unknown"]),
        ([TaskState("tools")], False, (), ["did not run"]),
        ([], False, (), ["is recorded"]),
    ],
)
def test_the_model_is_told_how_an_open_call_ended(
    tasks: list[TaskState], cut_off: bool, unknown: Any, told: list[str]
):
    calls = asks(*(f"c{number}" for number in range(len(told))))
    ran = GraphState((), (HI, calls), is_cut_off=cut_off, tasks=tuple(tasks))
    texts = [message.text for message in ends_of(ran, unknown).values()]
    assert len(texts) == len(told)
    assert all(words in text for words, text in zip(told, texts, strict=True))
