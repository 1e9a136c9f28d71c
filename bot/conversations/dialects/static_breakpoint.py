"""A static breakpoint: `interrupt_before` and `interrupt_after` of a compiled graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from langgraph.types import Interrupt

from bot.approvals.model import Kind, Verdict
from bot.conversations.dialects.interface import (
    AskedCall,
    Decided,
    End,
    Question,
    RunOn,
    Schemas,
    stopped,
)
from bot.texts.formatting import is_identifier

NAMELESS = "breakpoint"


@dataclass(frozen=True)
class Breakpoint:
    """The point where a graph has stopped: the nodes that come next."""

    nodes: tuple[str, ...]


def raised(nodes: Sequence[str], key: str) -> Interrupt[Any]:
    """Make an interrupt of a breakpoint.

    Args:
        nodes: `StateSnapshot.next`.
        key: what tells this stop from all others of the thread: the checkpoint's id.
    """
    return Interrupt(Breakpoint(tuple(nodes)), id=key)


def recognise(interrupt: Interrupt[Any]) -> bool:
    """Return whether it was made here; no graph can raise one that looks like it."""
    return isinstance(interrupt.value, Breakpoint)


def describe(interrupt: Interrupt[Any], schemas: Schemas) -> Question:
    """Name the next node; rules know it by that, several by `breakpoint`."""
    nodes: tuple[str, ...] = interrupt.value.nodes
    named = len(nodes) == 1 and is_identifier(nodes[0])
    call = AskedCall(
        name=nodes[0] if named else NAMELESS,
        arguments={"next": list(nodes)},
        allowed=(Verdict.APPROVE, Verdict.REJECT),
        kind=Kind.INTERRUPT,
        waivable=False,
    )
    return Question(interrupt, (call,))


def validate(question: Question, decisions: Sequence[Decided]) -> str:
    """Nothing is handed to the graph, so all fits."""
    return ""


def answer(question: Question, decisions: Sequence[Decided]) -> Any:
    """Run on, or stop the turn."""
    return RunOn() if decisions[0].end is End.APPROVE else stopped(decisions)
