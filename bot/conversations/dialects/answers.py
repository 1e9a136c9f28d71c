"""The values that a graph's own questions take: words, booleans, or its own list."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, cast

from bot.approvals.policy.model import Answers
from bot.conversations.dialects.interface import Question
from bot.texts import agent

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
    if not isinstance(said, dict) or not any(word in said for word in OUTCOMES):
        return None
    return spelled(cast("Mapping[str, Any]", said))


def spelled(answers: Answers) -> Mapping[str, Any]:
    """Write answers out as a value for each outcome.

    Raises:
        UnclearAnswers: an outcome is missing, or approve has the value of another.
    """
    if isinstance(answers, str):
        return _NAMED[answers]
    if any(word not in answers for word in OUTCOMES):
        raise UnclearAnswers
    found = {word: answers[word] for word in OUTCOMES}
    if found["approve"] in (found["reject"], found["timed_out"]):
        raise UnclearAnswers
    return found


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
        return replace(question, answers=spelled(said))
    except UnclearAnswers:
        return replace(question, problem=agent.BAD_ANSWERS)
