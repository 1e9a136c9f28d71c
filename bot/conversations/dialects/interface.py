"""The functions of a dialect, the values they read and give, how values are written."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import hashlib
import json
import math
import pathlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from langgraph.types import Interrupt
from pydantic import BaseModel

from bot.approvals.model import Kind, Verdict
from bot.texts import call, conversation
from bot.texts.formatting import visible

Schemas = Mapping[str, Mapping[str, Any]]  # JSON schema of each known tool's arguments


class Fidelity(enum.IntEnum):
    """The fidelity of a value's JSON form, best first."""

    EXACT = 0  # the same value: it survives canonical JSON (RFC 8785)
    SHOWN = 1  # all of it, but some of it as text: a date, NaN, an integer over 2^53
    HIDDEN = 2  # something cannot be read from it: bytes, an object


class End(enum.StrEnum):
    """The end of the question about one call."""

    APPROVE = "approve"
    REJECT = "reject"
    TIMED_OUT = "timed_out"
    EDIT = "edit"
    ANSWER = "answer"


@dataclass(frozen=True)
class Decided:
    """The outcome of the question about one call.

    Attributes:
        message: a sentence for the agent, with `REJECT` and `TIMED_OUT`; where it is
            empty and the graph takes one, the bot's own is sent.
        arguments: all arguments of the call, with `EDIT`.
        value: with `ANSWER`, what a person answered: a text, or the values of a form.
    """

    end: End
    message: str = ""
    arguments: Mapping[str, Any] | None = None
    value: Any = None


@dataclass(frozen=True)
class AskedCall:
    """One call of a question, as the policy, the digest and the card take it.

    Attributes:
        name: what rules go by: `tools` for a tool's call, else `interrupts`.
        arguments: always storable JSON (`bot.approvals.digest.storable`).
        allowed: what the graph takes, None where it leaves that to the policy. Reject
            is always among them: where the graph takes none, the turn is stopped.
        schema: JSON schema of the arguments, {} if nobody knows it.
        note: what the graph or the agent says about it, unverified.
        tool_call: the id of the model's tool call, "" if there is none.
        headline: the argument whose text is the note, "" if the note is none of them.
        fidelity: how much of what was asked the arguments say. What is not exact in a
            tool's call, or hidden in any other question, nobody can approve.
        waivable: whether a rule with `approval: none` counts.
    """

    name: str
    arguments: dict[str, Any]
    allowed: tuple[Verdict, ...] | None = None
    schema: Mapping[str, Any] = field(default_factory=dict[str, Any])
    note: str = ""
    tool_call: str = ""
    kind: Kind = Kind.TOOL
    headline: str = ""
    fidelity: Fidelity = Fidelity.EXACT
    waivable: bool = True

    @property
    def rest(self) -> dict[str, Any]:
        """The arguments without the headline."""
        return {k: v for k, v in self.arguments.items() if k != self.headline}


@dataclass(frozen=True)
class Question:
    """One interrupt as it was read.

    Attributes:
        dialect: its name in `DIALECTS`.
        raised: the interrupt as LangGraph gave it.
        form: JSON schema of the answer, where a form asks for it.
        level: the word under `interrupts.levels` whose group decides too.
        answers: the values for `approve`, `reject` and `timed_out`, as far as they are
            known; of raw questions and forms only.
        problem: why it cannot be asked, a sentence; "" if it can.
    """

    raised: Interrupt[Any]
    calls: tuple[AskedCall, ...]
    form: Mapping[str, Any] | None = None
    level: str = ""
    answers: Mapping[str, Any] | None = None
    problem: str = ""
    dialect: str = ""

    @property
    def interrupt(self) -> str:
        """The interrupt's id, by which it is answered."""
        return self.raised.id


@dataclass(frozen=True)
class Stop:
    """Do not resume: end the turn with this sentence. Nothing that waited is run.

    For a graph that takes no answer that means no, and for static breakpoints.
    """

    why: str


@dataclass(frozen=True)
class RunOn:
    """Resume without a value, `ainvoke(None)`: for static breakpoints."""


class Unfit(ValueError):
    """The decisions do not fit their question; the text is a sentence for people."""


class Dialect(Protocol):
    """One shape of interrupts: a module of this package, or a class in one."""

    def recognise(self, interrupt: Interrupt[Any]) -> bool:
        """Return whether the interrupt is wholly in this shape; nearly is not."""
        ...

    def describe(self, interrupt: Interrupt[Any], schemas: Schemas) -> Question:
        """Read a recognised interrupt."""
        ...

    def validate(self, question: Question, decisions: Sequence[Decided]) -> str:
        """Say what the graph would not take, "" if it takes all.

        Verdicts, number of decisions, and edited arguments are checked before.
        """
        ...

    def answer(self, question: Question, decisions: Sequence[Decided]) -> Any:
        """Give the value to resume with, a `Stop` or a `RunOn`; all is validated."""
        ...


def without_approval(allowed: tuple[Verdict, ...] | None) -> tuple[Verdict, ...]:
    """Return the verdicts left if people cannot see all that an approval would run."""
    left = (Verdict.REJECT, Verdict.ANSWER)
    return left if allowed is None else tuple(v for v in allowed if v in left)


