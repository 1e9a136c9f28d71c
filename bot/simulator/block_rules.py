"""The words that the limits of blocks are written in; each rule checks one value."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypedDict

from bot.simulator.shapes import Json, as_list, as_object


class BlockError(TypedDict):
    """One complaint; `pointer` is a JSON pointer from the list of blocks."""

    code: str
    message: str
    field: str
    pointer: str


@dataclass
class Report:
    """The complaints so far, and the surface that the blocks are for."""

    surface: str = "message"
    errors: list[BlockError] = field(default_factory=list[BlockError])

    def add(self, code: str, message: str, pointer: str) -> None:
        """Note a complaint about the value at the pointer."""
        name = pointer.rpartition("/")[2]
        self.errors.append(
            {"code": code, "message": message, "field": name, "pointer": pointer}
        )


Rule: TypeAlias = Callable[[Any, str, Report], None]


@dataclass(frozen=True)
class Fields:
    """The keys of an object: those that must be there, and those that may."""

    required: Mapping[str, Rule] = field(default_factory=dict[str, Rule])
    optional: Mapping[str, Rule] = field(default_factory=dict[str, Rule])
    also: Rule | None = None

    def __call__(self, value: object, pointer: str, report: Report) -> None:
        """Check keys and values, then what concerns several of them."""
        found = as_object(value)
        if found is None:
            report.add("invalid_type", "must provide an object", pointer)
            return
        for name in self.required.keys() - found.keys():
            message = f"missing required field: {name}"
            report.add("missing_field", message, pointer)
        rules = {**self.required, **self.optional}
        for name, inner in found.items():
            if name == "type":
                continue
            if name not in rules:
                message = f"invalid additional property: {name}"
                report.add("unknown_field", message, f"{pointer}/{name}")
            else:
                rules[name](inner, f"{pointer}/{name}", report)
        if self.also is not None:
            self.also(found, pointer, report)


def string(maximum: int, minimum: int = 1) -> Rule:
    """Demand a string of so many characters."""

    def check(value: object, pointer: str, report: Report) -> None:
        if not isinstance(value, str):
            report.add("invalid_type", "must provide a string", pointer)
        elif len(value) > maximum:
            message = f"must be less than {maximum + 1} characters"
            report.add("too_long", message, pointer)
        elif len(value) < minimum:
            message = f"must be more than {minimum - 1} characters"
            report.add("too_short", message, pointer)

    return check


def boolean(value: object, pointer: str, report: Report) -> None:
    """Demand true or false."""
    if not isinstance(value, bool):
        report.add("invalid_type", "must provide a boolean", pointer)


def number(value: object, pointer: str, report: Report) -> None:
    """Demand a number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        report.add("invalid_type", "must provide a number", pointer)


def integer(minimum: int, maximum: int) -> Rule:
    """Demand a whole number within the bounds."""

    def check(value: object, pointer: str, report: Report) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            report.add("invalid_type", "must provide an integer", pointer)
        elif not minimum <= value <= maximum:
            message = f"must be between {minimum} and {maximum}"
            report.add("out_of_range", message, pointer)

    return check


def matching(pattern: str, example: str) -> Rule:
    """Demand a string of a form; the example says which."""
    form = re.compile(pattern)

    def check(value: object, pointer: str, report: Report) -> None:
        if not isinstance(value, str):
            report.add("invalid_type", "must provide a string", pointer)
        elif form.fullmatch(value) is None:
            report.add("invalid_value", f"must look like {example}", pointer)

    return check


def or_null(rule: Rule) -> Rule:
    """Let null stand in the place of what the rule demands."""

    def check(value: object, pointer: str, report: Report) -> None:
        if value is not None:
            rule(value, pointer, report)

    return check


def one_of(*allowed: str) -> Rule:
    """Demand one of the words."""

    def check(value: object, pointer: str, report: Report) -> None:
        if value not in allowed:
            message = f"must be one of: {', '.join(allowed)}"
            report.add("invalid_value", message, pointer)

    return check


def listing(rule: Rule, maximum: int, minimum: int = 1) -> Rule:
    """Demand an array of so many items, each as the rule says."""

    def check(value: object, pointer: str, report: Report) -> None:
        items = as_list(value)
        if items is None:
            report.add("invalid_type", "must provide an array", pointer)
            return
        if len(items) > maximum:
            message = f"no more than {maximum} items allowed"
            report.add("too_many", message, pointer)
        if len(items) < minimum:
            message = f"no fewer than {minimum} items allowed"
            report.add("too_few", message, pointer)
        for index, item in enumerate(items):
            rule(item, f"{pointer}/{index}", report)

    return check


def typed(table: Mapping[str, Rule]) -> Rule:
    """Demand an object whose `type` stands in the table, as the table says."""

    def check(value: object, pointer: str, report: Report) -> None:
        kind = (as_object(value) or {}).get("type")
        rule = table.get(kind) if isinstance(kind, str) else None
        if rule is None:
            report.add("invalid_type", f"unsupported type: {kind}", pointer)
        else:
            rule(value, pointer, report)

    return check


def any_of_fields(*names: str) -> Rule:
    """Demand at least one of the keys."""

    def check(value: Json, pointer: str, report: Report) -> None:
        if not any(value.get(name) for name in names):
            message = f"missing required field: {' or '.join(names)}"
            report.add("missing_field", message, pointer)

    return check


def not_both(first: str, second: str) -> Rule:
    """Refuse two keys together."""

    def check(value: Json, pointer: str, report: Report) -> None:
        if value.get(first) and value.get(second):
            message = f"cannot provide both {first} and {second}"
            report.add("conflicting_fields", message, pointer)

    return check


def in_order(lower: str, upper: str) -> Rule:
    """Refuse a lower bound that is over the upper one; both may be strings."""

    def check(value: Json, pointer: str, report: Report) -> None:
        low, high = _as_number(value.get(lower)), _as_number(value.get(upper))
        if low is not None and high is not None and low > high:
            message = f"must not be more than {upper}"
            report.add("out_of_range", message, f"{pointer}/{lower}")

    return check


def _as_number(value: object) -> float | None:
    try:
        return float(value) if isinstance(value, str | int | float) else None
    except ValueError:
        return None


def all_of(*rules: Rule) -> Rule:
    """Demand what each of the rules demands."""

    def check(value: object, pointer: str, report: Report) -> None:
        for rule in rules:
            rule(value, pointer, report)

    return check
