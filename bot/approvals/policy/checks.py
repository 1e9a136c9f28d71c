"""Check what holds between the keys of a policy file, on its plain data."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, cast

from pydantic import BaseModel

from bot.approvals.model import REQUESTER
from bot.approvals.policy.complaints import Complaint, Loc, key_path, kind, shown
from bot.approvals.policy.match import name_matches
from bot.approvals.policy.model import DEFAULT_STAGES
from bot.approvals.policy.schema import (
    AnswersShape,
    DefaultsShape,
    GroupShape,
    HoursShape,
    PolicyShape,
    RuleShape,
    StageShape,
    keys_of,
    probably_meant,
    unknown_key,
)
from bot.approvals.policy.types import WEEKDAYS, in_units

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


_NAMES = ("tools", "interrupts")
_EFFECTS = ("stages", "approval", "deny")
_OF_DEMANDS = ("allow", "confirm", "critical", "links")
_EMPTY: tuple[object, ...] = (None, "", [], {})  # complained about elsewhere
_WAYS = ("words", "booleans")
_OUTCOMES = tuple(keys_of(AnswersShape))


def check_rule(rule: Keys, loc: Loc) -> Iterable[Complaint]:
    """Complain about keys of a rule that do not go together."""
    yield from exactly_one(rule, _NAMES, loc, RuleShape)
    yield from exactly_one(rule, _EFFECTS, loc, RuleShape)
    yield from check_chain(rule, loc)
    yield from said_once(items(rule.get("allow")), (*loc, "allow"), "remove it")
    if "interrupts" in rule and "approval" in rule:
        sentence = "a raw interrupt is never waived; use `stages` or `deny: true`."
        yield Complaint(key_path((*loc, "approval")), sentence)
    for key in _OF_DEMANDS:
        if (
            key in rule
            and "stages" not in rule
            and ("approval" in rule or "deny" in rule)
        ):
            sentence = (
                "goes with `stages` alone, since nobody is asked here; remove it."
            )
            yield Complaint(key_path((*loc, key)), sentence)
    if "answers" in rule:
        yield from _check_answers(rule, (*loc, "answers"))


def check_chain(holder: Keys, loc: Loc) -> Iterable[Complaint]:
    """A group counts once in a chain, so a second time would silently be lost."""
    groups = [mapping(stage).get("approvers") for stage in items(holder.get("stages"))]
    yield from said_once(groups, (*loc, "stages"), "ask for a larger `quorum`")


def answers_agree(rules: Mapping[int, Keys]) -> Iterable[Complaint]:
    """Complain about rules that resume one interrupt in two ways."""
    known = {index: each for index, each in rules.items() if "answers" in each}
    for index, rule in known.items():
        for other in (earlier for earlier in known if earlier < index):
            agree = _text(known[other]["answers"]) == _text(rule["answers"])
            if not agree and _overlap(known[other], rule):
                sentence = (
                    f"rules[{other}] may name the same interrupt and says otherwise; "
                    "say the same in both."
                )
                yield Complaint(key_path(("rules", index, "answers")), sentence)


def _check_answers(rule: Keys, loc: Loc) -> Iterable[Complaint]:
    answers: object = rule["answers"]
    if "interrupts" not in rule:
        yield Complaint(key_path(loc), "goes with `interrupts` alone; remove it.")
    if outcomes := mapping(answers):
        yield from _check_outcomes(outcomes, loc)
    elif answers not in (*_WAYS, *_EMPTY):
        sentence = (
            "must be `words`, `booleans` or {approve: …, reject: …, timed_out: …}, "
            f"not {kind(answers)}."
        )
        yield Complaint(key_path(loc), sentence)


def _check_outcomes(answers: Keys, loc: Loc) -> Iterable[Complaint]:
    for key in answers:
        if key not in _OUTCOMES:
            yield Complaint(key_path((*loc, key)), unknown_key(key, loc))
    meant = {probably_meant(key, loc) for key in answers if key not in _OUTCOMES}
    for outcome in _OUTCOMES:
        if outcome in meant:
            continue
        if outcome not in answers:
            sentence = "is missing; write what the graph is resumed with."
            yield Complaint(key_path((*loc, outcome)), sentence)
        elif not _can_be_written(answers[outcome]):
            sentence = "holds half a character; write it out."
            yield Complaint(key_path((*loc, outcome)), sentence)
        elif outcome != "approve" and answers[outcome] == answers.get("approve", _NO):
            sentence = "is what `approve` says; the graph could not tell them apart."
            yield Complaint(key_path((*loc, outcome)), sentence)


_NO = object()


def _can_be_written(value: Any) -> bool:
    try:
        _text(value).encode()
    except UnicodeError:
        return False
    return True


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _overlap(one: Keys, other: Keys) -> bool:
    """Return whether some name fits both rules."""
    return any(
        name_matches(a, b.removesuffix("*")) or name_matches(b, a.removesuffix("*"))
        for a in items(one.get("interrupts"))
        for b in items(other.get("interrupts"))
        if isinstance(a, str) and isinstance(b, str)
    )


def check_times(shape: PolicyShape) -> Iterable[Complaint]:
    """Complain about what would never happen, or happen to nobody."""
    defaults = shape.defaults
    yield from _check_defaults(defaults)
    for loc, stage in _stages(shape):
        yield from _check_stage(stage, loc, defaults.timeout)


def _stages(shape: PolicyShape) -> Iterable[tuple[Loc, StageShape]]:
    for index, stage in enumerate(shape.defaults.stages or []):
        yield ("defaults", "stages", index), stage
    for number, rule in enumerate(shape.rules):
        for index, stage in enumerate(rule.stages):
            yield ("rules", number, "stages", index), stage


def _check_defaults(defaults: DefaultsShape) -> Iterable[Complaint]:
    loc = ("defaults", "reminders")
    yield from _check_reminders(defaults.reminders, loc, defaults.timeout)
    if defaults.hours is not None:
        yield from _check_hours(defaults.hours)


def _check_hours(hours: HoursShape) -> Iterable[Complaint]:
    if hours.end <= hours.begin:
        sentence = "must be later than `from`, on the same day."
        yield Complaint(key_path(("defaults", "hours", "to")), sentence)
    for index, day in enumerate(hours.days):
        if day in hours.days[:index]:
            sentence = f"{shown(WEEKDAYS[day])} stands here twice; remove it."
            yield Complaint(key_path(("defaults", "hours", "days", index)), sentence)


def _check_stage(stage: StageShape, loc: Loc, whole: timedelta) -> Iterable[Complaint]:
    if stage.timeout is not None and stage.timeout > whole:
        sentence = f"is longer than the whole request waits ({in_units(whole)})."
        yield Complaint(key_path((*loc, "timeout")), sentence)
    most = stage.timeout or whole
    yield from _check_reminders(stage.reminders or [], (*loc, "reminders"), most)
    escalate = stage.escalate
    if escalate is None:
        return
    if escalate.after >= most:
        path = key_path((*loc, "escalate", "after"))
        yield Complaint(path, f"comes too late: it is over after {in_units(most)}.")
    if escalate.to == stage.approvers:
        sentence = f"{shown(escalate.to)} decides this stage already; name others."
        yield Complaint(key_path((*loc, "escalate", "to")), sentence)


def _check_reminders(
    reminders: Sequence[timedelta], loc: Loc, most: timedelta
) -> Iterable[Complaint]:
    for index, reminder in enumerate(reminders):
        if reminder in reminders[:index]:
            sentence = f"{in_units(reminder)} stands here twice; remove it."
            yield Complaint(key_path((*loc, index)), sentence)
        elif reminder >= most:
            sentence = f"comes too late: it is over after {in_units(most)}."
            yield Complaint(key_path((*loc, index)), sentence)


Keys = Mapping[str, Any]


def mapping(value: Any) -> Keys:
    """The value if it is a mapping, else an empty one."""
    return cast("Keys", value) if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def mappings(value: Any) -> Iterable[tuple[str, Keys]]:
    """The mappings that stand in a mapping, each with its key."""
    return ((name, mapping(inner)) for name, inner in mapping(value).items())


def said_once(values: Sequence[Any], loc: Loc, remedy: str) -> Iterable[Complaint]:
    """Complain about a text that stands in a list again."""
    for index, value in enumerate(values):
        if isinstance(value, str) and value in values[:index]:
            sentence = f"{shown(value)} stands here twice; {remedy}."
            yield Complaint(key_path((*loc, index)), sentence)


def exactly_one(
    holder: Keys, keys: tuple[str, ...], loc: Loc, shape: type[BaseModel]
) -> Iterable[Complaint]:
    """Complain if a mapping of this shape has several of these keys, or none."""
    given = [key for key in keys if key in holder]
    choice = ", ".join(f"`{key}`" for key in keys[:-1]) + f" or `{keys[-1]}`"
    if len(given) > 1:
        both = " and ".join(f"`{key}`" for key in given)
        yield Complaint(key_path(loc), f"has {both}; keep one of {choice}.")
    # A mistyped key is complained about already, with the key that was meant.
    strangers = [key for key in holder if key not in keys_of(shape)]
    if not given and not any(probably_meant(key, loc) in keys for key in strangers):
        yield Complaint(key_path(loc), f"needs one of {choice}.")
