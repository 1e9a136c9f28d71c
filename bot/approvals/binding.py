"""What the people of a request approve, as one digest made anew from what is stored."""

from __future__ import annotations

from bot.approvals import digest
from bot.approvals.model import Request


def call_digest_of(request: Request) -> str:
    """The call digest of what people were shown."""
    return digest.call_digest(request.tool, request.schema_digest, request.arguments)


def grant_digest_of(request: Request) -> str:
    """The grant digest: the call in its place, and the answer where one is given."""
    call, person = call_digest_of(request), request.requester
    if request.is_answered:
        call = digest.answer_digest(call, request.answer_value)
    return digest.grant_digest(
        call,
        conversation=request.conversation,
        interrupt=request.interrupt,
        tool_call=request.tool_call,
        requester=(person.enterprise, person.team, person.user),
        policy_version=request.policy_version,
    )
