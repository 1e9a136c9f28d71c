"""What holds between the keys of one rule, and between rules for interrupts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from bot.approvals.policy.complaints import Complaint, Loc, key_path, kind
from bot.approvals.policy.match import name_matches
from bot.approvals.policy.plain import Keys, exactly_one, items, mapping, said_once
from bot.approvals.policy.schema import AnswersShape, RuleShape, keys_of
from bot.approvals.policy.words import probably_meant, unknown_key

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
    """Whether some name fits both rules."""
    return any(
        name_matches(a, b.removesuffix("*")) or name_matches(b, a.removesuffix("*"))
        for a in items(one.get("interrupts"))
        for b in items(other.get("interrupts"))
        if isinstance(a, str) and isinstance(b, str)
    )
