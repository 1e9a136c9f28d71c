"""Any other question of a graph: a value of any shape, with or without a form."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from langgraph.types import Interrupt

from bot.approvals.json_schemas import is_schema, misfit
from bot.approvals.model import NAMELESS, Kind, Verdict
from bot.approvals.policy.model import Answers
from bot.conversations.dialects.interface import (
    AskedCall,
    Decided,
    End,
    Fidelity,
    Question,
    Schemas,
    arguments_of,
    json_text,
    stopped,
    text_of,
    without_approval,
)
from bot.texts import graphs
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
        return graphs.NO_TEXT if decisions[0].value in (None, "") else ""
    return "" if question.answers else graphs.NO_ANSWERS


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
        return None, graphs.BAD_ANSWERS


# --- The values that it takes: words, booleans, or its own list -----------------------

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
    """Return the question with its answers; one without them cannot be approved."""
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
        problem = graphs.unknown_level(question.level, levels)
        return replace(question, problem=problem)
    if question.dialect != "raw" or question.answers is not None:
        return question
    said = default if rule is None else rule
    if said is None:
        return replace(question, problem=graphs.NO_ANSWERS)
    try:
        return answered_by(question, spelled(said))
    except UnclearAnswers:
        return replace(question, problem=graphs.BAD_ANSWERS)


# --- With a schema: a form of it ------------------------------------------------------


class Form:
    """A question with a `response_schema`: a form of it, checked before the resume."""

    @staticmethod
    def recognise(interrupt: Interrupt[Any]) -> bool:
        """Return whether it has a JSON schema that asks for something."""
        return is_schema(interrupt.response_schema)

    @staticmethod
    def describe(interrupt: Interrupt[Any], schemas: Schemas) -> Question:
        """Read the payload as a raw one, and from the schema what yes and no could be.

        Approve is there only where the schema has a value that means it.
        """
        question = describe(interrupt, schemas)
        schema = cast("dict[str, Any]", interrupt.response_schema)
        answers = _fitting(schema, question.answers)
        call = question.calls[0]
        if "approve" not in answers:
            allowed = tuple(v for v in ALLOWED if v is not Verdict.APPROVE)
            call = replace(call, allowed=allowed)
        return replace(question, calls=(call,), form=schema, answers=answers)

    @staticmethod
    def validate(question: Question, decisions: Sequence[Decided]) -> str:
        """Check what was filled in against the schema."""
        if decisions[0].end is not End.ANSWER:
            return ""
        found = misfit(question.form or {}, decisions[0].value)
        return graphs.unfit_answer(found) if found else ""

    @staticmethod
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
