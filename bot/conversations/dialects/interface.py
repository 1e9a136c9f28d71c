"""The values that dialects read and give, and the four functions of each."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from langgraph.types import Interrupt

from bot.approvals.model import Kind, Verdict
from bot.texts import agent

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
    """One shape of interrupts: a file of this room, or a class in one."""

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
    return Stop(agent.STOPPED if rejected else agent.STOPPED_BY_TIME)
