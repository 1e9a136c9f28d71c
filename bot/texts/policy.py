"""A policy and what it asks of a call, as lines for a terminal."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from bot.approvals.model import (
    REQUESTER,
    USERS,
    Confirm,
    Hours,
    Risk,
    Stage,
    Times,
    Verdict,
)
from bot.approvals.policy.conditions import MISSING, value_at
from bot.approvals.policy.match import Finding, replacing_defaults
from bot.approvals.policy.model import (
    CLAIM_WITHIN,
    DM,
    THREAD,
    Condition,
    Demanded,
    Denied,
    Group,
    Plan,
    Policy,
    Rule,
    RuleEffect,
    StageDemand,
    StandingOffer,
    Waived,
    is_in_force,
)
from bot.approvals.policy.types import WEEKDAYS, in_units
from bot.texts.formatting import joined, visible
from bot.texts.operation import cannot_be_asked

Label = Callable[[str], str]  # of a user id: the name beside it, where it is known
Members = Callable[[Group], str]
_SHOWN = 60  # characters of a value
_KINDS = {
    "usergroup": "user group {}",
    "channel": "members of the private channel {}",
    "open_channel": "everyone in the channel {}",
    "manager_of_requester": "manager of the requester, from the profile field {}",
    REQUESTER: "the person who asks",
}


def policy_lines(
    policy: Policy, members: Members, label: Label, now: dt.datetime
) -> Iterator[str]:
    """The whole policy in force, with a mark where a rule can loosen."""
    yield f"Policy {policy.version}"
    yield (
        f"A request waits {in_units(policy.timeout)} at most; "
        f"cards go to {_place(policy.channel)}; days are those of {policy.timezone}."
    )
    if policy.hours is not None:
        yield f"Reminders and escalations wait for {_hours(policy.hours)}."
    yield from ("", "Rules, in order (every one that matches counts)")
    first = replacing_defaults(policy)
    for number, rule in enumerate(policy.rules, 1):
        yield from _rule_lines(number, rule, rule.name in first, policy)
    stages = policy.default_stages
    asked = _chain(stages, policy.channel) if stages else "denied"
    yield f"  anything else: {asked} (defaults.stages)"
    yield from ("", "Groups")
    for group in policy.groups.values():
        yield f"  {group.name}: {members(group)}{_delegable(group)}"
    yield f"  {REQUESTER}: {_KINDS[REQUESTER]}; left out of every other group"
    yield from _level_lines(policy)
    yield from _delegation_lines(policy, label, now)


def group_words(group: Group) -> str:
    """Say where the people of a group come from."""
    kind, _, named = group.source.partition(":")
    return "listed people" if kind == USERS else _KINDS[kind].format(named)


def finding_lines(
    finding: Finding, arguments: Mapping[str, Any], policy: Policy, agent: str = ""
) -> Iterator[str]:
    """Say whether a rule counts for a call, and why."""
    word = "counts" if finding.counts else "does not count"
    rule = finding.rule
    yield f"  {rule.name} {word}: {_effect(rule, policy)}"
    if not rule.is_for(agent):
        yield f"    {_not_for(rule, agent)}"
    for condition, judged in finding.judged:
        value = value_at(arguments, condition.argument)
        found = "missing" if value is MISSING else _value(value)
        yield f"    {_condition(condition)}: {_judged(judged, rule)} ({found})"


def plan_lines(plan: Plan) -> Iterator[str]:
    """Say what follows for a call, without its stages."""
    if isinstance(plan, Waived):
        yield f"It runs without approval: rule {plan.rule} waives it."
    elif isinstance(plan, Denied):
        yield f"It is denied: {plan.why}"
    else:
        yield f"It needs approval, by {joined(plan.rules)}:"


def manner_lines(plan: Demanded) -> Iterator[str]:
    """Say how people answer a request, and what they are told."""
    yield f"  answers: {_verdicts(plan.allow)}"
    if plan.confirm is not Confirm.NONE:
        yield f"  confirm: {_confirm(plan)}"
    if plan.critical:
        yield "  critical: each decision signs a checkpoint of the audit trail"
    if plan.risk is not Risk.NORMAL:
        yield f"  risk: {plan.risk}"
    if plan.title:
        yield f"  title: {plan.title}"
    if plan.asks_reason:
        yield "  reject: asks for a reason"
    if plan.standing is not None:
        yield f"  standing: {_standing(plan.standing)}"
    if plan.links:
        first = ", after a sign-in with Slack" if plan.critical else ""
        yield f"  links: signed links may decide{first}"
    yield from (f"  why: {why}" for why in plan.why)


def _rule_lines(
    number: int, rule: Rule, is_first: bool, policy: Policy
) -> Iterator[str]:
    named = rule.tools or rule.interrupts
    kind = "tools" if rule.tools else "interrupts"
    yield f"  {number}. {rule.name}: {kind} {', '.join(map(visible, named))}"
    if rule.agents is not None:
        yield f"     {_limited_to(rule.agents)}"
    if rule.when:
        yield f"     when {' and '.join(map(_condition, rule.when))}"
    yield f"     {_effect(rule, policy)}{_manner(rule)}"
    if rule.why:
        yield f"     why: {rule.why}"
    if loosens := _loosens(rule, is_first, policy):
        yield f"     CAN LOOSEN: {loosens}"
    if rule.standing is not None:
        yield f"     CAN LOOSEN: {_standing(rule.standing)}"


def _standing(offer: StandingOffer) -> str:
    return (
        "who approves such a call may allow others like it ahead, for "
        f"{in_units(offer.max)} and {offer.uses} uses at most"
    )


def _limited_to(agents: tuple[str, ...]) -> str:
    if not agents:
        return "for the bot's own graph alone"
    return f"for the agents outside {', '.join(agents)} alone"


def _not_for(rule: Rule, agent: str) -> str:
    if rule.agents is not None:
        return _limited_to(rule.agents)
    return f"a waiver holds for {agent} only where the rule names it under `agents`"


def _loosens(rule: Rule, is_first: bool, policy: Policy) -> str:
    if rule.effect is RuleEffect.WAIVE:
        return "such a call runs without approval, unless another rule demands"
    if not is_first:
        return ""
    if policy.default_stages:
        return "takes the place of defaults.stages"
    return "such a call would be denied without it"


def _effect(rule: Rule, policy: Policy) -> str:
    if rule.effect is RuleEffect.WAIVE:
        return "approval: none"
    if rule.effect is RuleEffect.DENY:
        return "denied"
    return _chain(rule.stages, policy.channel)


def _manner(rule: Rule) -> str:
    if rule.effect is not RuleEffect.DEMAND:
        return _within(rule)
    confirm = "" if rule.confirm is Confirm.NONE else f"; confirm: {rule.confirm}"
    critical = "; critical" if rule.critical else ""
    links = "; links may decide" if rule.links else ""
    risk = "" if rule.risk is Risk.NORMAL else f"; risk: {rule.risk}"
    reject = "; reject asks for a reason" if rule.asks_reason else ""
    title = f"; title: {rule.title}" if rule.title else ""
    said = f"{confirm}{critical}{links}{risk}{reject}{title}"
    return f"; answers: {_verdicts(rule.allow)}{said}{_within(rule)}"


def _within(rule: Rule) -> str:
    """Say how long agents outside have, where the rule names them or the times."""
    spans = (rule.claim_within, rule.result_within)
    if not rule.agents and spans == (CLAIM_WITHIN, CLAIM_WITHIN):
        return ""
    claim, result = map(in_units, spans)
    return f"; claimed within {claim}, its result within {result}"


def _chain(stages: Iterable[StageDemand], usual: str) -> str:
    return ", then ".join(_stage(stage, usual) for stage in stages)


def _stage(stage: StageDemand, usual: str) -> str:
    number = f"{stage.quorum} of " if stage.quorum > 1 else ""
    place = f" (told in {_place(stage.channel)})" if stage.channel != usual else ""
    ways = f" (also by {' and '.join(stage.notify)})" if stage.notify else ""
    return f"{number}{stage.approvers}{place}{ways}{times_words(stage.times)}"


def times_words(times: Times) -> str:
    """Say what comes while a stage stays open, in brackets; "" if nothing does."""
    said = [f"reminded after {in_units(reminder)}" for reminder in times.reminders]
    if times.escalation:
        joining = " and ".join(target.group for target in times.escalation.to)
        said.append(f"joined by {joining} after {in_units(times.escalation.after)}")
    if times.timeout:
        said.append(f"timed out after {in_units(times.timeout)}")
    return f" ({', '.join(said)})" if said else ""


def _hours(hours: Hours) -> str:
    days = ", ".join(WEEKDAYS[day] for day in hours.days)
    return f"{days} from {_of_day(hours.begin)} to {_of_day(hours.end)}"


def _of_day(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _confirm(plan: Demanded) -> str:
    if plan.confirm is Confirm.DIALOG:
        return "a dialog names the effect"
    what = f"the value of {plan.confirm_argument}" if plan.confirm_argument else ""
    return f"{what or 'the code of the request'} is typed in"


def _verdicts(allow: Iterable[Verdict]) -> str:
    return ", ".join(allow) or "none, since the rules offer none in common"


def _condition(condition: Condition) -> str:
    operand = _value(condition.value)
    return f"{visible(condition.argument)} {condition.operator} {operand}"


def _value(value: Any) -> str:
    text = visible(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _judged(judged: bool | None, rule: Rule) -> str:
    if judged is not None:
        return "true" if judged else "false"
    taken = "false for a waiver"
    if rule.effect is not RuleEffect.WAIVE:
        word = "demand" if rule.effect is RuleEffect.DEMAND else "denial"
        taken = f"true for a {word}"
    return f"can't be judged, so it counts as {taken}"


def _delegable(group: Group) -> str:
    return f"; delegable to {group.delegable_to}" if group.delegable_to else ""


def _level_lines(policy: Policy) -> Iterator[str]:
    answers = policy.interrupts.answers
    if not policy.interrupts.levels and answers is None:
        return
    yield from ("", "Interrupts")
    if answers is not None:
        yield f"  answers: {answers}"
    for level, group in policy.interrupts.levels.items():
        yield f"  level {visible(level)}: {group}"


def _delegation_lines(policy: Policy, label: Label, now: dt.datetime) -> Iterator[str]:
    if not policy.delegations:
        return
    yield from ("", "Delegations")
    for each in policy.delegations:
        state = "in force" if is_in_force(policy, each, now) else "over"
        who = f"{label(each.delegate)} for {label(each.principal)}"
        yield f"  {who}, until {each.until} with that day: {state}"


def _place(channel: str) -> str:
    if channel == DM:
        return "those who can decide, each in a direct message"
    return "the conversation's thread" if channel == THREAD else channel


# --- `policy`: people, and what cannot be told -------------------------------------
WHOEVER_ASKS = "the person who asks"
NO_RULE = "  no rule names it"
SLACK_SILENT = "Slack did not answer all questions; ask again."
NO_SLACK = "There is no Slack to ask without SLACK_* variables: ids only."
NO_OBJECT = '--args must be a JSON object, such as {"amount": 5}.'
KEY_TWICE = "a key is in it twice"


def asked_about(tool: str, version: str, agent: str) -> str:
    by = f", asked by {agent}" if agent else ""
    return f"{visible(tool)}{by}, by policy {version}"


def person(name: str, user: str, barred: str) -> str:
    """`barred` says why they cannot decide, "" if they can."""
    why = f", cannot decide: {barred}" if barred else ""
    shown = visible(name)
    return f"{shown} ({user}{why})" if shown else f"{user}{why}"


def people_listed(labels: Iterable[str]) -> str:
    return ", ".join(labels) or "no one"


def group_now(group: Group, labels: Iterable[str]) -> str:
    return f"{group_words(group)}, now {people_listed(labels)}"


def not_looked_up(group: Group) -> str:
    return f"{group_words(group)}, not looked up"


def stage_line(number: int, stage: Stage, who: str) -> str:
    times = times_words(stage.times)
    return f"  {number}. {stage.approvers}, {stage.quorum} of: {who}{times}"


def left_out(asking: str) -> str:
    """`asking` is the label of the requester, "" if that is not known."""
    if asking:
        return f"  {asking} asks, and decides no stage but `requester`."
    return "  requesters decide no stage but `requester`; name one with --requester"


def short_of_people(group: str) -> str:
    return (
        f"Too few people are left for the stage {group}: such a request is "
        "rejected at once."
    )


def slack_cannot_be_asked(why: str) -> str:
    return f"{cannot_be_asked(why)}: ids only."


def no_requester(user: str) -> str:
    return f"--requester {visible(user)}: write a user id such as U0123ABCDEF."


def no_agent(name: str) -> str:
    return f"--agent {visible(name)}: write a name such as deploy-bot."


def arguments_unreadable(error: object) -> str:
    return f"--args cannot be read: {error}."


def server_away(server: str) -> str:
    return f"{server} can't be reached: its tools are left out."


def waive(tool: str) -> str:
    return f"Type {tool} to let it run without approval, or press Enter: "


def server_lines(
    server: str, tools: Sequence[tuple[str, Plan, bool]] | None
) -> Iterator[str]:
    """Say what each tool of an MCP server needs, whatever its arguments.

    Args:
        tools: name, plan, and whether its server says that it destroys; None where the
            server cannot be reached.
    """
    yield f"\nMCP server {visible(server)}:"
    if tools is None:
        yield "  can't be reached"
    for name, plan, destroys in tools or ():
        yield f"  {visible(name)}: {_need(plan)}{', high risk' if destroys else ''}"


def _need(plan: Plan) -> str:
    if isinstance(plan, Waived):
        return f"runs without approval (rule {plan.rule})"
    if isinstance(plan, Denied):
        return f"is denied: {plan.why}"
    return f"needs {' then '.join(each.approvers for each in plan.stages)}"


_SCAFFOLD = """\
# A first policy. Replace the ids under `approvers`; see docs/policy.md.
version: 1
defaults: {channel: thread, timeout: 24h, stages: [{approvers: managers}]}
requesters: {members: true}
approvers:
  managers: {users: [U0000000A1, U0000000A2]}
interrupts: {answers: words}"""


def scaffold_lines(waived: Sequence[str], rest: Sequence[str]) -> Iterator[str]:
    """A policy that waives some tools, and has people decide all others."""
    yield _SCAFFOLD
    if waived:
        yield "rules:"
        yield f"  - {{name: reading, tools: {json.dumps(waived)}, approval: none}}"
    yield "# These wait for `defaults.stages`, as does every tool that no rule names:"
    yield from (f"#   {name}" for name in rest)
