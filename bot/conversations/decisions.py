"""What became of a request, in the words of the dialects."""

from __future__ import annotations

from bot.approvals.model import Outcome, Request, Status
from bot.conversations.dialects.interface import Decided, End
from bot.slack import sentences


def decided_of(request: Request) -> Decided:
    """The decision that a request which is closed stands for."""
    if request.status is Status.ANSWERED:
        value = request.answer_value if request.is_answered else request.answer
        return Decided(End.ANSWER, value=value)
    if request.status is Status.APPROVED and request.is_edited:
        return Decided(End.EDIT, arguments=request.arguments)
    if request.status is Status.APPROVED:
        return Decided(End.APPROVE)
    late = request.status is Status.TIMED_OUT
    return Decided(End.TIMED_OUT if late else End.REJECT, message=_message(request))


def _message(request: Request) -> str:
    if request.status is Status.TIMED_OUT:
        return sentences.TIMED_OUT_FOR_AGENT
    if request.status is Status.WITHDRAWN:
        return sentences.WITHDRAWN_FOR_AGENT
    if request.outcome is Outcome.DENIED:
        return sentences.denied_for_agent(request.outcome_note)
    if request.outcome is Outcome.REPEATED:
        by, _, at = request.outcome_note.partition(" ")
        return sentences.repeated_for_agent(by, at)
    if request.outcome is Outcome.UNFILLABLE:
        reason = sentences.unfillable(request.outcome_note)
        return sentences.rejected_for_agent(reason=reason)
    return sentences.rejected_for_agent(reason=request.outcome_note)
