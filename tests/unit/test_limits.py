"""RATE_LIMIT: so many of a kind for each person within a span."""

from __future__ import annotations

from bot.approvals.model import Person
from bot.variables import Rate
from bot.web.limits import Limits

MINA, OMAR = Person("", "T1", "U0MINA"), Person("", "T1", "U0OMAR")


def test_each_person_has_so_many_of_a_kind_within_the_span():
    now = [0.0]
    limits = Limits([Rate("clicks", 2, 60)], lambda: now[0])
    assert [limits.wait("clicks", MINA) for _ in range(3)] == [0, 0, 60]
    assert limits.wait("clicks", OMAR) == 0, "another person"
    assert [limits.wait("messages", MINA) for _ in range(9)] == [0] * 9, "no such rate"
    now[0] = 59.5
    assert limits.wait("clicks", MINA) == 1
    now[0] = 60
    assert [limits.wait("clicks", MINA) for _ in range(3)] == [0, 0, 60]
