"""The ways outside of Slack that the policy in force allows a request: pure."""

from __future__ import annotations

from bot.approvals.eligibility import plan_of
from bot.approvals.model import Request
from bot.approvals.policy.model import Demanded, Policy


def why_no_links(request: Request, policy: Policy, *, signs_in: bool) -> str:
    """The word for why no signed link may decide a request, "" if one may.

    `signs_in`: people can sign in with Slack; else no link decides what is critical.

    Links are only as safe as the mailbox that they arrive in, so both policies have to
    allow them: the one that the request was raised under and the one in force. With any
    other version than that of the raising nobody can say what the old one allowed.
    """
    found = plan_of(policy, request.call, request.people)
    if not isinstance(found, Demanded) or not found.links:
        return "no_links"
    if found.critical and not signs_in:
        return "critical"
    return "" if request.policy_version == policy.version else "policy_changed"


def ways_to_tell(request: Request, policy: Policy) -> frozenset[str]:
    """Return how the open stage is told, beside the card: "email", "webhook".

    The policy in force says so, since this decides nothing.
    """
    stage = request.chain.open_stage
    return _ways(request, policy, {stage.approvers} if stage else set())


def tells_by_email(request: Request, policy: Policy) -> bool:
    """Return whether any stage of a request tells people by e-mail."""
    names = {stage.approvers for stage in request.chain.stages}
    return "email" in _ways(request, policy, names)


def _ways(request: Request, policy: Policy, stages: set[str]) -> frozenset[str]:
    found = plan_of(policy, request.call, request.people)
    if not isinstance(found, Demanded):
        return frozenset()
    told = [stage.notify for stage in found.stages if stage.approvers in stages]
    return frozenset(way for ways in told for way in ways)
