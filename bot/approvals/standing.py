"""Who may decide now: the request's own chain, and the policy in force beside it.

A group counts as both have it: people whom the policy has dropped since the request
rose may not decide, and neither may people whom a static group has gained. Groups that
live in Slack are as Slack has them now.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from bot.approvals.eligibility import Origin, excluded
from bot.approvals.model import (
    REQUESTER,
    USERS,
    Decision,
    Kind,
    Request,
    Stage,
    Target,
    Times,
)
from bot.approvals.policy.delegation import standing_in
from bot.approvals.policy.match import plan, plan_interrupt
from bot.approvals.policy.model import Demanded, Denied, Plan, Policy, StageDemand
from bot.approvals.policy.stricter import Chain, stricter


@dataclass(frozen=True)
class Standing:
    """The world at a moment: policy, members of live groups by source, clock."""

    policy: Policy
    now: dt.datetime
    members: Mapping[str, tuple[str, ...]]


def live_sources(stages: Iterable[Stage | StageDemand], policy: Policy) -> set[str]:
    """The groups in Slack that have to be looked up to know who may decide.

    Of a stage that is only demanded, whoever may come to join it is among them.
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


def refreshed(request: Request, standing: Standing) -> Request:
    """The request with, for each stage to be decided, the people who may do so now."""
    stages = tuple(
        replace(stage, people=people_now(stage, request, standing))
        if stage.passed_at is None
        else stage
        for stage in request.stages
    )
    return replace(request, stages=stages)


def with_members(request: Request, standing: Standing) -> Request:
    """The request as it is stored: its live groups as Slack has them now.

    Unlike `refreshed`, which leaves people out and lets others stand in for them: that
    is asked anew each time, and would outlive a delegation if it were stored.
    """
    stages = tuple(
        replace(
            stage,
            people=standing.members.get(stage.source, stage.people),
            times=with_targets(stage.times, standing),
        )
        if stage.passed_at is None
        else stage
        for stage in request.stages
    )
    return replace(request, stages=stages)


def with_targets(times: Times, standing: Standing) -> Times:
    """An escalation with the people of its groups."""
    escalation = times.escalation
    if escalation is None:
        return times
    targets = tuple(
        replace(each, people=standing.members.get(each.source, each.people))
        for each in escalation.to
    )
    return replace(times, escalation=replace(escalation, to=targets))


def people_now(stage: Stage, origin: Origin, standing: Standing) -> tuple[str, ...]:
    """Who may decide a stage, delegates among them, whoever has decided already."""
    return _may_now(_targets(stage), origin, standing)


def joined_now(stage: Stage, origin: Origin, standing: Standing) -> tuple[str, ...]:
    """Those of them whom an escalation has brought in."""
    return _may_now(stage.joined, origin, standing)


def _may_now(
    targets: Iterable[Target], origin: Origin, standing: Standing
) -> tuple[str, ...]:
    barred = excluded(origin)
    may: list[str] = []
    for target in targets:
        if target.source == REQUESTER:
            may.append(origin.requester.user)
        else:
            may += [u for u in _people_of(target, standing, barred) if u not in barred]
    return tuple(dict.fromkeys(may))


def _people_of(
    target: Target, standing: Standing, barred: Collection[str]
) -> list[str]:
    """A group's own people and who stands in for them; nobody does for the barred."""
    group = standing.policy.groups.get(target.group)
    if group is None:
        return []
    before = _members(target.source, target.people, target, standing)
    now = set(_members(group.source, group.users, target, standing))
    own = [user for user in before if user in now and user not in barred]
    deputies = standing_in(standing.policy, target.group, standing.now)
    return [*own, *(deputy for user in own for deputy in deputies.get(user, ()))]


def _members(
    source: str, listed: tuple[str, ...], target: Target, standing: Standing
) -> tuple[str, ...]:
    # What nobody has looked up counts as it was; a click looks all of it up before.
    return listed if source == USERS else standing.members.get(source, target.people)


def holds(decision: Decision, request: Request, standing: Standing) -> bool:
    """Whether who decided a stage might do so still."""
    if not 0 <= decision.stage < len(request.stages):
        return True
    stage = request.stages[decision.stage]
    return decision.person.user in people_now(stage, request, standing)


def tightened(request: Request, policy: Policy) -> Request | Denied:
    """What the policy in force adds to a request; a looser one takes nothing away.

    Returns the same object where nothing is added.
    """
    found = plan_of(policy, request.kind, request.tool, request.arguments)
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
    """Whether the policy in force wants the trail signed at each decision on it."""
    found = plan_of(policy, request.kind, request.tool, request.arguments)
    return isinstance(found, Demanded) and found.critical


def plan_of(
    policy: Policy,
    kind: Kind,
    name: str,
    arguments: Mapping[str, object],
    *,
    waivable: bool = True,
) -> Plan:
    """What the policy asks of a call, or of a question of the graph's own."""
    if kind is Kind.INTERRUPT:
        return plan_interrupt(policy, name, arguments)
    return plan(policy, name, arguments, waivable=waivable)


def chain_of(request: Request) -> Chain:
    """The request's chain in the policy's terms."""
    stages = tuple(
        StageDemand(s.approvers, s.quorum, s.people, s.source, s.channel, s.times)
        for s in request.stages
    )
    return Chain(stages, request.allow, request.confirm, request.confirm_argument)


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


def _with_chain(request: Request, chain: Chain) -> Request:
    old = request.stages
    new = stages_of(chain.stages[len(old) :])
    kept = tuple(
        _raised(request, index, stage, chain.stages[index])
        for index, stage in enumerate(old)
    )
    return replace(
        request,
        stages=(*kept, *new),
        allow=chain.allow,
        confirm=chain.confirm,
        confirm_argument=chain.confirm_argument,
    )


def _raised(request: Request, index: int, stage: Stage, demand: StageDemand) -> Stage:
    """A stage with what is asked of it now; one that stays passed was in time."""
    given = sum(decision.stage == index for decision in request.decisions)
    if stage.passed_at and given >= demand.quorum:
        return replace(stage, quorum=demand.quorum)
    return replace(stage, quorum=demand.quorum, times=demand.times, passed_at=None)
