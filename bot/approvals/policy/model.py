"""A policy as the rest of the house reads it: frozen values, no I/O."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bot.approvals.policy.complaints import key_path

THREAD: Literal["thread"] = "thread"
DEFAULT_STAGES = "defaults.stages"  # stands for a rule's name where no rule demands


class Effect(enum.StrEnum):
    """What a rule does to the calls that it matches."""

    DEMAND = "demand"
    WAIVE = "waive"
    DENY = "deny"


@dataclass(frozen=True)
class Group:
    """People who may decide; `users` are Slack user ids in the file's order."""

    name: str
    users: tuple[str, ...]


@dataclass(frozen=True)
class StageDemand:
    """One step that a call needs: how many of which group."""

    approvers: str
    quorum: int
    people: tuple[str, ...]


@dataclass(frozen=True)
class Rule:
    """One rule. Exactly one of `tools` and `interrupts` is filled.

    `stages` is filled for a demand only; `why` is "" where the file has none.
    """

    name: str
    effect: Effect
    tools: tuple[str, ...] = ()
    interrupts: tuple[str, ...] = ()
    stages: tuple[StageDemand, ...] = ()
    why: str = ""


@dataclass(frozen=True)
class Requesters:
    """Who may ask: full members of the installed team."""

    members: bool = True


@dataclass(frozen=True)
class Interrupts:
    """How the own interrupts of a graph are answered, and who decides which level."""

    answers: Literal["words", "booleans"] | None
    levels: Mapping[str, str]  # word -> group


@dataclass(frozen=True)
class Policy:
    """A whole policy. `version` is the same for the same content."""

    version: str
    channel: str  # a Slack channel id, or THREAD
    timeout: dt.timedelta  # of a whole request, from its raising
    groups: Mapping[str, Group]
    requesters: Requesters
    rules: tuple[Rule, ...]
    default_stages: tuple[StageDemand, ...] | None
    interrupts: Interrupts


@dataclass(frozen=True)
class Waived:
    """The call runs without anybody; `rule` says so."""

    rule: str


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


Plan = Waived | Denied | Demanded


def named_ids(policy: Policy) -> list[tuple[str, str]]:
    """List each Slack id of the policy with its key's path, in the file's terms."""
    named: list[tuple[str, str]] = []
    if policy.channel != THREAD:
        named.append(("defaults.channel", policy.channel))
    for group in policy.groups.values():
        loc = ("approvers", group.name, "users")
        named += [(key_path((*loc, i)), user) for i, user in enumerate(group.users)]
    return named
