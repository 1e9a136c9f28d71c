"""What holds between the keys of a policy file, checked on its plain data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from bot.approvals.policy.complaints import Complaint, Loc, key_path, shown
from bot.approvals.policy.model import DEFAULT_STAGES
from bot.approvals.policy.schema import RuleShape
from bot.approvals.policy.words import probably_meant

_NAMES = ("tools", "interrupts")
_EFFECTS = ("stages", "approval", "deny")

Keys = Mapping[str, Any]


def check_data(data: Keys) -> Iterable[Complaint]:
    """Complain about groups, chains and rules as a whole.

    Values of a wrong type are passed over: their own complaint stands elsewhere.
    """
    for name, group in _mappings(data.get("approvers")):
        if name == "requester":
            yield Complaint("approvers.requester", "`requester` is built in; rename.")
        users = _items(group.get("users"))
        yield from _said_once(users, ("approvers", name, "users"), "remove it")
    yield from _check_chain(_keys(data.get("defaults")), ("defaults",))
    items = enumerate(_items(data.get("rules")))
    rules = {index: _keys(rule) for index, rule in items if _keys(rule)}
    yield from _names_are_unique(rules)
    for index, rule in rules.items():
        yield from _check_rule(rule, ("rules", index))


def group_sizes(data: Keys) -> Mapping[str, int | None] | None:
    """Count the people of each group; None where `approvers` cannot be read."""
    groups = data.get("approvers", {})
    if not isinstance(groups, dict):
        return None
    sizes: dict[str, int | None] = dict.fromkeys(_keys(groups))
    for name, group in _mappings(groups):
        if isinstance(group.get("users"), list):
            sizes[name] = len(_items(group["users"]))
    return sizes


def rule_name(name: str, index: int) -> str:
    """Give a rule its name; one without is called by its place."""
    return name or key_path(("rules", index))


def _keys(value: Any) -> Keys:
    return cast("Keys", value) if isinstance(value, dict) else {}


def _items(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []


def _mappings(value: Any) -> Iterable[tuple[str, Keys]]:
    return ((name, _keys(inner)) for name, inner in _keys(value).items())


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


def _check_rule(rule: Keys, loc: Loc) -> Iterable[Complaint]:
    yield from _exactly_one(rule, _NAMES, loc)
    yield from _exactly_one(rule, _EFFECTS, loc)
    yield from _check_chain(rule, loc)
    if "interrupts" in rule and "approval" in rule:
        sentence = "a raw interrupt is never waived; use `stages` or `deny: true`."
        yield Complaint(key_path((*loc, "approval")), sentence)


def _check_chain(holder: Keys, loc: Loc) -> Iterable[Complaint]:
    """A group counts once in a chain, so a second time would silently be lost."""
    groups = [_keys(stage).get("approvers") for stage in _items(holder.get("stages"))]
    yield from _said_once(groups, (*loc, "stages"), "ask for a larger `quorum`")


def _said_once(values: list[Any], loc: Loc, remedy: str) -> Iterable[Complaint]:
    for index, value in enumerate(values):
        if isinstance(value, str) and value in values[:index]:
            sentence = f"{shown(value)} stands here twice; {remedy}."
            yield Complaint(key_path((*loc, index)), sentence)


def _exactly_one(rule: Keys, keys: tuple[str, ...], loc: Loc) -> Iterable[Complaint]:
    given = [key for key in keys if key in rule]
    choice = ", ".join(f"`{key}`" for key in keys[:-1]) + f" or `{keys[-1]}`"
    if len(given) > 1:
        both = " and ".join(f"`{key}`" for key in given)
        yield Complaint(key_path(loc), f"has {both}; keep one of {choice}.")
    # A mistyped key is complained about already, with the key that was meant.
    strangers = [key for key in rule if key not in RuleShape.model_fields]
    if not given and not any(probably_meant(key, loc) in keys for key in strangers):
        yield Complaint(key_path(loc), f"needs one of {choice}.")
