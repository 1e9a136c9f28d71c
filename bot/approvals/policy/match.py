"""Match a call with the rules, and add up what they demand: the strictest wins.

`explain` says for people who look after a policy why it asks what it asks.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, cast

from bot.approvals.model import ALLOWED, Confirm, Escalation, Risk, Times, Verdict
from bot.approvals.policy import complaints
from bot.approvals.policy.conditions import judge, sort_of, value_at
from bot.approvals.policy.model import (
    ALLOWED_RAW,
    DEFAULT_STAGES,
    Answers,
    Condition,
    Demanded,
    Denied,
    Plan,
    Policy,
    Rule,
    RuleEffect,
    StageDemand,
    StandingOffer,
    Waived,
)
from bot.approvals.policy.titles import filled

_LONGEST_TYPED = 100  # characters that somebody may have to type in
# In their order. To go through an enum itself takes several times as long.
_VERDICTS, _CONFIRMS, _RISKS = tuple(Verdict), tuple(Confirm), tuple(Risk)


def plan(
    policy: Policy,
    tool: str,
    arguments: Mapping[str, Any],
    *,
    waivable: bool = True,
    agent: str = "",
) -> Plan:
    """Say what a call needs before it may run.

    Every matching rule counts: a denial wins over all, demands add up in file order,
    a waiver holds only where nothing demands, and a call that no rule knows gets the
    default stages or, without them, is denied.

    Args:
        waivable: whether a waiver counts; without, it is as if there were none.
        agent: the agent outside that asks; "" for the bot's own graph.
    """
    known = [rule for rule in policy.rules if rule.is_for(agent)]
    named = [rule for rule in known if names(rule.tools, tool)]
    counting = [rule for rule in named if counts(rule, arguments)]
    waivers = _with(RuleEffect.WAIVE, counting)
    if waivable and waivers and len(waivers) == len(counting):
        return Waived(waivers[0].name, *_spans(waivers))
    return _needed(policy, counting, tool, arguments, ALLOWED)


def plan_interrupt(policy: Policy, name: str, payload: Any) -> Denied | Demanded:
    """Say what a graph's own interrupt needs; it is never waived.

    Rules select it by `interrupts`, and their conditions look into a payload that is a
    mapping. Its `level` demands the group under `interrupts.levels`, as one more rule
    after those of the file; a level that is not there is denied.
    """
    content: Mapping[str, Any] = {}
    if isinstance(payload, Mapping):
        content = cast("Mapping[str, Any]", payload)
    named = [rule for rule in policy.rules if names(rule.interrupts, name)]
    counting = [rule for rule in named if counts(rule, content)]
    if "level" in content:
        demand = _of_level(policy, content["level"])
        if isinstance(demand, Denied):
            return demand
        counting.append(demand)
    return _needed(policy, counting, name, content, ALLOWED_RAW)


def answers_of(policy: Policy, name: str) -> Answers | None:
    """Return what an interrupt is resumed with, as far as the policy says it.

    A rule goes before `interrupts.answers`, whatever the rule's conditions; the loader
    refuses rules that would say two things about one name.
    """
    rules = [rule for rule in policy.rules if names(rule.interrupts, name)]
    said: list[Answers] = [each.answers for each in rules if each.answers is not None]
    return said[0] if said else policy.interrupts.answers


def names(patterns: Iterable[str], name: str) -> bool:
    """Return whether one of a rule's patterns matches this name."""
    return any(name_matches(pattern, name) for pattern in patterns)


def name_matches(pattern: str, name: str) -> bool:
    """Compare a name with one of a rule's; `*` at the end stands for any rest."""
    if pattern.endswith("*"):
        return name.startswith(pattern[:-1])
    return name == pattern


def counts(rule: Rule, arguments: Mapping[str, Any]) -> bool:
    """Return whether all of a rule's conditions hold.

    One that cannot be judged holds for a demand or a denial, not for a waiver.
    """
    unsure = rule.effect is not RuleEffect.WAIVE
    judged = (judge(condition, arguments) for condition in rule.when)
    return all(unsure if one is None else one for one in judged)


