"""Who may decide now: the request's own chain, and the policy in force beside it.

A group counts as both have it: people whom the policy has dropped since the request
rose may not decide, and neither may people whom a static group has gained. Groups that
live in Slack are as Slack has them now.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from bot.approvals.eligibility import Origin, excluded
from bot.approvals.model import REQUESTER, USERS, Decision, Kind, Request, Stage
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
    """The groups in Slack that have to be looked up to know who may decide."""
    found: set[str] = set()
    for stage in stages:
        group = policy.groups.get(stage.approvers)
        found |= {stage.source, group.source if group else USERS}
    return found - {USERS, REQUESTER}


def refreshed(request: Request, standing: Standing) -> Request:
    """The request with, for each stage to be decided, the people who may do so now."""
    stages = tuple(
        replace(stage, people=people_now(stage, request, standing))
        if stage.passed_at is None
        else stage
        for stage in request.stages
    )
    return replace(request, stages=stages)


def people_now(stage: Stage, origin: Origin, standing: Standing) -> tuple[str, ...]:
    """Who may decide a stage, delegates among them, whoever has decided already."""
    if stage.source == REQUESTER:
        return (origin.requester.user,)
    group = standing.policy.groups.get(stage.approvers)
    if group is None:
        return ()
    barred = excluded(origin)
    before = _members(stage.source, stage.people, stage, standing)
    now = set(_members(group.source, group.users, stage, standing))
    own = [user for user in before if user in now and user not in barred]
    deputies = standing_in(standing.policy, stage.approvers, standing.now)
    others = [deputy for user in own for deputy in deputies.get(user, ())]
    return tuple(dict.fromkeys(u for u in [*own, *others] if u not in barred))


def _members(
    source: str, listed: tuple[str, ...], stage: Stage, standing: Standing
) -> tuple[str, ...]:
    # What nobody has looked up counts as it was; a click looks all of it up before.
    return listed if source == USERS else standing.members.get(source, stage.people)


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
    return request if chain is have else _with_chain(request, chain)


def is_critical(request: Request, policy: Policy) -> bool:
    """Whether the policy in force wants the trail signed at each decision on it."""
    found = plan_of(policy, request.kind, request.tool, request.arguments)
    return isinstance(found, Demanded) and found.critical


def plan_of(
    policy: Policy, kind: Kind, name: str, arguments: Mapping[str, object]
) -> Plan:
    """What the policy asks of a call, or of a question of the graph's own."""
    if kind is Kind.INTERRUPT:
        return plan_interrupt(policy, name, arguments)
    return plan(policy, name, arguments)


def chain_of(request: Request) -> Chain:
    """The request's chain in the policy's terms."""
    stages = tuple(
        StageDemand(s.approvers, s.quorum, s.people, s.source, s.channel)
        for s in request.stages
    )
    return Chain(stages, request.allow, request.confirm, request.confirm_argument)


def stages_of(demands: Iterable[StageDemand]) -> tuple[Stage, ...]:
    """A chain as it begins: nothing is decided."""
    return tuple(
        Stage(s.approvers, s.people, s.quorum, source=s.source, channel=s.channel)
        for s in demands
    )


def _with_chain(request: Request, chain: Chain) -> Request:
    old = request.stages
    new = stages_of(chain.stages[len(old) :])
    kept = tuple(
        _with_quorum(request, index, stage, chain.stages[index].quorum)
        for index, stage in enumerate(old)
    )
    return replace(
        request,
        stages=(*kept, *new),
        allow=chain.allow,
        confirm=chain.confirm,
        confirm_argument=chain.confirm_argument,
    )


def _with_quorum(request: Request, index: int, stage: Stage, quorum: int) -> Stage:
    given = sum(decision.stage == index for decision in request.decisions)
    passed = stage.passed_at if given >= quorum else None
    return replace(stage, quorum=quorum, passed_at=passed)
