"""Delegations: who stands in for whom, and until when exactly."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from bot.approvals.eligibility import PolicyContext, stands_for
from bot.approvals.model import Askers, Person, Stage
from bot.approvals.policy.model import Delegation, Policy, standing_in
from tests.support.policies import make_policy


def policy(delegations: str, *, timezone: str = "UTC", managers: str = "") -> Policy:
    parts = {"delegations": f"[{delegations}]"} if delegations else {}
    return make_policy(
        defaults=f"{{timezone: {timezone}}}",
        approvers={
            "managers": f"{{users: [U01, U02]{managers}}}",
            "deputies": ("U08",),
            "finance": "{usergroup: S01}",
        },
        **parts,
    )


ONE = "{from: U01, to: U09, until: 2026-12-31}"


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def is_in_force(timezone: str, now: str) -> bool:
    return bool(standing_in(policy(ONE, timezone=timezone), "managers", at(now)))


@pytest.mark.parametrize(
    ("timezone", "now", "in_force"),
    [
        ("UTC", "2020-01-01T00:00:00+00:00", True),
        ("UTC", "2026-12-31T00:00:00+00:00", True),
        ("UTC", "2026-12-31T23:59:59.999999+00:00", True),
        ("UTC", "2027-01-01T00:00:00+00:00", False),
        ("UTC", "2027-01-01T00:30:00+01:00", True),
        ("Asia/Tokyo", "2026-12-31T14:59:59+00:00", True),
        ("Asia/Tokyo", "2026-12-31T15:00:00+00:00", False),
        ("America/New_York", "2027-01-01T04:59:59+00:00", True),
        ("America/New_York", "2027-01-01T05:00:00+00:00", False),
        ("Pacific/Kiritimati", "2026-12-31T09:59:59+00:00", True),
        ("Pacific/Kiritimati", "2026-12-31T10:00:00+00:00", False),
    ],
)
def test_the_last_day_ends_in_the_policys_time_zone(timezone, now, in_force):
    assert is_in_force(timezone, now) is in_force


@pytest.mark.parametrize(
    ("last_day", "now", "in_force"),
    [
        # the clocks go forward: 29 March has 23 hours and ends at 23:00 UTC
        ("2026-03-29", "2026-03-29T22:59:59+00:00", True),
        ("2026-03-29", "2026-03-29T23:00:00+00:00", False),
        ("2026-03-28", "2026-03-28T23:59:59+00:00", True),
        ("2026-03-28", "2026-03-29T00:00:00+00:00", False),
        # they go back: 25 October has 25 hours and ends at 00:00 UTC
        ("2026-10-25", "2026-10-25T23:59:59+00:00", True),
        ("2026-10-25", "2026-10-26T00:00:00+00:00", False),
        ("2026-10-24", "2026-10-24T22:59:59+00:00", True),
        ("2026-10-24", "2026-10-24T23:00:00+00:00", False),
    ],
)
def test_a_day_of_clock_change_ends_at_its_own_midnight(last_day, now, in_force):
    one = f"{{from: U01, to: U09, until: {last_day}}}"
    london = policy(one, timezone="Europe/London")
    assert bool(standing_in(london, "managers", at(now))) is in_force


NOW = at("2026-06-01T12:00:00+00:00")


def test_several_may_stand_in_for_one_and_one_for_several():
    several = policy(
        "{from: U01, to: U08, until: 2026-12-31},"
        "{from: U01, to: U09, until: 2026-12-31},"
        "{from: U02, to: U08, until: 2026-12-31},"
        "{from: U02, to: U09, until: 2026-05-31}"
    )
    assert standing_in(several, "managers", NOW) == {
        "U01": ("U08", "U09"),
        "U02": ("U08",),
    }


def test_a_delegate_does_not_pass_it_on():
    passed_on = policy(
        "{from: U01, to: U08, until: 2026-12-31},"
        "{from: U08, to: U09, until: 2026-12-31}"
    )
    assert standing_in(passed_on, "managers", NOW)["U01"] == ("U08",)


def test_a_group_may_limit_who_stands_in_for_it():
    both = "{from: U01, to: U09, until: 2026-12-31},"
    both += "{from: U01, to: U08, until: 2026-12-31}"
    some = policy(both, managers=", delegable_to: deputies")
    assert standing_in(some, "managers", NOW) == {"U01": ("U08",)}
    assert standing_in(some, "finance", NOW) == {"U01": ("U09", "U08")}
    nobody = policy(ONE, managers=", delegable_to: deputies")
    assert standing_in(nobody, "managers", NOW) == {}


def test_requesters_and_removed_groups_have_no_delegates():
    assert standing_in(policy(ONE), "requester", NOW) == {}
    assert standing_in(policy(ONE), "directors", NOW) == {}


def test_what_people_give_counts_where_a_group_lets_them():
    given = Delegation("U01", "U08", dt.date(2026, 12, 31), given=True)
    open_to = replace(
        policy("", managers=", delegable_to: deputies"), delegations=(given,)
    )
    closed = replace(policy(""), delegations=(given,))
    assert standing_in(open_to, "managers", NOW) == {"U01": ("U08",)}
    assert standing_in(closed, "managers", NOW) == {}
    assert standing_in(open_to, "finance", NOW) == {}


def test_a_delegate_is_known_by_whom_they_stand_in_for():
    stage = Stage("managers", ("U01", "U02"))
    both = "{from: U01, to: U09, until: 2026-12-31},"
    both += "{from: U01, to: U02, until: 2026-12-31}"
    context = PolicyContext(policy(both), NOW, {})
    asked = Askers(Person("", "T1", "U05"))
    assert stands_for(stage, asked, context) == {"U09": "U01"}
    by_principal = Askers(Person("", "T1", "U01"))
    assert stands_for(stage, by_principal, context) == {}
