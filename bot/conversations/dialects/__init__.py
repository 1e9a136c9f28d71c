"""The dialects of interrupts: each reads and answers one kind of payload."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from langgraph.types import Interrupt

from bot.approvals.digest import NotCanonical, storable
from bot.approvals.json_schemas import misfit
from bot.approvals.model import Verdict
from bot.conversations.dialects import agent_inbox, raw, static_breakpoint
from bot.conversations.dialects.interface import (
    AskedCall,
    Decided,
    Dialect,
    End,
    Question,
    Schemas,
    Unfit,
)
from bot.conversations.dialects.langchain import Batched, PerCall
from bot.conversations.dialects.raw import Form
from bot.texts import graphs

#: In the order in which they are asked. The exact shapes come first: a per-call
#: approval has a `response_schema` too and is no form. `raw` takes all that is left,
#: and so what is nearly one of the others.
DIALECTS: Mapping[str, Dialect] = {
    "static_breakpoint": static_breakpoint,
    "per_call": PerCall(),
    "batched": Batched(),
    "agent_inbox": agent_inbox,
    "form": Form(),
    "raw": raw,
}
_VERDICTS = {
    End.APPROVE: Verdict.APPROVE,
    End.EDIT: Verdict.EDIT,
    End.ANSWER: Verdict.ANSWER,
}


def read(interrupt: Interrupt[Any], schemas: Schemas) -> Question:
    """Read an interrupt in the first dialect that recognises it."""
    found = (name for name, d in DIALECTS.items() if d.recognise(interrupt))
    name = next(found)
    return replace(DIALECTS[name].describe(interrupt, schemas), dialect=name)


def validate(question: Question, decisions: Sequence[Decided]) -> str:
    """Say in one sentence why these decisions must not reach the graph, "" if they may.

    Args:
        decisions: one for each call, in their order.
    """
    if question.problem:
        return question.problem
    if len(decisions) != len(question.calls):
        return graphs.wrong_number(len(decisions), len(question.calls))
    pairs = zip(question.calls, decisions, strict=True)
    if found := next((s for call, d in pairs if (s := _complaint(call, d))), ""):
        return found
    return DIALECTS[question.dialect].validate(question, decisions)


def answer(question: Question, decisions: Sequence[Decided]) -> Any:
    """Give the value that the graph is resumed with, a `Stop` or a `RunOn`.

    Raises:
        Unfit: `validate` says why.
    """
    if complaint := validate(question, decisions):
        raise Unfit(complaint)
    return DIALECTS[question.dialect].answer(question, decisions)


def _complaint(call: AskedCall, decided: Decided) -> str:
    verdict = _VERDICTS.get(decided.end)
    if verdict and call.allowed is not None and verdict not in call.allowed:
        return graphs.not_allowed(verdict)
    return _edit_complaint(call, decided) if decided.end is End.EDIT else ""


def _edit_complaint(call: AskedCall, decided: Decided) -> str:
    if decided.arguments is None:
        return graphs.NO_ARGUMENTS
    arguments = dict(decided.arguments)
    try:
        storable(arguments)
    except NotCanonical as error:
        return graphs.unfit_arguments(str(error))
    found = misfit(call.schema, arguments)
    return graphs.unfit_arguments(found) if found else ""