def stopped(decisions: Sequence[Decided]) -> Stop:
    """End the turn, since somebody said no or nobody said anything."""
    rejected = any(decided.end is End.REJECT for decided in decisions)
    return Stop(conversation.STOPPED if rejected else conversation.STOPPED_BY_TIME)


# --- Any Python value as JSON that people can read and a digest can bind --------------

MAX_INTEGER = 2**53 - 1  # beyond it two readers of JSON may see two numbers (RFC 8785)
MAX_DEPTH = 32
MAX_VALUES = 20_000  # of one payload: a structure that holds itself has no end
_AS_TEXT = (
    dt.date,
    dt.time,
    dt.timedelta,
    decimal.Decimal,
    uuid.UUID,
    pathlib.PurePath,
)


def written(value: object) -> tuple[Any, Fidelity]:
    """Write a value; what is no JSON stands as text in its place, never left out.

    Models, dataclasses and enums are written as what they hold: a strict checkpoint
    gives them back as that, and the same question must read the same then.
    """
    writer = _Writer()
    return writer.write(value, 0), writer.fidelity


def arguments_of(value: object) -> tuple[dict[str, Any], Fidelity]:
    """Write a value as arguments; what has no names gets the name `value`."""
    found, fidelity = written(value)
    if isinstance(found, dict):
        return cast("dict[str, Any]", found), fidelity
    return {"value": found}, fidelity


def text_of(value: object) -> str:
    """A text that can be stored; anything else is ""."""
    if not isinstance(value, str):
        return ""
    return str(value) if _is_storable(value) else visible(value)


def json_text(value: object) -> str:
    """A value on one line, for names and sentences."""
    return json.dumps(written(value)[0], ensure_ascii=False)


class _Writer:
    def __init__(self) -> None:
        self.fidelity = Fidelity.EXACT
        self._left = MAX_VALUES

    def write(self, value: object, depth: int) -> Any:
        self._left -= 1
        if depth > MAX_DEPTH or self._left < 0:
            return self._instead(Fidelity.HIDDEN, call.TOO_MUCH)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, enum.Enum):
            return self.write(value.value, depth + 1)
        if isinstance(value, str | int | float):
            return self._leaf(value)
        return self._structure(value, depth + 1)

    def _instead(self, fidelity: Fidelity, stand_in: Any) -> Any:
        self.fidelity = max(self.fidelity, fidelity)
        return stand_in

    def _leaf(self, value: str | int | float) -> Any:
        if isinstance(value, str):
            if _is_storable(value):
                return str(value)
            return self._instead(Fidelity.SHOWN, visible(value))
        if isinstance(value, float) and math.isnan(value):
            return self._instead(Fidelity.SHOWN, "NaN")
        if abs(value) > MAX_INTEGER:
            return self._instead(Fidelity.SHOWN, _digits(value))
        return float(value) if isinstance(value, float) else int(value)

    def _structure(self, value: object, depth: int) -> Any:
        if isinstance(value, Mapping):
            return self._mapping(cast("Mapping[object, object]", value), depth)
        if isinstance(value, list | tuple):
            items = cast("list[object]", value)
            return [self.write(item, depth) for item in items]
        if isinstance(value, set | frozenset):
            return self._set(cast("set[object]", value), depth)
        return self._other(value, depth)

    def _mapping(self, value: Mapping[object, object], depth: int) -> Any:
        if all(isinstance(key, str) and _is_storable(key) for key in value):
            return {str(key): self.write(item, depth) for key, item in value.items()}
        # as pairs, since two keys could be written alike
        pairs = [[self.write(k, depth), self.write(v, depth)] for k, v in value.items()]
        return self._instead(Fidelity.SHOWN, pairs)

    def _set(self, value: set[object], depth: int) -> Any:
        items = [self.write(item, depth) for item in value]
        # in an order of its own, so that the same set has the same digest
        return self._instead(Fidelity.SHOWN, sorted(items, key=json.dumps))

    def _other(self, value: object, depth: int) -> Any:
        if isinstance(value, bytes | bytearray):
            return self._instead(Fidelity.HIDDEN, _bytes(value))
        if isinstance(value, _AS_TEXT):
            return self._instead(Fidelity.SHOWN, str(value))
        if isinstance(value, BaseModel):
            return self.write(dict(value), depth)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            names = [field.name for field in dataclasses.fields(value)]
            fields = {name: getattr(value, name, None) for name in names}
            return self.write(fields, depth)
        # its repr may hold an address in memory, or a secret
        name = visible(type(value).__name__)
        return self._instead(Fidelity.HIDDEN, call.of_type(name))


def _is_storable(text: str) -> bool:
    # PostgreSQL stores no NUL, and UTF-8 no half of a character
    return "\0" not in text and not any("\ud800" <= c <= "\udfff" for c in text)


def _digits(value: int | float) -> str:
    # an integer of thousands of digits raises in str()
    if isinstance(value, int) and value.bit_length() > 1_000:
        return hex(value)
    return str(value)


def _bytes(value: bytes | bytearray) -> str:
    return call.bytes_of(len(value), hashlib.sha256(value).hexdigest())
