"""When reminders and escalations are due, whatever clocks and calendars do."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.approvals.deadlines import (
    Event,
    Moment,
    Nudge,
    after,
    clock_runs,
    due,
    earliest,
    nudged,
    upcoming,
    wakes_at,
)
from bot.approvals.model import Escalation, Hours, Request, Stage, Status, Target, Times
from tests.support.cards_samples import decision
from tests.support.request_builder import changed, request

REMINDER, ESCALATION = Event.REMINDER, Event.ESCALATION
OPENED = dt.datetime(2026, 11, 23, 9, 30, tzinfo=dt.UTC)  # a Monday
WEEK = (0, 1, 2, 3, 4)
BERLIN = "Europe/Berlin"
OFFICE = Hours(WEEK, 9 * 60, 17 * 60, BERLIN)
CEO = Target("ceo", ("U05",))


def h(hours: float) -> dt.timedelta:
    return dt.timedelta(hours=hours)


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def asked(
    times: Times,
    *,
    hours: Hours | None = None,
    opened: dt.datetime = OPENED,
    whole: float = 24,
) -> Request:
    stage = Stage("managers", ("U01",), opened_at=opened, times=times)
    return request(
        stages=(stage,), hours=hours, raised_at=opened, expires_at=opened + h(whole)
    )


def reminders(*hours: float, escalate: float = 0, timeout: float = 0) -> Times:
    return Times(
        h(timeout) if timeout else None,
        tuple(map(h, hours)),
        Escalation(h(escalate), (CEO,)) if escalate else None,
    )


def days_of(each: Request) -> list[tuple[str, float]]:
    """The events to come, each in hours since the opening."""
    return [(m.event, (m.at - OPENED) / h(1)) for m in upcoming(each)]


def test_what_comes_is_listed_in_order_up_to_the_deadline():
    full = reminders(4, 20, escalate=6)
    assert days_of(asked(full)) == [(REMINDER, 4), (ESCALATION, 6), (REMINDER, 20)]
    short = replace(full, timeout=h(6))
    assert days_of(asked(short)) == [(REMINDER, 4)]
    assert days_of(asked(full, whole=20)) == [(REMINDER, 4), (ESCALATION, 6)]


def test_closed_requests_and_unopened_stages_have_no_moments():
    waiting = asked(reminders(4, escalate=6))
    over = changed(waiting, status=Status.APPROVED)
    unopened = changed(
        waiting, stages=(replace(waiting.chain.stages[0], opened_at=None),)
    )
    for each in (over, unopened, asked(Times())):
        assert upcoming(each) == []
        assert due(each, OPENED + h(23)) is None
        assert wakes_at(each, OPENED) is None


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (3.99, None),
        (4, Nudge(REMINDER, reminds=True, escalates=False)),
        (6, Nudge(ESCALATION, reminds=True, escalates=True)),
        (19, Nudge(ESCALATION, reminds=True, escalates=True)),
        (20, Nudge(REMINDER, reminds=True, escalates=True)),
        (24, None),
    ],
)
def test_a_late_look_finds_one_thing_to_send_the_newest(at, expected):
    assert due(asked(reminders(4, 20, escalate=6)), OPENED + h(at)) == expected


def test_at_one_instant_the_reminder_speaks_for_both():
    both = asked(reminders(6, escalate=6))
    assert due(both, OPENED + h(6)) == Nudge(REMINDER, reminds=True, escalates=True)


def test_what_is_done_is_not_done_again():
    now = OPENED + h(6)
    nudge = due(waiting := asked(reminders(4, 6, escalate=5)), now)
    assert nudge is not None
    done = nudged(waiting, nudge, now)
    assert due(done, now) is None
    assert upcoming(done) == []
    [stage] = done.chain.stages
    assert (stage.reminded_at, stage.escalated_at) == (now, now)
    assert stage.joined == (CEO,)


@pytest.mark.parametrize(
    ("late", "following"),
    [
        (4, 20),  # in time
        (11.9, 20),
        (14, 22),  # half of the 16 hours in between stay in between
        (17, None),  # no time is left for it
    ],
)
def test_after_a_late_reminder_the_next_one_backs_off(late, following):
    waiting = asked(reminders(4, 20))
    [stage] = waiting.chain.stages
    told = changed(waiting, stages=(replace(stage, reminded_at=OPENED + h(late)),))
    expected = [] if following is None else [(REMINDER, following)]
    assert days_of(told) == expected


@pytest.mark.parametrize(
    ("opened", "wait", "expected"),
    [
        ("2026-11-23 09:00", 4, "2026-11-23 13:00"),  # Berlin is an hour ahead
        ("2026-11-23 15:00", 4, "2026-11-24 11:00"),  # an hour is left on that day
        ("2026-11-23 05:00", 0, "2026-11-23 08:00"),  # before the day begins
        ("2026-11-23 12:00", 4, "2026-11-24 08:00"),  # right at its end: the next
        ("2026-11-27 15:30", 1, "2026-11-30 08:30"),  # over a week-end
        ("2026-12-31 15:00", 2, "2027-01-01 09:00"),  # over the end of a year
        ("2028-02-28 15:00", 2, "2028-02-29 09:00"),  # into a leap day
        ("2027-02-26 15:00", 2, "2027-03-01 09:00"),  # into March of another year
        ("2026-03-27 15:00", 2, "2026-03-30 08:00"),  # the clocks go forward
        ("2026-10-23 14:00", 2, "2026-10-26 09:00"),  # they go back
    ],
)
def test_the_clock_runs_within_the_hours_alone(opened, wait, expected):
    at = utc(opened)
    assert after(at, h(wait), OFFICE, at + h(24 * 30)) == utc(expected)


@pytest.mark.parametrize(
    ("opened", "wait", "expected"),
    [
        ("2026-03-28 12:00", 24, "2026-03-29 12:00"),  # by the wall it is 25
        ("2026-10-24 12:00", 24, "2026-10-25 12:00"),  # by the wall it is 23
    ],
)
@pytest.mark.parametrize("here", ["UTC", BERLIN])
def test_without_office_hours_a_day_always_has_24_hours(opened, wait, expected, here):
    at = utc(opened).astimezone(ZoneInfo(here))
    waiting = asked(reminders(wait, timeout=wait + 1), opened=at, whole=100)
    assert upcoming(waiting) == [Moment(REMINDER, utc(expected))]
    assert waiting.deadline == utc(expected) + h(1)


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-11-23", 24)]
)
def test_a_whole_day_has_as_many_hours_as_it_has(day, hours):
    all_day = Hours(tuple(range(7)), 0, 24 * 60, BERLIN)
    begin = dt.datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(BERLIN))
    next_day = (dt.date.fromisoformat(day) + dt.timedelta(days=1)).isoformat()
    end = dt.datetime.fromisoformat(next_day).replace(tzinfo=ZoneInfo(BERLIN))
    begin, end = begin.astimezone(dt.UTC), end.astimezone(dt.UTC)
    assert end - begin == h(hours)
    assert after(begin, h(hours), all_day, end + h(1)) == end


def test_a_skipped_clock_hour_shortens_that_days_hours():
    night = Hours((6,), 2 * 60, 4 * 60, BERLIN)  # at 2 the clocks go to 3
    start = utc("2026-03-29 00:00")
    assert after(start, h(0), night, start + h(24)) == utc("2026-03-29 01:00")
    assert after(start, h(1), night, start + h(24 * 8)) == utc("2026-04-05 00:00")


def test_what_was_due_while_nobody_looked_waits_for_the_hours():
    waiting = asked(reminders(4), hours=OFFICE, whole=48)  # due at 13:30 UTC
    night = utc("2026-11-23 22:00")
    assert due(waiting, night) is None
    assert wakes_at(waiting, night) == utc("2026-11-24 08:00")
    assert due(waiting, utc("2026-11-24 08:00")) is not None


def test_a_reminder_falling_at_night_waits_for_the_day():
    waiting = asked(reminders(1, 7), hours=OFFICE, whole=72)
    assert [m.at for m in upcoming(waiting)] == [
        utc("2026-11-23 10:30"),
        utc("2026-11-24 08:30"),
    ]
    # half of those 22 hours after a reminder on Tuesday at 08:00 is at 19:00
    [stage] = waiting.chain.stages
    late = replace(stage, reminded_at=utc("2026-11-24 08:00"))
    assert upcoming(changed(waiting, stages=(late,))) == [
        Moment(REMINDER, utc("2026-11-25 08:00"))
    ]


def test_the_deadline_never_waits_for_the_hours():
    weekend = utc("2026-11-27 20:00")
    waiting = asked(reminders(1, timeout=4), hours=OFFICE, opened=weekend, whole=48)
    assert waiting.deadline == weekend + h(4)
    assert upcoming(waiting) == []


def test_the_earlier_of_stage_and_request_deadline_counts():
    first = Stage("a", ("U01",), opened_at=OPENED, times=reminders(timeout=4))
    second = Stage("b", ("U02",), times=reminders(timeout=2))
    waiting = changed(asked(Times()), stages=(first, second))
    assert waiting.deadline == OPENED + h(4)
    passed = replace(first, passed_at=OPENED + h(1))
    opened = replace(second, opened_at=OPENED + h(23))
    assert changed(waiting, stages=(passed, second)).deadline == OPENED + h(24)
    assert changed(waiting, stages=(passed, opened)).deadline == OPENED + h(24)
    decided = changed(waiting, decisions=(decision(),), stages=(passed,))
    assert decided.deadline == OPENED + h(24)


# --- whatever the policy, the calendar and the clock -------------------------------
zones = st.sampled_from(
    ["UTC", BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu",
     "Pacific/Apia", "America/Sao_Paulo"]
)  # fmt: skip
instants = st.datetimes(
    dt.datetime(2024, 1, 1), dt.datetime(2028, 12, 31), timezones=st.just(dt.UTC)
)
spans = st.integers(1, 20 * 86400).map(lambda seconds: dt.timedelta(seconds=seconds))


@st.composite
def some_hours(draw) -> Hours:
    begin = draw(st.integers(0, 24 * 60 - 1))
    days = draw(st.sets(st.integers(0, 6), min_size=1))
    end = draw(st.integers(begin + 1, 24 * 60))
    return Hours(tuple(sorted(days)), begin, end, draw(zones))


maybe_hours = st.none() | some_hours()


@st.composite
def requests(draw) -> Request:
    opened = draw(instants).astimezone(ZoneInfo(draw(zones)))
    targets = draw(st.none() | st.builds(Escalation, spans, st.just((CEO,))))
    planned = draw(st.lists(spans, max_size=4, unique=True))
    times = Times(draw(st.none() | spans), tuple(sorted(planned)), targets)
    whole = draw(st.integers(1, 24 * 30))
    return asked(times, hours=draw(maybe_hours), opened=opened, whole=whole)


@given(instants, spans, maybe_hours)
def test_hours_only_delay_and_more_time_never_comes_sooner(start, wait, hours):
    until = start + h(24 * 400)
    at, later = (after(start, w, hours, until) for w in (wait, wait + h(1)))
    assume(at is not None and later is not None)
    assert start + wait <= at < later
    assert later - at >= h(1)
    assert clock_runs(hours, at)


@given(requests())
def test_moments_are_in_order_within_hours_and_before_the_deadline(each):
    coming = upcoming(each)
    assert [m.at for m in coming] == sorted(m.at for m in coming)
    opened, first = each.chain.stages[0].opened_at, earliest(each.chain.stages[0])
    assert opened is not None
    for moment in coming:
        assert first is not None
        assert opened + first <= moment.at < each.deadline
        assert moment.at.tzinfo is dt.UTC
        assert clock_runs(each.terms.hours, moment.at)
        assert due(each, moment.at) is not None


@given(requests(), st.lists(st.integers(0, 24 * 31 * 60), max_size=12))
def test_whenever_it_is_looked_at_nothing_comes_twice(each, minutes):
    """Late, at night, often, or with a clock that has been put back."""
    opened = each.chain.stages[0].opened_at
    assert opened is not None
    sent: list[Event] = []
    moments = len(upcoming(each))
    for minute in minutes:
        now = opened.astimezone(dt.UTC) + dt.timedelta(minutes=minute)
        nudge = due(each, now)
        if nudge is None:
            continue
        assert clock_runs(each.terms.hours, now)
        assert now < each.deadline
        each = nudged(each, nudge, now)
        sent.append(nudge.event)
        assert due(each, now) is None
    assert len(sent) <= moments
    assert sent.count(ESCALATION) <= 1


@given(requests())
def test_whoever_sleeps_until_it_is_woken_misses_nothing(each):
    """By the waking alone every event comes at its time, and then there is silence."""
    planned = [moment.at for moment in upcoming(each)]
    now = each.raised_at.astimezone(dt.UTC)
    sent: list[dt.datetime] = []
    while (wake := wakes_at(each, now)) is not None:
        assert wake > now or due(each, now) is not None
        now = wake
        nudge = due(each, now)
        assert nudge is not None
        each = nudged(each, nudge, now)
        sent.append(now)
    assert sent == sorted(set(planned))
