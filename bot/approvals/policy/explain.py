"""Explain why a policy asks what it asks, for people who look after it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.approvals.policy.conditions import judge
from bot.approvals.policy.match import counts, name_matches, names
from bot.approvals.policy.model import Condition, Effect, Policy, Rule


@dataclass(frozen=True)
class Finding:
    """One rule that names a call.

    Attributes:
        judged: each condition with true, false, or None if it could not be judged.
        counts: whether the rule matches the call.
    """

    rule: Rule
    judged: tuple[tuple[Condition, bool | None], ...]
    counts: bool


def explain(
    policy: Policy, tool: str, arguments: Mapping[str, Any], agent: str = ""
) -> tuple[Finding, ...]:
    """Look at each rule that names a tool, in the file's order."""
    return tuple(
        Finding(
            rule,
            tuple((each, judge(each, arguments)) for each in rule.when),
            rule.is_for(agent) and counts(rule, arguments),
        )
        for rule in policy.rules
        if names(rule.tools, tool)
    )


def replacing_defaults(policy: Policy) -> frozenset[str]:
    """Name the rules that can be the first to demand some call.

    Such a rule takes the place of `defaults.stages`, so it may loosen. It cannot if
    every name of it is demanded before, by rules without conditions.
    """
    first: set[str] = set()
    before: list[Rule] = []
    for rule in policy.rules:
        if rule.effect is not Effect.DEMAND:
            continue
        if not _is_covered(rule, before):
            first.add(rule.name)
        if not rule.when and rule.agents is None:
            before.append(rule)
    return frozenset(first)


def _is_covered(rule: Rule, before: Sequence[Rule]) -> bool:
    tools = [pattern for earlier in before for pattern in earlier.tools]
    interrupts = [pattern for earlier in before for pattern in earlier.interrupts]
    return _holds_all(tools, rule.tools) and _holds_all(interrupts, rule.interrupts)


def _holds_all(wide: Sequence[str], narrow: Sequence[str]) -> bool:
    # a pattern holds another one if it fits the other's text, its star included
    return all(any(name_matches(w, n) for w in wide) for n in narrow)
