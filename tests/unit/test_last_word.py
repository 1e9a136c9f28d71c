"""The answer that people get: what a graph has said, whoever in it said it."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from bot.conversations.graph_state import GraphState, answered_nothing, last_word

ASKED = HumanMessage("hi", additional_kwargs={"speaker": {"id": "U1", "name": "Ravi"}})
BEFORE = [HumanMessage("and before?"), AIMessage("Long ago.")]


def calls(name: str, text: str = "") -> AIMessage:
    return AIMessage(text, tool_calls=[{"name": name, "args": {}, "id": "c1"}])


def result(name: str, text: str) -> ToolMessage:
    return ToolMessage(text, tool_call_id="c1", name=name)


def said(*turn: Any, structured: Any = None) -> str | None:
    messages = (*BEFORE, ASKED, *turn)
    return last_word(GraphState((), messages, structured=structured), ["look"])


def ended(text: str, reason: str) -> AIMessage:
    return AIMessage(text, response_metadata={"finish_reason": reason})


FIELDS = {"unit_price": 3, "item": "tea", "tags": ["a"]}
SHOWN = '- **Unit price**: 3\n- **Item**: tea\n- **Tags**: ["a"]'


@pytest.mark.parametrize(
    ("turn", "structured", "answer"),
    [
        ([AIMessage("Hello.")], None, "Hello."),
        ([AIMessage("Hello."), AIMessage("")], None, "Hello."),
        ([calls("look"), result("look", "seen"), AIMessage("It is.")], None, "It is."),
        ([AIMessage("x"), HumanMessage("Done.", name="worker")], None, "Done."),
        ([calls("look", "Let me see."), result("look", "seen")], None, "seen"),
        ([calls("look"), result("look", "seen")], FIELDS, "seen"),
        ([calls("Order"), result("Order", "Returning…")], FIELDS, SHOWN),
        ([calls("Order")], FIELDS, SHOWN),
        (
            [AIMessage('{"item": "tea", "unit_price": 3, "tags": ["a"]}')],
            FIELDS,
            SHOWN,
        ),
        ([AIMessage("Hello.")], FIELDS, "Hello."),
        ([], FIELDS, None),
        ([], None, None),
        ([AIMessage("<think>Hm.\n</think>\nHello.")], None, "Hello."),
        ([AIMessage("<think>Hm, and cut off")], None, None),
        ([AIMessage("Use <think> here.")], None, "Use <think> here."),
    ],
)
def test_the_answer_is_the_last_thing_that_was_said(
    turn: Any, structured: Any, answer: str | None
):
    assert said(*turn, structured=structured) == answer


@pytest.mark.parametrize(
    ("reason", "words"),
    [("length", "length limit"), ("content_filter", "content filter")],
)
def test_an_answer_that_ends_early_says_why(reason: str, words: str):
    told = said(ended("It is", reason)) or ""
    assert told.startswith("It is\n\n[")
    assert words in told
    assert said(ended("It is.", "stop")) == "It is."


def test_a_graph_without_our_mark_has_its_last_unnamed_person():
    messages = (HumanMessage("hi"), AIMessage("Hello."))
    assert last_word(GraphState((), messages), []) == "Hello."


def test_an_empty_answer_of_the_model_is_seen():
    assert answered_nothing(GraphState((), (ASKED, AIMessage(""))))
    assert not answered_nothing(GraphState((), (ASKED, AIMessage("Hello."))))
    assert not answered_nothing(GraphState((), ()))
