"""The people who may decide a request now, by its chain and the policy, or see it."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from bot.approvals.model import (
    REQUESTER,
    USERS,
    Askers,
    Confirm,
    Decision,
    Kind,
    Person,
    Request,
    Risk,
    Stage,
    Status,
    Target,
    Times,
    Verdict,
)
from bot.approvals.policy.match import ChainDemand, plan, plan_interrupt, stricter
from bot.approvals.policy.model import (
    Demanded,
    Denied,
    Plan,
    Policy,
    StageDemand,
    is_in_force,
    standing_in,
)


class Refusal(enum.StrEnum):
    """The reason why a person may not decide the open stage."""

    OTHER_TEAM = "other_team"
    REQUESTER = "requester"
    PARTICIPANT = "participant"
    ALREADY_DECIDED = "already_decided"
    NOT_IN_GROUP = "not_in_group"


def who_can_decide(request: Request) -> tuple[str, ...]:
    """List the user ids who can decide the open stage, in the policy's order.

    Empty when no stage is open. As good as the people of the stage are;
    `with_current_people` brings them up to date.
    """
    stage = request.chain.open_stage
    if not request.is_open or stage is None:
        return ()
    barred = _deciders(request)
    if stage.source != REQUESTER:
        barred |= excluded(request.people)
    return tuple(user for user in stage.people if user not in barred)


def refusal(request: Request, person: Person) -> Refusal | None:
    """Say why this person may not decide the open stage now; None: they may.

    Looks at the policy's people alone: whether the request is still open, and whether
    Slack still knows the person, are questions of their own.
    """
    # A team belongs to one enterprise, and not every payload names the enterprise.
    if person.team != request.team:
        return Refusal.OTHER_TEAM
    stage = request.chain.open_stage
    if stage is None or stage.source != REQUESTER:
        if person.user == request.people.requester.user:
            return Refusal.REQUESTER
        if person.user in request.people.participants:
            return Refusal.PARTICIPANT
    if person.user in _deciders(request):
        return Refusal.ALREADY_DECIDED
    if stage is None or person.user not in stage.people:
        return Refusal.NOT_IN_GROUP
    return None


def unfillable_stage(
    stages: Sequence[Stage],
    excluded: Collection[str],
    decided: Mapping[int, Collection[str]],
) -> Stage | None:
    """Name the stage that those who remain cannot fill, or None.

    `excluded` never decide, but for a stage of the requester's own; `decided` holds, by
    the stage's index, who already has.
    A person decides at most one stage, so stages that could each be filled alone may
    still fail together: then the latest one that stays short is named.
    """
    deciders = {user for users in decided.values() for user in users}
    needs = {
        index: max(0, stage.quorum - len(set(decided.get(index, ()))))
        for index, stage in enumerate(stages)
        if stage.passed_at is None
    }
    people = {index: _remaining(stages[index], deciders, excluded) for index in needs}
    for index, need in needs.items():
        if len(people[index]) < need:
            return stages[index]
    short = _short_stage(needs, people)
    return None if short is None else stages[short]


def _remaining(
    stage: Stage, deciders: Collection[str], excluded: Collection[str]
) -> list[str]:
    own = stage.source == REQUESTER
    barred = {*deciders, *(() if own else excluded)}
    return [user for user in dict.fromkeys(stage.people) if user not in barred]


def _short_stage(
    needs: Mapping[int, int], people: Mapping[int, Sequence[str]]
) -> int | None:
    """Seat people by Kuhn's algorithm; give the last stage that stays short."""
    seated: dict[str, int] = {}
    short = None
    for stage, need in needs.items():
        if not all(_seat(stage, people, seated, {stage}) for _ in range(need)):
            short = stage
    return short


def _seat(
    stage: int,
    people: Mapping[int, Sequence[str]],
    seated: dict[str, int],
    tried: set[int],
) -> bool:
    """Seat one more person at the stage, moving others to their other stages."""
    for person in people[stage]:
        holder = seated.get(person)
        if holder in tried:
            continue
        if holder is not None:
            tried.add(holder)
            if not _seat(holder, people, seated, tried):
                continue
        seated[person] = stage
        return True
    return False


def excluded(askers: Askers) -> set[str]:
    """Return the people who asked or wrote in the turn: none of them decides."""
    return {askers.requester.user, *askers.participants}


def _deciders(request: Request) -> set[str]:
    return {decision.person.user for decision in request.chain.decisions}


@dataclass(frozen=True)
class PolicyContext:
    """The world at a moment: policy, members of live groups by source, clock."""

    policy: Policy
    now: dt.datetime
    members: Mapping[str, tuple[str, ...]]


