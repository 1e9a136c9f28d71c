"""When silence brings a reminder or an escalation: pure, and in UTC throughout."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Iterable
from dataclasses import dataclass, replace

from bot.approvals.model import Hours, Request, Stage
from bot.approvals.policy.model import zone

DAY = dt.timedelta(days=1)
AT_ONCE = dt.timedelta()


class Event(enum.StrEnum):
    """An event of a stage that stays open; the kind of the message about it."""

    REMINDER = "reminder"
    ESCALATION = "escalation"


@dataclass(frozen=True)
class Moment:
    """Something that comes at an instant, if nobody decides before."""

    event: Event
    at: dt.datetime


@dataclass(frozen=True)
class Nudge:
    """The one message that is due now because a stage stays silent.

    Attributes:
        event: the kind of the message: the newest of all that is due.
        reminds, escalates: what of it is due; the message covers both.
    """

    event: Event
    reminds: bool
    escalates: bool


def upcoming(request: Request) -> list[Moment]:
    """Return what is still to come before the open stage is over, earliest first.

    What is due already and not done is included. Empty for a closed request.
    """
    stage = request.chain.open_stage
    if not request.is_open or stage is None or stage.opened_at is None:
        return []
    until = request.deadline.astimezone(dt.UTC)
    opened = stage.opened_at.astimezone(dt.UTC)
    moments = [
        *_escalation(stage, opened, request.terms.hours, until),
        *_reminders(stage, opened, request.terms.hours, until),
    ]
    return sorted(moments, key=lambda moment: moment.at)


def due(request: Request, now: dt.datetime) -> Nudge | None:
    """Return what to do now; None if nothing is due or the time is over.

    However much is due, there is one message: the newest. At one instant it is the
    reminder, which mentions those who join as well.
    """
    if now >= request.deadline or not runs(request.terms.hours, now):
        return None
    late = [moment for moment in upcoming(request) if moment.at <= now]
    if not late:
        return None
    events = {moment.event for moment in late}
    newest = max(late, key=lambda each: (each.at, each.event is Event.REMINDER))
    return Nudge(newest.event, Event.REMINDER in events, Event.ESCALATION in events)


def nudged(request: Request, nudge: Nudge, now: dt.datetime) -> Request:
    """The request once the nudge is given."""
    chain, index = request.chain, request.chain.stage_index
    stage = chain.stages[index]
    stage = replace(
        stage,
        reminded_at=now if nudge.reminds else stage.reminded_at,
        escalated_at=now if nudge.escalates else stage.escalated_at,
    )
    stages = (*chain.stages[:index], stage, *chain.stages[index + 1 :])
    return replace(request, chain=replace(chain, stages=stages))


def wakes_at(request: Request, now: dt.datetime) -> dt.datetime | None:
    """When to look at the request next; None: its deadline is all that comes.

    What was due while nobody looked waits for the hours as well.
    """
    coming = upcoming(request)
    if not coming or coming[0].at > now:
        return coming[0].at if coming else None
    return after(now.astimezone(dt.UTC), AT_ONCE, request.terms.hours, request.deadline)


def runs(hours: Hours | None, now: dt.datetime) -> bool:
    """Return whether the clock of reminders and escalations runs at this instant."""
    here = now.astimezone(dt.UTC)
    return after(here, AT_ONCE, hours, here + dt.timedelta(seconds=1)) == here


def earliest(stage: Stage) -> dt.timedelta | None:
    """Since its opening, when something can come at the earliest: hours only delay."""
    escalation = stage.times.escalation
    waits = [*stage.times.reminders, *([escalation.after] if escalation else [])]
    return min(waits, default=None)


def _escalation(
    stage: Stage, opened: dt.datetime, hours: Hours | None, until: dt.datetime
) -> Iterable[Moment]:
    escalation = stage.times.escalation
    if escalation is None or stage.escalated_at is not None:
        return
    at = after(opened, escalation.after, hours, until)
    if at is not None:
        yield Moment(Event.ESCALATION, at)


def _reminders(
    stage: Stage, opened: dt.datetime, hours: Hours | None, until: dt.datetime
) -> Iterable[Moment]:
    """Yield the reminders that are not sent yet.

    They back off: after one that came late, the next one comes no sooner than after
    half of what the policy has between them.
    """
    before, told = opened, stage.reminded_at
    for reminder in stage.times.reminders:
        planned = after(opened, reminder, hours, until)
        if planned is None:
            return
        if stage.reminded_at is None or planned > stage.reminded_at:
            soonest = planned if told is None else told + (planned - before) / 2
            at = after(max(planned, soonest), AT_ONCE, hours, until)
            if at is None:
                return
            yield Moment(Event.REMINDER, at)
            told = at
        before = planned


def after(
    start: dt.datetime, wait: dt.timedelta, hours: Hours | None, until: dt.datetime
) -> dt.datetime | None:
    """Return the instant by which so much of the hours has passed since `start`.

    Args:
        start, until: in UTC.

    Returns:
        In UTC; None if that is not before `until`.
    """
    left = wait
    for begin, end in _windows(start, hours, until):
        if begin + left < end:
            return begin + left
        left -= end - begin
    return None


def _windows(
    start: dt.datetime, hours: Hours | None, until: dt.datetime
) -> Iterable[tuple[dt.datetime, dt.datetime]]:
    """When the clock runs between two instants, in UTC."""
    if hours is None:
        yield start, until
        return
    here = zone(hours.zone)
    day, last = start.astimezone(here).date(), until.astimezone(here).date()
    while day <= last:
        if day.weekday() in hours.days:
            begin = max(_instant(day, hours.begin, here), start)
            end = min(_instant(day, hours.end, here), until)
            if begin < end:
                yield begin, end
        day += DAY


def _instant(day: dt.date, minutes: int, here: dt.tzinfo) -> dt.datetime:
    """A time of a local day in UTC, the earlier one where the clocks show it twice."""
    midnight = dt.datetime.combine(day, dt.time())
    return (
        (midnight + dt.timedelta(minutes=minutes))
        .replace(tzinfo=here)
        .astimezone(dt.UTC)
    )
