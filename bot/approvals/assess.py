"""Assess a call by the policy at the moment at which it is raised: pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, cast

from bot.approvals import digest, eligibility
from bot.approvals.eligibility import (
    PolicyContext,
    live_sources,
    people_now,
    plan_of,
    stages_of,
    with_targets,
)
from bot.approvals.model import (
    ALLOWED,
    REQUESTER,
    Askers,
    Confirm,
    Hours,
    Kind,
    Outcome,
    Risk,
    Stage,
    Status,
    Verdict,
)
from bot.approvals.policy import complaints
from bot.approvals.policy.match import names
from bot.approvals.policy.model import (
    CLAIM_WITHIN,
    THREAD,
    TIMEOUT,
    Demanded,
    Denied,
    Plan,
    Policy,
)
from bot.base.masks import hides

MARKS = "x-marks"  # the key of a schema under which the program marks a tool
MOST_CHARACTERS = 200_000  # of a call's arguments as JSON: more than people can read


@dataclass(frozen=True)
class ProposedCall:
    """One call of one interrupt, as a dialect has read it."""

    interrupt: str
    tool_call: str
    tool: str
    arguments: dict[str, Any]
    schema: dict[str, Any] = field(default_factory=dict[str, Any])
    position: int = 0
    note: str = ""
    kind: Kind = Kind.TOOL
    seen: Mapping[str, Any] | None = None  # what the call names at the moment
    takes: tuple[Verdict, ...] | None = None  # what the graph takes; None: anything
    waivable: bool = True
    guarded: bool = True  # whether the tool itself claims the grant
    headline: str = ""
    tool_title: str = ""
    form: dict[str, Any] | None = None
    graph_version: str = ""
    key: str = ""  # by which an agent outside knows its request again
    sent: str = ""  # the SHA-256 of all that such an agent has sent

    @cached_property
    def text(self) -> str:
        """Its arguments as they are stored. Raises `NotCanonical`."""
        return digest.storable(self.arguments)

    @cached_property
    def digest(self) -> str:
        """The call digest. Raises `NotCanonical`."""
        schema = digest.schema_digest(self.schema)
        return digest.call_digest(self.tool, schema, self.arguments)


@dataclass(frozen=True)
class Turn:
    """The conversation, and whose words led to the call."""

    conversation: str
    channel: str
    thread_ts: str
    people: Askers


@dataclass(frozen=True)
class Assessment:
    """The ruling on a call when it is raised."""

    status: Status
    rules: tuple[str, ...] = ()
    why: tuple[str, ...] = ()
    stages: tuple[Stage, ...] = ()
    timeout: timedelta = TIMEOUT
    outcome: Outcome = Outcome.NONE
    note: str = ""
    allow: tuple[Verdict, ...] = ALLOWED
    confirm: Confirm = Confirm.NONE
    confirm_argument: str = ""
    critical: bool = False
    hours: Hours | None = None
    title: str = ""
    risk: Risk = Risk.NORMAL
    asks_reason: bool = False
    claim_within: timedelta = CLAIM_WITHIN  # by an agent outside
    result_within: timedelta = CLAIM_WITHIN
    takes_standing: bool = False  # somebody may have approved it ahead
    is_readable: bool = True  # whether the arguments can be written down at all

    @property
    def channel(self) -> str:
        """The channel that the card is posted in: the first stage's."""
        return self.stages[0].channel if self.stages else THREAD


@dataclass(frozen=True)
class EarlierReject:
    """The same call as people have rejected it in this conversation, not long ago."""

    by: str  # a user id
    at: datetime


def sources_of(
    policy: Policy, asked: Iterable[ProposedCall], people: Askers
) -> set[str]:
    """The groups in Slack whose members have to be known before calls are raised."""
    plans = [_plan(policy, each, people) for each in asked]
    demanded = [plan for plan in plans if isinstance(plan, Demanded)]
    return live_sources([s for plan in demanded for s in plan.stages], policy)


