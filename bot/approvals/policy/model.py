"""A policy as the rest of the house reads it, and who stands in for whom: no I/O."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from zoneinfo import ZoneInfo

from bot.approvals.model import (
    ALLOWED,
    NO_TIMES,
    REQUESTER,
    USERS,
    Confirm,
    Hours,
    Risk,
    Times,
    Verdict,
)
from bot.approvals.policy.complaints import Loc, key_path

THREAD: Literal["thread"] = "thread"
DM: Literal["dm"] = "dm"  # a copy of the card for each who can decide
TIMEOUT = dt.timedelta(hours=24)  # of a whole request, unless said
CLAIM_WITHIN = dt.timedelta(hours=1)  # also how long the result may take, unless said
DEFAULT_STAGES = "defaults.stages"  # stands for a rule's name where no rule demands
#: What may be done with a raw interrupt unless a rule's `allow` says otherwise.
ALLOWED_RAW = (Verdict.APPROVE, Verdict.REJECT, Verdict.ANSWER)
Answers = Literal["words", "booleans"] | Mapping[str, Any]


class RuleEffect(enum.StrEnum):
    """The effect of a rule on the calls that it matches."""

    DEMAND = "demand"
    WAIVE = "waive"
    DENY = "deny"


@dataclass(frozen=True)
class Group:
    """People who may decide.

    Attributes:
        users: Slack user ids in the file's order; empty unless `source` is `users`.
        source: where its people come from: `users`, `usergroup:S…`, `channel:C…`,
            `open_channel:C…` (a public one too, by the file's `open: true`),
            `manager_of_requester:Xf…`, or `requester` for the built-in group.
        delegable_to: the group of which a delegate has to be; "" for anybody.
    """

    name: str
    users: tuple[str, ...] = ()
    source: str = USERS
    delegable_to: str = ""


@dataclass(frozen=True)
class Delegation:
    """One person stands in for another, up to and with a last day."""

    principal: str  # user id: `from` in the file
    delegate: str  # user id: `to`
    until: dt.date  # in the policy's time zone
    given: bool = False  # by the person's own word, not by the policy's file


@dataclass(frozen=True)
class Condition:
    """One comparison of an argument with a rule's value; all of a rule's must hold."""

    argument: str  # a path: dots reach inside
    operator: str  # eq ne gt ge lt le in not_in matches under domain_in
    value: Any


@dataclass(frozen=True)
class StageDemand:
    """One step that a call needs: how many of which group."""

    approvers: str
    quorum: int
    people: tuple[str, ...]
    source: str = USERS
    channel: str = THREAD  # where its people are told
    times: Times = NO_TIMES
    notify: tuple[str, ...] = ()  # how else: "email", "webhook"


@dataclass(frozen=True)
class StandingOffer:
    """The most that an approver may allow ahead: for how long, and how often."""

    max: dt.timedelta
    uses: int


@dataclass(frozen=True)
class Rule:
    """One rule. Exactly one of `tools` and `interrupts` is filled.

    `stages` is filled for a demand only; `why` is "" where the file has none.
    `answers` is for interrupts: words, booleans, or a value for each outcome.
    """

    name: str
    effect: RuleEffect
    tools: tuple[str, ...] = ()
    interrupts: tuple[str, ...] = ()
    stages: tuple[StageDemand, ...] = ()
    why: str = ""
    when: tuple[Condition, ...] = ()
    allow: tuple[Verdict, ...] = ALLOWED
    confirm: Confirm = Confirm.NONE
    answers: Answers | None = None
    critical: bool = False  # the trail is signed at each decision
    links: bool = False  # signed links may decide
    title: str = ""  # the headline's words, with arguments in braces
    risk: Risk = Risk.NORMAL
    asks_reason: bool = False  # Reject asks for one
    agents: tuple[str, ...] | None = None  # outside; (): the bot's own graph alone
    claim_within: dt.timedelta = CLAIM_WITHIN  # by an agent outside
    result_within: dt.timedelta = CLAIM_WITHIN
    standing: StandingOffer | None = None

    def is_for(self, agent: str) -> bool:
        """Return whether it is about calls of an agent outside, "" for the own graph.

        An agent outside names its tools itself, so that a waiver holds for its calls
        only where the rule names the agent too.
        """
        if self.agents is None:
            return not agent or self.effect is not RuleEffect.WAIVE
        return agent in self.agents if agent else not self.agents


@dataclass(frozen=True)
class Requesters:
    """The people who may ask: full members of the installed team."""

    members: bool = True


@dataclass(frozen=True)
class Interrupts:
    """The answers to a graph's own interrupts, and who decides which level."""

    answers: Literal["words", "booleans"] | None  # of a graph's raw interrupts
    levels: Mapping[str, str]  # word -> group


@dataclass(frozen=True)
class Policy:
    """A whole policy. `version` is the same for the same content."""

    version: str
    channel: str  # a Slack channel id, THREAD or DM
    timeout: dt.timedelta  # of a whole request, from its raising
    groups: Mapping[str, Group]
    requesters: Requesters
    rules: tuple[Rule, ...]
    default_stages: tuple[StageDemand, ...] | None
    interrupts: Interrupts
    delegations: tuple[Delegation, ...] = ()
    timezone: str = "UTC"  # an IANA name
    reminders: tuple[dt.timedelta, ...] = ()  # of a stage that names none
    hours: Hours | None = None

    def stage_of(self, group: str) -> StageDemand:
        """One person of a group; `requester` is a group of every policy."""
        known = self.groups.get(group) or Group(group, (), REQUESTER)
        times = Times(reminders=self.reminders)
        return StageDemand(group, 1, known.users, known.source, self.channel, times)


@dataclass(frozen=True)
class Waived:
    """The call runs without anybody; `rule` says so."""

    rule: str
    claim_within: dt.timedelta = CLAIM_WITHIN
    result_within: dt.timedelta = CLAIM_WITHIN


@dataclass(frozen=True)
class Denied:
    """The call does not run; `why` is a sentence for the agent. `rule` may be ""."""

    rule: str
    why: str


@dataclass(frozen=True)
class Demanded:
    """The call waits for these stages, in this order.

    `rules` names what demands them: rules, or DEFAULT_STAGES alone.
    """

    stages: tuple[StageDemand, ...]
    rules: tuple[str, ...]
    why: tuple[str, ...]
    channel: str
    timeout: dt.timedelta
    allow: tuple[Verdict, ...] = ALLOWED
    confirm: Confirm = Confirm.NONE
    confirm_argument: str = ""  # the path of the argument to type in
    critical: bool = False
    hours: Hours | None = None
    links: bool = False  # every rule that demands it allows signed links
    title: str = ""
    risk: Risk = Risk.NORMAL
    asks_reason: bool = False
    claim_within: dt.timedelta = CLAIM_WITHIN  # the shortest of its rules'
    result_within: dt.timedelta = CLAIM_WITHIN
    standing: StandingOffer | None = None  # every rule that demands it offers it


Plan = Waived | Denied | Demanded


def named_ids(policy: Policy) -> list[tuple[str, str]]:
    """List each Slack id of the policy with its key's path, in the file's terms."""
    named: list[tuple[str, str]] = []
    if policy.channel not in {THREAD, DM}:
        named.append(("defaults.channel", policy.channel))
    named += _ids_of_stages(policy, policy.default_stages or (), ("defaults",))
    for group in policy.groups.values():
        named += _ids_of_group(group)
    for index, each in enumerate(policy.delegations):
        loc = ("delegations", index)
        named.append((key_path((*loc, "from")), each.principal))
        named.append((key_path((*loc, "to")), each.delegate))
    for index, rule in enumerate(policy.rules):
        named += _ids_of_stages(policy, rule.stages, ("rules", index))
    return named


def _ids_of_group(group: Group) -> list[tuple[str, str]]:
    loc = ("approvers", group.name)
    if group.source == USERS:
        paths = [key_path((*loc, "users", i)) for i in range(len(group.users))]
        return list(zip(paths, group.users, strict=True))
    kind, _, slack_id = group.source.partition(":")
    return [(key_path((*loc, kind.removeprefix("open_"))), slack_id)]


def _ids_of_stages(
    policy: Policy, stages: Sequence[StageDemand], loc: Loc
) -> list[tuple[str, str]]:
    return [
        (key_path((*loc, "stages", index, "channel")), stage.channel)
        for index, stage in enumerate(stages)
        if stage.channel not in {THREAD, DM, policy.channel}
    ]


def standing_in(
    policy: Policy, group: str, now: dt.datetime
) -> Mapping[str, tuple[str, ...]]:
    """Name the delegates in force for a group: principal -> delegates, as user ids.

    Whether a principal is in the group is not asked here. Nobody stands in for anybody
    in a group that the file does not declare, and so never for the requester.

    Args:
        now: an aware time; its day in the policy's time zone counts, and the last day
            of a delegation is part of it.
    """
    known = policy.groups.get(group)
    if known is None:
        return {}
    context: dict[str, tuple[str, ...]] = {}
    for each in policy.delegations:
        if is_in_force(policy, each, now) and _may(policy, known.delegable_to, each):
            others = context.get(each.principal, ())
            context[each.principal] = (*others, each.delegate)
    return context


def is_in_force(policy: Policy, delegation: Delegation, now: dt.datetime) -> bool:
    """Return whether a delegation's last day is not over yet."""
    return now.astimezone(zone(policy.timezone)).date() <= delegation.until


def zone(name: str) -> dt.tzinfo:
    """The time zone of an IANA name; UTC needs no tables.

    Raises:
        ValueError, OSError, KeyError: there is none of this name.
    """
    return dt.UTC if name == "UTC" else ZoneInfo(name)


def _may(policy: Policy, delegable_to: str, delegation: Delegation) -> bool:
    """A group that says nothing is for the file alone to delegate."""
    if not delegable_to:
        return not delegation.given
    return delegation.delegate in policy.groups[delegable_to].users
