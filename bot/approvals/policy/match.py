"""Which rules count for a call, and what they add up to."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from bot.approvals.policy.model import (
    DEFAULT_STAGES,
    Demanded,
    Denied,
    Effect,
    Plan,
    Policy,
    Rule,
    StageDemand,
    Waived,
)


def plan(policy: Policy, tool: str, arguments: Mapping[str, Any]) -> Plan:
    """Say what a call needs before it may run.

    Every matching rule counts: a denial wins over all, demands add up in file order,
    a waiver holds only where nothing demands, and a call that no rule knows gets the
    default stages or, without them, is denied.
    """
    counting = [rule for rule in policy.rules if _matches(rule, tool, arguments)]
    if denials := _with(Effect.DENY, counting):
        return _denied(denials, tool)
    if demands := _with(Effect.DEMAND, counting):
        return _demanded(policy, demands)
    if waivers := _with(Effect.WAIVE, counting):
        return Waived(waivers[0].name)
    if policy.default_stages is None:
        return Denied("", f"No rule of the policy allows {tool}.")
    return Demanded(
        policy.default_stages, (DEFAULT_STAGES,), (), policy.channel, policy.timeout
    )


def name_matches(pattern: str, name: str) -> bool:
    """Compare a name with one of a rule's; `*` at the end stands for any rest."""
    if pattern.endswith("*"):
        return name.startswith(pattern[:-1])
    return name == pattern


def fold(demands: Iterable[StageDemand]) -> tuple[StageDemand, ...]:
    """Keep each group once, where it first stands, with the larger quorum."""
    folded: dict[str, StageDemand] = {}
    for demand in demands:
        known = folded.get(demand.approvers)
        quorum = max(demand.quorum, known.quorum if known else 0)
        folded[demand.approvers] = dataclasses.replace(demand, quorum=quorum)
    return tuple(folded.values())


def _matches(rule: Rule, tool: str, arguments: Mapping[str, Any]) -> bool:
    # `arguments` is what conditions will look at; rules go by the name alone so far.
    return any(name_matches(pattern, tool) for pattern in rule.tools)


def _with(effect: Effect, rules: list[Rule]) -> list[Rule]:
    return [rule for rule in rules if rule.effect is effect]


def _denied(denials: list[Rule], tool: str) -> Denied:
    told = next((rule for rule in denials if rule.why), denials[0])
    return Denied(
        told.name, told.why or f"The policy's rule {told.name} denies {tool}."
    )


def _demanded(policy: Policy, demands: list[Rule]) -> Demanded:
    return Demanded(
        stages=fold(stage for rule in demands for stage in rule.stages),
        rules=tuple(rule.name for rule in demands),
        why=tuple(dict.fromkeys(rule.why for rule in demands if rule.why)),
        channel=policy.channel,
        timeout=policy.timeout,
    )
