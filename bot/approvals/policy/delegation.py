"""Who stands in for whom today: pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from zoneinfo import ZoneInfo

from bot.approvals.policy.model import Delegation, Policy


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
    standing: dict[str, tuple[str, ...]] = {}
    for each in policy.delegations:
        if is_in_force(policy, each, now) and _may(policy, known.delegable_to, each):
            others = standing.get(each.principal, ())
            standing[each.principal] = (*others, each.delegate)
    return standing


def is_in_force(policy: Policy, delegation: Delegation, now: dt.datetime) -> bool:
    """Whether a delegation's last day is not over yet."""
    return now.astimezone(zone(policy.timezone)).date() <= delegation.until


def zone(name: str) -> dt.tzinfo:
    """The time zone of an IANA name; UTC needs no tables.

    Raises:
        ValueError, OSError, KeyError: there is none of this name.
    """
    return dt.UTC if name == "UTC" else ZoneInfo(name)


def _may(policy: Policy, delegable_to: str, delegation: Delegation) -> bool:
    if not delegable_to:
        return True
    return delegation.delegate in policy.groups[delegable_to].users
