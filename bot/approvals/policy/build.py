"""Make a policy out of a file's content that has been checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, cast

from bot.approvals.model import (
    ALLOWED,
    REQUESTER,
    USERS,
    Confirm,
    Escalation,
    Hours,
    Target,
    Times,
    Verdict,
)
from bot.approvals.policy.checks import rule_name
from bot.approvals.policy.model import (
    ALLOWED_RAW,
    Condition,
    Delegation,
    Effect,
    Group,
    Interrupts,
    Policy,
    Requesters,
    Rule,
    StageDemand,
)
from bot.approvals.policy.operands import OperatorsShape
from bot.approvals.policy.schema import (
    DefaultsShape,
    DelegationShape,
    EscalateShape,
    GroupShape,
    PolicyShape,
    RuleShape,
    StageShape,
)


def build(shape: PolicyShape, version: str) -> Policy:
    """Turn the shape of a whole file into a policy."""
    groups = {name: _group(name, group) for name, group in shape.approvers.items()}
    defaults = shape.defaults
    stages = _Stages(groups, defaults)
    return Policy(
        version=version,
        channel=defaults.channel,
        timeout=defaults.timeout,
        groups=groups,
        requesters=Requesters(shape.requesters.members),
        rules=tuple(_rule(rule, i, stages) for i, rule in enumerate(shape.rules)),
        default_stages=stages.of(defaults.stages) if defaults.stages else None,
        interrupts=Interrupts(shape.interrupts.answers, dict(shape.interrupts.levels)),
        delegations=tuple(map(_delegation, shape.delegations)),
        timezone=defaults.timezone,
        reminders=_in_order(defaults.reminders),
        hours=_hours(defaults),
    )


def _group(name: str, shape: GroupShape) -> Group:
    return Group(name, tuple(shape.users), _source(shape), shape.delegable_to)


def _source(shape: GroupShape) -> str:
    if shape.usergroup:
        return f"usergroup:{shape.usergroup}"
    if shape.channel:
        return f"{'open_channel' if shape.open else 'channel'}:{shape.channel}"
    if shape.manager_of_requester:
        return f"manager_of_requester:{shape.manager_of_requester}"
    return USERS


def _delegation(shape: DelegationShape) -> Delegation:
    return Delegation(shape.principal, shape.delegate, shape.until)


def _hours(defaults: DefaultsShape) -> Hours | None:
    hours = defaults.hours
    if hours is None:
        return None
    days = tuple(sorted(hours.days))
    return Hours(days, hours.begin, hours.end, defaults.timezone)


def _in_order(reminders: Iterable[timedelta]) -> tuple[timedelta, ...]:
    return tuple(sorted(reminders))


class _Stages:
    """Makes demands out of stages, with the groups and the defaults of the file."""

    def __init__(self, groups: Mapping[str, Group], defaults: DefaultsShape) -> None:
        self._groups = {**groups, REQUESTER: Group(REQUESTER, (), REQUESTER)}
        self._defaults = defaults

    def of(self, stages: Sequence[StageShape]) -> tuple[StageDemand, ...]:
        return tuple(map(self._demand, stages))

    def _demand(self, stage: StageShape) -> StageDemand:
        group = self._groups[stage.approvers]
        return StageDemand(
            group.name,
            stage.quorum,
            group.users,
            group.source,
            stage.channel or self._defaults.channel,
            self._times(stage),
            tuple(sorted({*stage.notify} - {"slack"})),
        )

    def _times(self, stage: StageShape) -> Times:
        given = stage.reminders or self._defaults.reminders
        escalation = self._escalation(stage.escalate) if stage.escalate else None
        return Times(stage.timeout, _in_order(given), escalation)

    def _escalation(self, shape: EscalateShape) -> Escalation:
        group = self._groups[shape.to]
        target = Target(group.name, group.users, group.source)
        return Escalation(shape.after, (target,))


def _rule(rule: RuleShape, index: int, stages: _Stages) -> Rule:
    usual = ALLOWED_RAW if rule.interrupts else ALLOWED
    return Rule(
        name=rule_name(rule.name, index),
        effect=_effect(rule),
        tools=tuple(rule.tools),
        interrupts=tuple(rule.interrupts),
        stages=stages.of(rule.stages),
        why=rule.why,
        when=tuple(_conditions(rule.when)),
        allow=tuple(v for v in Verdict if v in rule.allow) or usual,
        confirm=Confirm(rule.confirm),
        answers=rule.answers,
        critical=rule.critical,
        links=rule.links,
    )


def _effect(rule: RuleShape) -> Effect:
    if rule.deny:
        return Effect.DENY
    return Effect.WAIVE if rule.approval else Effect.DEMAND


def _conditions(when: Mapping[str, OperatorsShape]) -> Iterable[Condition]:
    for argument, operators in when.items():
        given = operators.model_dump(by_alias=True, exclude_unset=True)
        for name, value in given.items():
            is_list = isinstance(value, list)
            operand = tuple(cast("list[Any]", value)) if is_list else value
            yield Condition(argument, name, operand)