def rule(
    asked: ProposedCall,
    turn: Turn,
    context: PolicyContext,
    before: Mapping[str, EarlierReject],
) -> Assessment:
    """Rule on a call.

    Args:
        context: `members` has all that `sources_of` names.
        before: calls that were rejected here within the last hour, by call digest.
    """
    found = _plan(context.policy, asked, turn.people)
    if isinstance(found, Assessment):
        return found
    if isinstance(found, Denied):
        return Assessment(
            Status.REJECTED,
            (found.rule,),
            (found.why,),
            outcome=Outcome.DENIED,
            note=found.why,
        )
    if not isinstance(found, Demanded):
        return Assessment(
            Status.APPROVED,
            (found.rule,),
            outcome=Outcome.WAIVED,
            claim_within=found.claim_within,
            result_within=found.result_within,
        )
    return _demanded(found, asked, turn, context, before)


def _plan(policy: Policy, asked: ProposedCall, people: Askers) -> Plan | Assessment:
    try:
        text = asked.text
    except digest.NotCanonical as error:
        return _unreadable(str(error))
    found = plan_of(policy, asked, people, waivable=asked.waivable)
    if isinstance(found, Demanded):
        if len(text) > MOST_CHARACTERS:
            return _unreadable(complaints.too_long(len(text), MOST_CHARACTERS))
        if hidden := _hidden(policy, asked):
            return _unreadable(complaints.hidden(hidden))
    return found


def _unreadable(why: str) -> Assessment:
    """Rejected, since nobody could see what they decide; the arguments are not kept."""
    return Assessment(
        Status.REJECTED, outcome=Outcome.DENIED, note=why, is_readable=False
    )


def _hidden(policy: Policy, asked: ProposedCall) -> str:
    """An argument by which rules decide and that people would see masked, or ""."""
    named = asked.kind is Kind.TOOL
    paths = (
        condition.argument
        for each in policy.rules
        if names(each.tools if named else each.interrupts, asked.tool)
        for condition in each.when
    )
    hidden = (path for path in paths if hides(asked.arguments, asked.schema, path))
    return next(hidden, "")


def _demanded(
    found: Demanded,
    asked: ProposedCall,
    turn: Turn,
    context: PolicyContext,
    before: Mapping[str, EarlierReject],
) -> Assessment:
    stages = tuple(_with_people(s, turn, context) for s in stages_of(found.stages))
    ruling = Assessment(
        Status.PENDING,
        found.rules,
        found.why,
        stages,
        found.timeout,
        allow=taken(found.allow, asked.takes),
        confirm=found.confirm,
        confirm_argument=found.confirm_argument,
        critical=found.critical,
        hours=found.hours,
        claim_within=found.claim_within,
        result_within=found.result_within,
        title=found.title,
        risk=risk_of(found.risk, asked.schema),
        asks_reason=found.asks_reason,
        takes_standing=found.standing is not None,
    )
    if asked.kind is Kind.TOOL and (known := before.get(asked.digest)):
        note = f"{known.by} {known.at.isoformat(timespec='seconds')}"
        return _rejected(ruling, Outcome.REPEATED, note)
    can = [replace(s, people=people_now(s, turn.people, context)) for s in stages]
    barred = eligibility.excluded(turn.people)
    if stuck := eligibility.unfillable_stage(can, barred, {}):
        return _rejected(ruling, Outcome.UNFILLABLE, stuck.approvers)
    return ruling


def risk_of(risk: Risk, schema: Mapping[str, Any]) -> Risk:
    """The policy's risk; high where the tool says of itself that it destroys.

    Whatever else a tool says lowers nothing.
    """
    marks: object = schema.get(MARKS)
    says = cast("dict[str, object]", marks) if isinstance(marks, dict) else {}
    return Risk.HIGH if says.get("destructive") is True else risk


def taken(
    allow: tuple[Verdict, ...], takes: tuple[Verdict, ...] | None
) -> tuple[Verdict, ...]:
    """Return the verdicts that the policy allows and the graph takes."""
    return tuple(verdict for verdict in allow if takes is None or verdict in takes)


def _with_people(stage: Stage, turn: Turn, context: PolicyContext) -> Stage:
    if stage.source == REQUESTER:
        own = (turn.people.requester.user,)
    else:
        own = context.members.get(stage.source, stage.people)
    return replace(stage, people=own, times=with_targets(stage.times, context))


def _rejected(ruling: Assessment, outcome: Outcome, note: str) -> Assessment:
    return replace(
        ruling,
        status=Status.REJECTED,
        outcome=outcome,
        note=note,
        takes_standing=False,
    )
