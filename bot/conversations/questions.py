"""Between the dialects and the approvals: what is asked, and what is answered."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from langgraph.types import Interrupt

from agent.phrases.tool_calls import denied
from bot.approvals import digest
from bot.approvals.assess import ProposedCall
from bot.approvals.model import Kind, Outcome, Request, Status, Verdict
from bot.approvals.policy.match import answers_of
from bot.approvals.policy.model import Policy
from bot.conversations import dialects
from bot.conversations.dialects import raw
from bot.conversations.dialects.interface import AskedCall, Decided, End, Question
from bot.conversations.engine import ServedGraph
from bot.texts import agent, cards

#: How LangGraph writes the ids of questions that it can match an answer with.
ANSWERABLE = re.compile("[0-9a-f]{32}")


def read(interrupt: Interrupt[Any], served: ServedGraph, policy: Policy) -> Question:
    """Read an interrupt, with the answers and levels of the policy in force."""
    question = dialects.read(interrupt, served.schemas)
    if not ANSWERABLE.fullmatch(interrupt.id):
        return replace(question, problem=agent.TAKES_NO_ANSWER)
    rule = None
    if question.calls[0].kind is Kind.INTERRUPT:
        rule = answers_of(policy, question.calls[0].name)
    return raw.resolve(
        question,
        rule=rule,
        default=policy.interrupts.answers,
        levels=policy.interrupts.levels,
    )


def asked_of(question: Question, served: ServedGraph) -> list[ProposedCall]:
    """The calls of a question, one for each that people decide."""
    guarded = is_guarded(question, served)
    return [
        ProposedCall(
            interrupt=question.interrupt,
            tool_call=call.tool_call,
            tool=call.name,
            arguments=call.arguments,
            schema=dict(call.schema),
            position=position,
            note="" if guarded else call.note,  # our own gate has no reason to give
            kind=call.kind,
            takes=call.allowed,
            waivable=call.waivable
            and _takes(call, Verdict.APPROVE)
            and not served.is_unsettled(call.name),
            guarded=guarded,
            headline=call.headline,
            tool_title=_title(call, served),
            form=None if question.form is None else dict(question.form),
            graph_version=served.version,
            seen=question.raised.value.get("seen") if guarded else None,
        )
        for position, call in enumerate(question.calls)
    ]


def _title(call: AskedCall, served: ServedGraph) -> str:
    return served.titles.get(call.name, "") if call.kind is Kind.TOOL else ""


def is_guarded(question: Question, served: ServedGraph) -> bool:
    """Return whether it comes from our own gate, whose tool claims its grant itself.

    The gate gives no schema of decisions, and LangChain's middleware always does: a
    tool behind both is asked about twice, and claimed for each.
    """
    plain = question.dialect == "per_call" and question.raised.response_schema is None
    return plain and question.calls[0].name in served.guards


def _takes(call: AskedCall, verdict: Verdict) -> bool:
    return call.allowed is None or verdict in call.allowed


@dataclass(frozen=True)
class Answered:
    """A question all of whose calls are decided, and the value that says so.

    Attributes:
        value: what the graph is resumed with, a `Stop` or a `RunOn`.
        is_alone: whether LangGraph may refuse it, so that it goes by itself.
    """

    question: Question
    requests: Sequence[Request]
    value: Any
    is_alone: bool = False


def by_interrupt(requests: Iterable[Request]) -> dict[str, list[Request]]:
    """Requests by the question that they belong to, in call order."""
    found: dict[str, list[Request]] = {}
    for request in sorted(requests, key=lambda each: each.call.position):
        found.setdefault(request.interrupt, []).append(request)
    return found


def is_decided(question: Question, requests: Sequence[Request]) -> bool:
    """Return whether there is a verdict on each call of a question."""
    return [each.call.position for each in requests] == [*range(len(question.calls))]


def is_what_was_shown(question: Question, requests: Sequence[Request]) -> bool:
    """Return whether the graph still asks what people have decided on."""
    return all(
        call.name == request.call.tool
        and _same(call.arguments, request.call.first_arguments)
        for call, request in zip(question.calls, requests, strict=True)
    )


def answered(question: Question, requests: Sequence[Request]) -> Answered:
    """Give the value for a question.

    Raises:
        Unfit: the decisions do not fit it; the text says why.
    """
    decisions = [decided_of(request) for request in requests]
    value = dialects.answer(question, decisions)
    edits = any(decided.end is End.EDIT for decided in decisions)
    checked = question.raised.response_schema is not None
    alone = question.dialect == "form" or (edits and checked)
    return Answered(question, requests, value, alone)


def of_the_gate(request: Request) -> Question:
    """Return the question of our own gate, made anew from what is stored of it."""
    raised = Interrupt(
        {
            "type": "tool_approval",
            "tool_call_id": request.call.id,
            "name": request.call.tool,
            "args": request.call.first_arguments,
            "description": "",
        },
        id=request.interrupt,
    )
    return dialects.read(raised, {})


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return digest.canonical(one) == digest.canonical(other)


def decided_of(request: Request) -> Decided:
    """The decision that a request which is closed stands for."""
    call = request.call
    if request.status is Status.ANSWERED:
        value = call.answer_value if call.is_answered else request.answer
        return Decided(End.ANSWER, value=value)
    if request.status is Status.APPROVED and call.is_edited:
        return Decided(End.EDIT, arguments=call.arguments)
    if request.status is Status.APPROVED:
        return Decided(End.APPROVE)
    late = request.status is Status.TIMED_OUT
    return Decided(
        End.TIMED_OUT if late else End.REJECT, message=_reason_for_agent(request)
    )


def _reason_for_agent(request: Request) -> str:
    if request.status is Status.TIMED_OUT:
        return agent.TIMED_OUT_FOR_AGENT
    if request.status is Status.WITHDRAWN:
        return agent.WITHDRAWN_FOR_AGENT
    end = request.end
    if end.outcome is Outcome.DENIED:
        return denied(end.note.strip())
    if end.outcome is Outcome.REPEATED:
        return agent.REPEATED_FOR_AGENT
    if end.outcome is Outcome.UNFILLABLE:
        reason = cards.unfillable(end.note)
        return agent.rejected_for_agent(reason=reason)
    return agent.rejected_for_agent(reason=end.note)
