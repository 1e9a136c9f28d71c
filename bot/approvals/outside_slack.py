"""A request outside of Slack: one shape for programs, and the ways that are allowed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from functools import cache
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter, WithJsonSchema
from typing_extensions import TypedDict  # pydantic reads no other on Python 3.11

from bot.approvals.eligibility import plan_of, who_can_decide
from bot.approvals.judge import approvals
from bot.approvals.model import (
    Confirm,
    Execution,
    Kind,
    Outcome,
    Request,
    Risk,
    Status,
    Verdict,
)
from bot.approvals.policy.model import Demanded, Policy
from bot.base.masks import mask, mask_arguments, mask_strings


def one_of(words: Iterable[str]) -> WithJsonSchema:
    """Narrow a text to words in the schema."""
    return WithJsonSchema({"type": "string", "enum": [str(word) for word in words]})


def _written(at: dt.datetime) -> str:
    """RFC 3339 in UTC, which sorts as text does."""
    return at.astimezone(dt.UTC).isoformat(timespec="microseconds")[:-6] + "Z"


DateTime = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
Uuid = Annotated[str, Field(json_schema_extra={"format": "uuid"})]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Time = Annotated[DateTime, BeforeValidator(_written)]
_Count = Annotated[int, Field(ge=0)]
_Masked = Annotated[str, AfterValidator(mask)]


class StageJson(TypedDict):
    approvers: str
    people: list[str]
    quorum: Annotated[int, Field(ge=1)]
    approvals: _Count
    opened_at: _Time | None
    passed_at: _Time | None


class DecisionJson(TypedDict):
    user: str
    # a withdrawal closes a request without a decision
    verdict: Annotated[Verdict, one_of(each for each in Verdict if each != "withdraw")]
    stage: _Count
    at: _Time
    via: str
    reason: _Masked


class CommentJson(TypedDict):
    user: str
    text: _Masked
    at: _Time


class Approval(TypedDict):
    """A request, with what is decided and who can decide."""

    id: str
    code: str
    title: str
    team: str
    conversation: Uuid
    kind: Kind
    tool: str
    arguments: dict[str, Any]
    raised_arguments: dict[str, Any] | None
    edited_by: str
    answer: Any
    answer_schema: dict[str, Any] | None
    digest: Digest
    agent: str
    requester: str
    participants: list[str]
    note: _Masked
    rules: list[str]
    risk: Risk
    why: list[str]
    policy_version: str
    status: Status
    outcome: Outcome
    outcome_note: _Masked
    execution: Execution | None
    raised_at: _Time
    expires_at: _Time
    decided_at: _Time | None
    allow: list[Verdict]
    confirm: Confirm
    confirm_argument: str
    can_decide: list[str]
    stages: list[StageJson]
    decisions: list[DecisionJson]
    comments: list[CommentJson]


@cache
def _approval() -> TypeAdapter[Approval]:
    """Build it at the first use, since a start would wait for it."""
    return TypeAdapter(Approval)


def request_json(request: Request, title: str) -> Approval:
    """Return JSON values only, secrets masked as on the card.

    `title` is the headline as plain text.

    Who can decide is as good as the people of the stages are.
    """
    call, people, chain, end = request.call, request.people, request.chain, request.end
    raised = call.raised_arguments
    # no two parts have a name in common but `id` and `note`, as a test holds
    same = vars(call) | vars(people) | vars(request.terms) | vars(end) | vars(request)
    other = {
        "arguments": mask_arguments(call.arguments, call.schema),
        "raised_arguments": raised and mask_arguments(raised, call.schema),
        "answer": mask_strings(call.answer_value),
        "answer_schema": call.form,
        "digest": call.grant_digest,
        "requester": people.requester.user,
        "title": title,
        "note": call.note,
        "outcome_note": end.note,
        "expires_at": request.deadline,
        "allow": [verdict for verdict in Verdict if request.offers(verdict)],
        "can_decide": who_can_decide(request),
        "stages": [
            vars(stage) | {"approvals": approvals(request, index)}
            for index, stage in enumerate(chain.stages)
        ],
        "decisions": [
            vars(each) | {"user": each.person.user} for each in chain.decisions
        ],
        "comments": [vars(comment) for comment in chain.comments],
    }
    return _approval().validate_python(same | other)


# --- The ways that the policy in force allows a request: pure -------------------------


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