def live_sources(stages: Iterable[Stage | StageDemand], policy: Policy) -> set[str]:
    """The groups in Slack that have to be looked up to know who may decide.

    Of a stage that is only demanded, those who may come to join it are among them.
    """
    found: set[str] = set()
    for target in (target for stage in stages for target in _targets(stage)):
        group = policy.groups.get(target.group)
        found |= {target.source, group.source if group else USERS}
    return found - {USERS, REQUESTER}


def _targets(stage: Stage | StageDemand) -> tuple[Target, ...]:
    own = Target(stage.approvers, stage.people, stage.source)
    if isinstance(stage, Stage):
        return (own, *stage.joined)
    escalation = stage.times.escalation
    return (own, *(escalation.to if escalation else ()))


def with_current_people(request: Request, context: PolicyContext) -> Request:
    """The request with, for each stage to be decided, the people who may do so now."""
    stages = tuple(
        replace(stage, people=people_now(stage, request.people, context))
        if stage.passed_at is None
        else stage
        for stage in request.chain.stages
    )
    if stages == request.chain.stages:
        return request
    return replace(request, chain=replace(request.chain, stages=stages))


def with_members(request: Request, context: PolicyContext) -> Request:
    """The request as it is stored: its live groups as Slack has them now.

    Unlike `with_current_people`, which leaves people out and lets others stand in for
    them: that is asked anew each time; stored, it would outlive a delegation.
    """
    stages = tuple(
        replace(
            stage,
            people=context.members.get(stage.source, stage.people),
            times=with_targets(stage.times, context),
        )
        if stage.passed_at is None
        else stage
        for stage in request.chain.stages
    )
    return replace(request, chain=replace(request.chain, stages=stages))


def with_targets(times: Times, context: PolicyContext) -> Times:
    """An escalation with the people of its groups."""
    escalation = times.escalation
    if escalation is None:
        return times
    targets = tuple(
        replace(each, people=context.members.get(each.source, each.people))
        for each in escalation.to
    )
    return replace(times, escalation=replace(escalation, to=targets))


def people_now(stage: Stage, askers: Askers, context: PolicyContext) -> tuple[str, ...]:
    """Return who may decide a stage, delegates included, even if they already have."""
    return _may_now(_targets(stage), askers, context)


def joined_now(stage: Stage, askers: Askers, context: PolicyContext) -> tuple[str, ...]:
    """Return those of a stage's people whom an escalation has brought in."""
    return _may_now(stage.joined, askers, context)


def _may_now(
    targets: Iterable[Target], askers: Askers, context: PolicyContext
) -> tuple[str, ...]:
    barred = excluded(askers)
    may: list[str] = []
    for target in targets:
        if target.source == REQUESTER:
            # an agent outside names its requester itself: that confirms nothing
            may += [] if askers.agent else [askers.requester.user]
        else:
            may += [u for u in _people_of(target, context, barred) if u not in barred]
    return tuple(dict.fromkeys(may))


def _people_of(
    target: Target, context: PolicyContext, barred: Collection[str]
) -> list[str]:
    """A group's own people and who stands in for them; nobody does for the barred."""
    group = context.policy.groups.get(target.group)
    if group is None:
        return []
    before = _members(target.source, target.people, target, context)
    now = set(_members(group.source, group.users, target, context))
    own = [user for user in before if user in now and user not in barred]
    deputies = standing_in(context.policy, target.group, context.now)
    return [*own, *(deputy for user in own for deputy in deputies.get(user, ()))]


def stands_for(stage: Stage, askers: Askers, context: PolicyContext) -> dict[str, str]:
    """Name for whom each delegate of a stage decides; nobody who may for themselves."""
    barred = excluded(askers)
    own: set[str] = set()
    found: dict[str, str] = {}
    for target in _targets(stage):
        people = _people_of(target, context, barred)
        deputies = standing_in(context.policy, target.group, context.now)
        named = {d: user for user in people for d in deputies.get(user, ())}
        own |= {*target.people} | {*context.members.get(target.source, ())}
        found = {**named, **found}
    return {deputy: user for deputy, user in found.items() if deputy not in own}


def _members(
    source: str, listed: tuple[str, ...], target: Target, context: PolicyContext
) -> tuple[str, ...]:
    # What nobody has looked up counts as it was; a click looks all of it up before.
    return listed if source == USERS else context.members.get(source, target.people)


def holds(decision: Decision, request: Request, context: PolicyContext) -> bool:
    """Return whether the person who decided a stage could still do so."""
    if not 0 <= decision.stage < len(request.chain.stages):
        return True
    stage = request.chain.stages[decision.stage]
    return decision.person.user in people_now(stage, request.people, context)


def with_current_policy(request: Request, policy: Policy) -> Request | Denied:
    """Add the demands of the policy in force to a request; take nothing away.

    Returns the same object where nothing is added.
    """
    found = plan_of(policy, request.call, request.people)
    if isinstance(found, Denied):
        return found
    if not isinstance(found, Demanded):
        return request
    have = chain_of(request)
    chain = stricter(have, found)
    if chain is have:
        return request
    tight = _with_chain(request, chain)
    return request if tight == request else tight