def fold(demands: Iterable[StageDemand], usual: str) -> tuple[StageDemand, ...]:
    """Keep each group once, where it first stands, with the larger quorum.

    Of its times the shorter timeout counts, the earliest escalation with all its
    targets, and all reminders.

    Its people are told in the channel that a stage names, rather than in the `usual`
    one. Of several such channels the first in the alphabet counts, since the order of
    rules is to decide nothing but the order of stages.
    """
    by_group: dict[str, list[StageDemand]] = {}
    for demand in demands:
        by_group.setdefault(demand.approvers, []).append(demand)
    return tuple(_folded(same, usual) for same in by_group.values())


def _folded(same: Sequence[StageDemand], usual: str) -> StageDemand:
    first, *others = same
    if not others:
        return first
    channels = {demand.channel for demand in same}
    return dataclasses.replace(
        first,
        quorum=max(demand.quorum for demand in same),
        channel=min(channels - {usual} or channels),
        times=folded(demand.times for demand in same),
        notify=tuple(sorted({way for demand in same for way in demand.notify})),
    )


def _needed(
    policy: Policy,
    counting: list[Rule],
    name: str,
    arguments: Mapping[str, Any],
    usual: tuple[Verdict, ...],
) -> Denied | Demanded:
    if denials := _with(RuleEffect.DENY, counting):
        return _denied(denials, name)
    if demands := _with(RuleEffect.DEMAND, counting):
        return _demanded(policy, demands, arguments)
    if policy.default_stages is None:
        return Denied("", complaints.no_rule(name))
    stages = policy.default_stages
    default = Rule(DEFAULT_STAGES, RuleEffect.DEMAND, stages=stages, allow=usual)
    return _demanded(policy, [default], arguments)


def _with(effect: RuleEffect, rules: list[Rule]) -> list[Rule]:
    return [rule for rule in rules if rule.effect is effect]


def _of_level(policy: Policy, level: Any) -> Rule | Denied:
    levels = policy.interrupts.levels
    if not isinstance(level, str) or level not in levels:
        return Denied("", complaints.no_level(level, levels))
    stage = policy.stage_of(levels[level])
    name = f"interrupts.levels.{level}"
    return Rule(name, RuleEffect.DEMAND, stages=(stage,), allow=ALLOWED_RAW)


def _denied(denials: list[Rule], name: str) -> Denied:
    told = next((rule for rule in denials if rule.why), denials[0])
    return Denied(told.name, told.why or complaints.denied_by(told.name, name))


def _demanded(
    policy: Policy, demands: list[Rule], arguments: Mapping[str, Any]
) -> Demanded:
    claim_within, result_within = _spans(demands)
    stages = (stage for rule in demands for stage in rule.stages)
    typed = [rule for rule in demands if rule.confirm is Confirm.TYPED]
    return Demanded(
        stages=fold(stages, policy.channel),
        rules=tuple(rule.name for rule in demands),
        why=tuple(dict.fromkeys(rule.why for rule in demands if rule.why)),
        channel=policy.channel,
        timeout=policy.timeout,
        allow=tuple(v for v in _VERDICTS if all(v in rule.allow for rule in demands)),
        confirm=strongest(rule.confirm for rule in demands),
        confirm_argument=_to_type(typed, arguments) if typed else "",
        critical=any(rule.critical for rule in demands),
        hours=policy.hours,
        links=all(rule.links for rule in demands),
        title=_title(demands, arguments),
        risk=_risk(demands),
        asks_reason=any(rule.asks_reason for rule in demands),
        claim_within=claim_within,
        result_within=result_within,
        standing=_standing(demands),
    )


def _standing(demands: list[Rule]) -> StandingOffer | None:
    """The least that all of them offer; None where one does not, or is critical."""
    offers = [rule.standing for rule in demands if rule.standing and not rule.critical]
    if len(offers) < len(demands):
        return None
    return StandingOffer(
        min(offer.max for offer in offers), min(offer.uses for offer in offers)
    )


def _spans(rules: Sequence[Rule]) -> tuple[timedelta, timedelta]:
    """Return the time an outside agent has to claim, and then to report."""
    return (
        min(rule.claim_within for rule in rules),
        min(rule.result_within for rule in rules),
    )


