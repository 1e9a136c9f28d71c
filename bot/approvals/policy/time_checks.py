"""Times that cannot come true: checked once every value is what it should be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from bot.approvals.policy.complaints import Complaint, Loc, key_path, shown
from bot.approvals.policy.fields import WEEKDAYS, in_units
from bot.approvals.policy.schema import (
    DefaultsShape,
    HoursShape,
    PolicyShape,
    StageShape,
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
