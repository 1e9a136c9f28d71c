"""Anything else that a graph asks: a text, a number, a list, a dict, nothing at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from langgraph.types import Interrupt

from bot.approvals.model import NAMELESS, Kind, Verdict
from bot.conversations.dialects.answers import (
    TEXT,
    UnclearAnswers,
    answered_by,
    said_by,
    shaped,
)
from bot.conversations.dialects.interface import (
    AskedCall,
    Decided,
    End,
    Fidelity,
    Question,
    Schemas,
    stopped,
    without_approval,
)
from bot.conversations.dialects.plain import arguments_of, json_text, text_of
from bot.texts import agent
from bot.texts.formatting import is_identifier

HEADLINES = (
    "message",
    "question",
    "description",
    "title",
    "prompt",
    "text",
    "headline",
    "instruction",
    "instructions",
    "reason",
    "summary",
    "content",
)
ALLOWED = (Verdict.APPROVE, Verdict.REJECT, Verdict.ANSWER)


def recognise(interrupt: Interrupt[Any]) -> bool:
    """Everything: what nobody else has recognised is not dropped."""
    return True


def describe(interrupt: Interrupt[Any], schemas: Schemas) -> Question:
    """Read the whole payload as arguments, one of them as the headline."""
    value = interrupt.value
    arguments, fidelity = arguments_of(value)
    payload = cast("Mapping[str, Any]", value if isinstance(value, dict) else {})
    headline = _headline(arguments)
    hidden = fidelity is Fidelity.HIDDEN
    call = AskedCall(
        name=_name(payload),
        arguments=arguments,
        allowed=without_approval(ALLOWED) if hidden else ALLOWED,
        note=arguments.get(headline, ""),
        kind=Kind.INTERRUPT,
        headline=headline,
        fidelity=fidelity,
        waivable=False,
    )
    answers, problem = _answers(payload)
    question = Question(interrupt, (call,), level=_level(payload), problem=problem)
    return question if answers is None else answered_by(question, answers)


def validate(question: Question, decisions: Sequence[Decided]) -> str:
    """Check that somebody has said which values the graph takes."""
    if decisions[0].end is End.ANSWER:
        return agent.NO_TEXT if decisions[0].value in (None, "") else ""
    return "" if question.answers else agent.NO_ANSWERS


def answer(question: Question, decisions: Sequence[Decided]) -> Any:
    """Give the value itself, or what a person wrote, in the shape that it takes.

    Where a graph takes nothing but a text, a no stops the turn.
    """
    decided, answers = decisions[0], question.answers or {}
    if decided.end is End.ANSWER:
        shape = answers.get("answer", TEXT)
        return shaped(shape, decided.value) if shape != TEXT else decided.value
    return answers[decided.end] if decided.end in answers else stopped(decisions)


def _headline(arguments: Mapping[str, Any]) -> str:
    keys = ["value"] if [*arguments] == ["value"] else HEADLINES
    return next((key for key in keys if _is_text(arguments.get(key))), "")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _name(payload: Mapping[str, Any]) -> str:
    action = payload.get("action")
    inner = cast("dict[str, Any]", action if isinstance(action, dict) else {})
    found: list[object] = [
        action,
        inner.get("type"),
        inner.get("name"),
        payload.get("name"),
        payload.get("type"),
    ]
    names = (name for name in found if isinstance(name, str) and is_identifier(name))
    return next(names, NAMELESS)


def _level(payload: Mapping[str, Any]) -> str:
    # what is no word at all must be an unknown level, not none
    level = payload.get("level")
    if level is None:
        return ""
    return text_of(level) or json_text(level)


def _answers(payload: Mapping[str, Any]) -> tuple[Mapping[str, Any] | None, str]:
    try:
        return said_by(payload), ""
    except UnclearAnswers:
        return None, agent.BAD_ANSWERS
