"""What holds between the keys of a policy file, checked on its plain data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bot.approvals.model import REQUESTER
from bot.approvals.policy.complaints import Complaint, key_path, shown
from bot.approvals.policy.model import DEFAULT_STAGES
from bot.approvals.policy.plain import (
    Keys,
    exactly_one,
    items,
    mapping,
    mappings,
    said_once,
)
from bot.approvals.policy.rule_checks import answers_agree, check_chain, check_rule
from bot.approvals.policy.schema import GroupShape

_SOURCES = ("users", "usergroup", "channel", "manager_of_requester")


def check_data(data: Keys) -> Iterable[Complaint]:
    """Complain about groups, delegations, chains and rules as a whole.

    Values of a wrong type are passed over: their own complaint stands elsewhere.
    """
    groups = dict(mappings(data.get("approvers")))
    for name, group in groups.items():
        yield from _check_group(name, group, groups)
    yield from _check_delegations(items(data.get("delegations")))
    yield from check_chain(mapping(data.get("defaults")), ("defaults",))
    numbered = enumerate(items(data.get("rules")))
    rules = {index: mapping(rule) for index, rule in numbered if mapping(rule)}
    yield from _names_are_unique(rules)
    for index, rule in rules.items():
        yield from check_rule(rule, ("rules", index))
    yield from answers_agree(rules)


def group_sizes(data: Keys) -> Mapping[str, int | None] | None:
    """Count the people of each group; None where `approvers` cannot be read.

    A group has no size of its own (None) if its people are looked up in Slack.
    """
    groups = data.get("approvers", {})
    if not isinstance(groups, dict):
        return None
    sizes: dict[str, int | None] = dict.fromkeys(mapping(groups))
    for name, group in mappings(groups):
        if isinstance(group.get("users"), list):
            sizes[name] = len(items(group["users"]))
    return sizes


def rule_name(name: str, index: int) -> str:
    """Give a rule its name; one without is called by its place."""
    return name or key_path(("rules", index))


def _check_group(
    name: str, group: Keys, groups: Mapping[str, Keys]
) -> Iterable[Complaint]:
    loc = ("approvers", name)
    if name == REQUESTER:
        yield Complaint(key_path(loc), "`requester` is built in; rename.")
    if group:
        yield from exactly_one(group, _SOURCES, loc, GroupShape)
    yield from said_once(items(group.get("users")), (*loc, "users"), "remove it")
    if "open" in group and "channel" not in group:
        sentence = "goes with `channel` alone; leave the key out."
        yield Complaint(key_path((*loc, "open")), sentence)
    delegates = group.get("delegable_to")
    if delegates == REQUESTER or (
        isinstance(delegates, str) and "users" not in groups.get(delegates, _UNKNOWN)
    ):
        sentence = "must be a group that lists its `users`."
        yield Complaint(key_path((*loc, "delegable_to")), sentence)


_UNKNOWN: Keys = {"users": []}  # a group that is not there has its own complaint


def _check_delegations(delegations: list[Any]) -> Iterable[Complaint]:
    pairs: list[tuple[str, str]] = []
    for index, each in enumerate(map(mapping, delegations)):
        loc = ("delegations", index)
        principal, delegate = each.get("from"), each.get("to")
        if not isinstance(principal, str) or not isinstance(delegate, str):
            continue
        if principal == delegate:
            sentence = "is the same person as `from`; name somebody else."
            yield Complaint(key_path((*loc, "to")), sentence)
        elif (principal, delegate) in pairs:
            sentence = "the same two people stand here twice; keep the later `until`."
            yield Complaint(key_path(loc), sentence)
        pairs.append((principal, delegate))


def _names_are_unique(rules: Mapping[int, Keys]) -> Iterable[Complaint]:
    owners = {DEFAULT_STAGES: DEFAULT_STAGES}
    owners |= {place: place for place in (key_path(("rules", i)) for i in rules)}
    for index, rule in rules.items():
        name, place = rule.get("name"), key_path(("rules", index))
        if not isinstance(name, str):
            continue
        owner = owners.setdefault(name, place)
        if owner != place:
            sentence = f"{shown(name)} is taken by {owner}; rename one."
            yield Complaint(f"{place}.name", sentence)