def _title(demands: list[Rule], arguments: Mapping[str, Any]) -> str:
    """The first title all of whose arguments the call has, "" for none."""
    titles = (rule.title for rule in demands if rule.title)
    return next((t for t in titles if filled(t, arguments)), "")


def _risk(demands: list[Rule]) -> Risk:
    """The highest of all; what is critical is never less than high."""
    rated = [Risk.HIGH if rule.critical else rule.risk for rule in demands]
    return max(rated, key=_RISKS.index)


def _to_type(rules: list[Rule], arguments: Mapping[str, Any]) -> str:
    """The path of the argument whose value is typed in, "" if none can be.

    What the rules' conditions look at goes first, by its place within its rule and then
    by the alphabet, so that neither the order of rules nor the model decides it.
    """
    ranked = sorted(
        {(i, c.argument) for rule in rules for i, c in enumerate(rule.when)}
    )
    paths = [*(argument for _, argument in ranked), *arguments]
    return next((p for p in paths if _can_be_typed(value_at(arguments, p))), "")


def _can_be_typed(value: Any) -> bool:
    if not isinstance(value, str):
        return bool(sort_of(value))
    is_a_line = value.isprintable() and value == value.strip()
    return is_a_line and 0 < len(value) <= _LONGEST_TYPED


@dataclass(frozen=True)
class ChainDemand:
    """A request's stages in order, and the ways in which people may answer it."""

    stages: tuple[StageDemand, ...]
    allow: tuple[Verdict, ...]
    confirm: Confirm
    confirm_argument: str = ""


def stricter(have: ChainDemand, now: Demanded) -> ChainDemand:
    """Add what is demanded now; take nothing away.

    A group that is there keeps its place and its people and gets the larger quorum and
    the shorter timeout; others are appended in their order. Reminders demand nothing,
    and an escalation lets more people decide, so those stay as they were. Gives `have`
    itself if there is nothing to add.
    """
    confirm = strongest((have.confirm, now.confirm))
    is_stronger = confirm is not have.confirm
    added = ChainDemand(
        stages=_stages(have.stages, now.stages),
        allow=tuple(verdict for verdict in have.allow if verdict in now.allow),
        confirm=confirm,
        confirm_argument=now.confirm_argument if is_stronger else have.confirm_argument,
    )
    return have if added == have else added


def strongest(confirms: Iterable[Confirm]) -> Confirm:
    """The confirmation that asks most of a person."""
    return max(confirms, key=_CONFIRMS.index)


def _stages(
    have: tuple[StageDemand, ...], now: tuple[StageDemand, ...]
) -> tuple[StageDemand, ...]:
    demands = {stage.approvers: stage for stage in now}
    known = {stage.approvers for stage in have}
    raised = [_raised(s, demands.get(s.approvers, s)) for s in have]
    return (*raised, *(stage for stage in now if stage.approvers not in known))


def _raised(have: StageDemand, now: StageDemand) -> StageDemand:
    quorum = max(have.quorum, now.quorum)
    timeout = shortest((have.times.timeout, now.times.timeout))
    if (quorum, timeout) == (have.quorum, have.times.timeout):
        return have
    return replace(have, quorum=quorum, times=replace(have.times, timeout=timeout))


def folded(times: Iterable[Times]) -> Times:
    """Put together what several rules say of one group; their order does not matter."""
    all_times = list(times)
    reminders = {reminder for each in all_times for reminder in each.reminders}
    return Times(
        shortest(each.timeout for each in all_times),
        tuple(sorted(reminders)),
        _earliest(each.escalation for each in all_times),
    )


def shortest(timeouts: Iterable[timedelta | None]) -> timedelta | None:
    """The shortest of them; None stands for no timeout of its own."""
    return min((t for t in timeouts if t is not None), default=None)


def _earliest(escalations: Iterable[Escalation | None]) -> Escalation | None:
    known = [each for each in escalations if each is not None]
    if not known:
        return None
    targets = {target.group: target for each in known for target in each.to}
    return Escalation(
        min(each.after for each in known),
        tuple(target for _, target in sorted(targets.items())),
    )


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
        if rule.effect is not RuleEffect.DEMAND:
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
