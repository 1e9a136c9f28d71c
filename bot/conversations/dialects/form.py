"""A question with a `response_schema`: a form of it, checked before the resume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from langgraph.types import Interrupt

from bot.approvals.json_schemas import is_schema, misfit
from bot.approvals.model import Verdict
from bot.conversations.dialects import raw
from bot.conversations.dialects.interface import (
    Decided,
    End,
    Question,
    Schemas,
    stopped,
)
from bot.conversations.dialects.raw import BOOLEANS, OUTCOMES, WORDS
from bot.texts import agent


def recognise(interrupt: Interrupt[Any]) -> bool:
    """Return whether it has a JSON schema that asks for something."""
    return is_schema(interrupt.response_schema)


def describe(interrupt: Interrupt[Any], schemas: Schemas) -> Question:
    """Read the payload as a raw one, and from the schema what yes and no could be.

    Approve is there only where the schema has a value that means it.
    """
    question = raw.describe(interrupt, schemas)
    schema = cast("dict[str, Any]", interrupt.response_schema)
    answers = _fitting(schema, question.answers)
    call = question.calls[0]
    if "approve" not in answers:
        allowed = tuple(v for v in raw.ALLOWED if v is not Verdict.APPROVE)
        call = replace(call, allowed=allowed)
    return replace(question, calls=(call,), form=schema, answers=answers)


def validate(question: Question, decisions: Sequence[Decided]) -> str:
    """Check what was filled in against the schema."""
    if decisions[0].end is not End.ANSWER:
        return ""
    found = misfit(question.form or {}, decisions[0].value)
    return agent.unfit_answer(found) if found else ""


def answer(question: Question, decisions: Sequence[Decided]) -> Any:
    """Give the form's values, or the value for yes or no; else the turn ends."""
    decided, answers = decisions[0], question.answers or {}
    if decided.end is End.ANSWER:
        return decided.value
    if decided.end in answers:
        return answers[decided.end]
    return stopped(decisions)


def _fitting(
    schema: Mapping[str, Any], said: Mapping[str, Any] | None
) -> Mapping[str, Any]:
    """The value for each outcome that the schema has one for.

    What the payload says counts whole or not at all.
    """
    if said is not None and "approve" in said:
        fits = all(not misfit(schema, said[word]) for word in OUTCOMES)
        return said if fits else {}
    found = {word: _documented(schema, word) for word in OUTCOMES}
    return {word: value[0] for word, value in found.items() if value}


def _documented(schema: Mapping[str, Any], outcome: str) -> list[Any]:
    """The documented values for an outcome that the schema takes."""
    words = [WORDS[outcome]]
    if outcome == "timed_out":
        words.append(WORDS["reject"])
    named = [word for word in words if _names(schema, word)]
    boolean = BOOLEANS[outcome]
    return [*named, boolean] if not misfit(schema, boolean) else [*named]


def _names(schema: Mapping[str, Any], word: str) -> bool:
    # a field for any text takes the word too, but it would be a customer's name there
    return not misfit(schema, word) and bool(misfit(schema, word[::-1]))
