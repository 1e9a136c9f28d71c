"""The values that a graph's own questions take: words, booleans, or its own list.

A text that a person writes goes in as it is, or in the shape that `answer` gives it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, cast

from bot.approvals.model import Verdict
from bot.approvals.policy.model import Answers
from bot.conversations.dialects.interface import Question
from bot.texts import agent

TEXT = "{text}"
OUTCOMES = ("approve", "reject", "timed_out")
WORDS = {"approve": "approve", "reject": "reject", "timed_out": "timeout_reject"}
BOOLEANS = {"approve": True, "reject": False, "timed_out": False}
_NAMED: Mapping[str, Mapping[str, Any]] = {"words": WORDS, "booleans": BOOLEANS}


class UnclearAnswers(ValueError):
    """Somebody says which values mean yes and no, but not clearly."""


def said_by(payload: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Read a payload's own `answers`; None where it says nothing about them.

    A payload may hold something else under that name, which is no business of ours.

    Raises:
        UnclearAnswers: it names outcomes, but not all three or not apart.
    """
    said = payload.get("answers")
    if isinstance(said, str):
        return _NAMED.get(said)
    if not isinstance(said, dict):
        return None
    values = cast("Mapping[str, Any]", said)
    ours = any(word in values for word in OUTCOMES) or _has_room(values.get("answer"))
    return spelled(values) if ours else None


def spelled(answers: Answers) -> Mapping[str, Any]:
    """Write answers out as a value for each outcome, and the shape of a text.

    A shape alone is enough: then there is nothing to approve, only to answer.

    Raises:
        UnclearAnswers: an outcome is missing, or approve has the value of another, or
            the shape has no room for a text.
    """
    if isinstance(answers, str):
        return _NAMED[answers]
    shape = {"answer": answers["answer"]} if "answer" in answers else {}
    if shape and not _has_room(shape):
        raise UnclearAnswers
    if shape and len(answers) == 1:
        return shape
    if any(word not in answers for word in OUTCOMES):
        raise UnclearAnswers
    found = {word: answers[word] for word in OUTCOMES}
    if found["approve"] in (found["reject"], found["timed_out"]):
        raise UnclearAnswers
    return found | shape


def _has_room(shape: object) -> bool:
    return shaped(shape, "") != shape


def shaped(shape: object, text: str) -> Any:
    """Put a text in the places that a shape has for it."""
    if isinstance(shape, str):
        return shape.replace(TEXT, text)
    if isinstance(shape, dict):
        values = cast("Mapping[str, object]", shape)
        return {key: shaped(value, text) for key, value in values.items()}
    if isinstance(shape, list):
        return [shaped(value, text) for value in cast("list[object]", shape)]
    return shape


def answered_by(question: Question, answers: Mapping[str, Any]) -> Question:
    """The question with its values; what has none cannot be approved."""
    call = question.calls[0]
    if "approve" not in answers and call.allowed is not None:
        allowed = tuple(v for v in call.allowed if v is not Verdict.APPROVE)
        question = replace(question, calls=(replace(call, allowed=allowed),))
    return replace(question, answers=answers)


def resolve(
    question: Question,
    *,
    rule: Answers | None,
    default: Answers | None,
    levels: Collection[str],
) -> Question:
    """Add what the policy says to what the payload says, which goes first.

    Args:
        rule: the `answers` of the first rule for this interrupt that has some.
        default: `interrupts.answers`.
        levels: the words of `interrupts.levels`.
    """
    if question.problem:
        return question
    if question.level and question.level not in levels:
        problem = agent.unknown_level(question.level, levels)
        return replace(question, problem=problem)
    if question.dialect != "raw" or question.answers is not None:
        return question
    said = default if rule is None else rule
    if said is None:
        return replace(question, problem=agent.NO_ANSWERS)
    try:
        return answered_by(question, spelled(said))
    except UnclearAnswers:
        return replace(question, problem=agent.BAD_ANSWERS)
