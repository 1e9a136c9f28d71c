"""Check what holds between the keys of a policy file, on its plain data."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, cast

from pydantic import BaseModel

from bot.approvals.model import REQUESTER
from bot.approvals.policy import complaints
from bot.approvals.policy.complaints import Complaint, Loc, key_path, shown
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
    if "answers" in (interrupts := mapping(data.get("interrupts"))):
        yield from check_answers(interrupts["answers"], ("interrupts", "answers"))


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
        yield Complaint.at(loc, complaints.BUILT_IN)
    if group:
        yield from exactly_one(group, _SOURCES, loc, GroupShape)
    yield from said_once(items(group.get("users")), (*loc, "users"))
    if "open" in group and "channel" not in group:
        yield Complaint.at((*loc, "open"), complaints.WITH_CHANNEL)
    delegates = group.get("delegable_to")
    if delegates == REQUESTER or (
        isinstance(delegates, str) and "users" not in groups.get(delegates, _UNKNOWN)
    ):
        yield Complaint.at((*loc, "delegable_to"), complaints.LISTS_USERS)


_UNKNOWN: Keys = {"users": []}  # a group that is not there has its own complaint


def _check_delegations(delegations: list[Any]) -> Iterable[Complaint]:
    pairs: list[tuple[str, str]] = []
    for index, each in enumerate(map(mapping, delegations)):
        loc = ("delegations", index)
        principal, delegate = each.get("from"), each.get("to")
        if not isinstance(principal, str) or not isinstance(delegate, str):
            continue
        if principal == delegate:
            yield Complaint.at((*loc, "to"), complaints.SAME_PERSON)
        elif (principal, delegate) in pairs:
            yield Complaint.at(loc, complaints.SAME_TWO)
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
            yield Complaint(f"{place}.name", complaints.name_taken(name, owner))


_NAMES = ("tools", "interrupts")
_EFFECTS = ("stages", "approval", "deny")
_OF_DEMANDS = (
    "allow",
    "confirm",
    "critical",
    "links",
    "title",
    "risk",
    "reject",
    "standing",
)
_OF_AGENTS = ("agents", "claim_within", "result_within")
_EMPTY: tuple[object, ...] = (None, "", [], {})  # complained about elsewhere
_WAYS = ("words", "booleans")
_KEYS = keys_of(AnswersShape)
_OUTCOMES = tuple(key for key in _KEYS if key != "answer")


def check_rule(rule: Keys, loc: Loc) -> Iterable[Complaint]:
    """Complain about keys of a rule that do not go together."""
    yield from exactly_one(rule, _NAMES, loc, RuleShape)
    yield from exactly_one(rule, _EFFECTS, loc, RuleShape)
    yield from check_chain(rule, loc)
    yield from said_once(items(rule.get("allow")), (*loc, "allow"))
    if "interrupts" in rule and "approval" in rule:
        yield Complaint.at((*loc, "approval"), complaints.NEVER_WAIVED)
    if "stages" not in rule and ("approval" in rule or "deny" in rule):
        for key in (key for key in _OF_DEMANDS if key in rule):
            yield Complaint.at((*loc, key), complaints.WITH_STAGES)
    yield from _check_agents(rule, loc)
    if "standing" in rule:
        yield from _check_standing(rule, (*loc, "standing"))
    if "answers" in rule:
        if "interrupts" not in rule:
            yield Complaint.at((*loc, "answers"), complaints.WITH_INTERRUPTS)
        yield from check_answers(rule["answers"], (*loc, "answers"))


def _check_standing(rule: Keys, loc: Loc) -> Iterable[Complaint]:
    if "interrupts" in rule:
        yield Complaint.at(loc, complaints.WITH_TOOLS)
    if rule.get("critical") is True:
        yield Complaint.at(loc, complaints.NEVER_AHEAD)


def _check_agents(rule: Keys, loc: Loc) -> Iterable[Complaint]:
    yield from said_once(items(rule.get("agents")), (*loc, "agents"))
    for key in (key for key in _OF_AGENTS if key in rule and "interrupts" in rule):
        yield Complaint.at((*loc, key), complaints.WITH_TOOLS)
    if "deny" in rule or rule.get("agents") == []:
        for key in (key for key in _OF_AGENTS[1:] if key in rule):
            yield Complaint.at((*loc, key), complaints.NOTHING_TO_CLAIM)


def check_chain(holder: Keys, loc: Loc) -> Iterable[Complaint]:
    """A group counts once in a chain, so a second time would silently be lost."""
    groups = [mapping(stage).get("approvers") for stage in items(holder.get("stages"))]
    yield from said_once(groups, (*loc, "stages"), complaints.LARGER_QUORUM)


def answers_agree(rules: Mapping[int, Keys]) -> Iterable[Complaint]:
    """Complain about rules that resume one interrupt in two ways."""
    known = {index: each for index, each in rules.items() if "answers" in each}
    for index, rule in known.items():
        for other in (earlier for earlier in known if earlier < index):
            agree = _text(known[other]["answers"]) == _text(rule["answers"])
            if not agree and _overlap(known[other], rule):
                loc = ("rules", index, "answers")
                yield Complaint.at(loc, complaints.answers_differ(other))


def check_answers(answers: object, loc: Loc) -> Iterable[Complaint]:
    """Complain about values that a graph could not be resumed with."""
    if outcomes := mapping(answers):
        yield from _check_outcomes(outcomes, loc)
    elif answers not in (*_WAYS, *_EMPTY):
        yield Complaint.at(loc, complaints.no_answers(answers))


def _check_outcomes(answers: Keys, loc: Loc) -> Iterable[Complaint]:
    for key in answers:
        if key not in _KEYS:
            yield Complaint.at((*loc, key), unknown_key(key, loc))
    meant = {probably_meant(key, loc) for key in answers if key not in _KEYS}
    yield from _check_shape(answers, (*loc, "answer"))
    if [*answers] != ["answer"]:  # else a text is all that the graph takes
        for outcome in (each for each in _OUTCOMES if each not in meant):
            yield from _check_outcome(outcome, answers, (*loc, outcome))


def _check_outcome(outcome: str, answers: Keys, loc: Loc) -> Iterable[Complaint]:
    if outcome not in answers:
        yield Complaint.at(loc, complaints.OUTCOME_MISSING)
    elif not _can_be_written(answers[outcome]):
        yield Complaint.at(loc, complaints.HALF_CHARACTER)
    elif outcome != "approve" and answers[outcome] == answers.get("approve", _NO):
        yield Complaint.at(loc, complaints.LIKE_APPROVE)


def _check_shape(answers: Keys, loc: Loc) -> Iterable[Complaint]:
    if "answer" not in answers:
        return
    if not _can_be_written(answers["answer"]):
        yield Complaint.at(loc, complaints.HALF_CHARACTER)
    elif "{text}" not in _text(answers["answer"]):
        yield Complaint.at(loc, complaints.NO_ROOM_FOR_TEXT)


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
        yield Complaint.at(("defaults", "hours", "to"), complaints.ENDS_BEFORE)
    for index, day in enumerate(hours.days):
        if day in hours.days[:index]:
            sentence = complaints.stands_twice(shown(WEEKDAYS[day]))
            yield Complaint.at(("defaults", "hours", "days", index), sentence)


def _check_stage(stage: StageShape, loc: Loc, whole: timedelta) -> Iterable[Complaint]:
    if stage.timeout is not None and stage.timeout > whole:
        sentence = complaints.longer_than_all(in_units(whole))
        yield Complaint.at((*loc, "timeout"), sentence)
    most = stage.timeout or whole
    yield from _check_reminders(stage.reminders or [], (*loc, "reminders"), most)
    escalate = stage.escalate
    if escalate is None:
        return
    if escalate.after >= most:
        sentence = complaints.too_late(in_units(most))
        yield Complaint.at((*loc, "escalate", "after"), sentence)
    if escalate.to == stage.approvers:
        sentence = complaints.decides_already(escalate.to)
        yield Complaint.at((*loc, "escalate", "to"), sentence)


def _check_reminders(
    reminders: Sequence[timedelta], loc: Loc, most: timedelta
) -> Iterable[Complaint]:
    for index, reminder in enumerate(reminders):
        if reminder in reminders[:index]:
            sentence = complaints.stands_twice(in_units(reminder))
            yield Complaint.at((*loc, index), sentence)
        elif reminder >= most:
            sentence = complaints.too_late(in_units(most))
            yield Complaint.at((*loc, index), sentence)


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


def said_once(
    values: Sequence[Any], loc: Loc, remedy: str = complaints.REMOVE
) -> Iterable[Complaint]:
    """Complain about a text that stands in a list again."""
    for index, value in enumerate(values):
        if isinstance(value, str) and value in values[:index]:
            sentence = complaints.stands_twice(shown(value), remedy)
            yield Complaint.at((*loc, index), sentence)


def exactly_one(
    holder: Keys, keys: tuple[str, ...], loc: Loc, shape: type[BaseModel]
) -> Iterable[Complaint]:
    """Complain if a mapping of this shape has several of these keys, or none."""
    given = [key for key in keys if key in holder]
    if len(given) > 1:
        yield Complaint.at(loc, complaints.several_of(given, keys))
    # A mistyped key is complained about already, with the key that was meant.
    strangers = [key for key in holder if key not in keys_of(shape)]
    if not given and not any(probably_meant(key, loc) in keys for key in strangers):
        yield Complaint.at(loc, complaints.none_of(keys))