def is_critical(request: Request, policy: Policy) -> bool:
    """Return whether the policy in force has the trail signed at each decision."""
    found = plan_of(policy, request.call, request.people)
    return isinstance(found, Demanded) and found.critical


def needs_own_click(request: Request, policy: Policy) -> bool:
    """Return whether one click must not approve a request together with others.

    It is asked of the policy in force too, which may be stricter than the request.
    """
    found = plan_of(policy, request.call, request.people)
    if isinstance(found, Demanded):
        risky = found.risk is Risk.HIGH or found.confirm is not Confirm.NONE
        return request.terms.needs_own_click or risky or found.critical
    return request.terms.needs_own_click or isinstance(found, Denied)


class CallParts(Protocol):
    """A call, as far as the policy looks at it."""

    @property
    def kind(self) -> Kind: ...
    @property
    def tool(self) -> str: ...
    @property
    def arguments(self) -> dict[str, Any]: ...


def plan_of(
    policy: Policy, call: CallParts, askers: Askers, *, waivable: bool = True
) -> Plan:
    """Return the policy's plan for a call, or for a question of the graph's own."""
    if call.kind is Kind.INTERRUPT:
        return plan_interrupt(policy, call.tool, call.arguments)
    return plan(
        policy, call.tool, call.arguments, waivable=waivable, agent=askers.agent
    )


def chain_of(request: Request) -> ChainDemand:
    """The request's chain in the policy's terms."""
    stages = tuple(
        StageDemand(s.approvers, s.quorum, s.people, s.source, s.channel, s.times)
        for s in request.chain.stages
    )
    terms = request.terms
    return ChainDemand(stages, terms.allow, terms.confirm, terms.confirm_argument)


def stages_of(demands: Iterable[StageDemand]) -> tuple[Stage, ...]:
    """A chain as it begins: nothing is decided."""
    return tuple(
        Stage(
            s.approvers,
            s.people,
            s.quorum,
            source=s.source,
            channel=s.channel,
            times=s.times,
        )
        for s in demands
    )


def _with_chain(request: Request, chain: ChainDemand) -> Request:
    old = request.chain.stages
    new = stages_of(chain.stages[len(old) :])
    kept = tuple(
        _raised(request, index, stage, chain.stages[index])
        for index, stage in enumerate(old)
    )
    terms = replace(
        request.terms,
        allow=chain.allow,
        confirm=chain.confirm,
        confirm_argument=chain.confirm_argument,
    )
    stages = (*kept, *new)
    return replace(request, terms=terms, chain=replace(request.chain, stages=stages))


def _raised(request: Request, index: int, stage: Stage, demand: StageDemand) -> Stage:
    """A stage with what is asked of it now; one that stays passed was in time."""
    given = sum(decision.stage == index for decision in request.chain.decisions)
    if stage.passed_at and given >= demand.quorum:
        return replace(stage, quorum=demand.quorum)
    return replace(stage, quorum=demand.quorum, times=demand.times, passed_at=None)


def closed_by(request: Request) -> str:
    """The id of the person who gave the verdict, "" where no person in Slack did."""
    if request.status is Status.WITHDRAWN:
        return request.people.requester.user
    ending = _ENDINGS.get(request.status, ())
    last = request.chain.decisions[-1] if request.chain.decisions else None
    return last.person.user if last and last.verdict in ending else ""


_ENDINGS = {
    Status.APPROVED: (Verdict.APPROVE, Verdict.EDIT),
    Status.REJECTED: (Verdict.REJECT,),
    Status.ANSWERED: (Verdict.ANSWER,),
}


# --- The people who may see it --------------------------------------------------------
def can_see(person: Person, request: Request, policy: Policy, now: dt.datetime) -> bool:
    """Return whether a request is this person's business, by its row and the policy."""
    if person.team != request.team:
        return False
    chain = request.chain
    own = {request.people.requester.user, *request.people.participants}
    own |= {decision.person.user for decision in (*chain.decisions, *chain.voided)}
    if person.user in own:
        return True
    return any(
        person.user in stage.people
        or _stands_in(person, stage.approvers, stage.people, policy, now)
        for stage in chain.stages
    )


def _stands_in(
    person: Person,
    group: str,
    people: tuple[str, ...],
    policy: Policy,
    now: dt.datetime,
) -> bool:
    deputies = standing_in(policy, group, now)
    return any(person.user in deputies.get(user, ()) for user in people)


def represents(person: Person, policy: Policy, now: dt.datetime) -> list[str]:
    """A person, and those for whom they stand in now; user ids."""
    principals = [
        each.principal
        for each in policy.delegations
        if each.delegate == person.user and is_in_force(policy, each, now)
    ]
    return [person.user, *principals]
