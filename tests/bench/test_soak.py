"""The soak itself: its schedule, its judgement, and a short one."""

from __future__ import annotations

import pytest

from tests.bench.schedule import schedule
from tests.bench.soak import Soaked, soak, table


def test_the_seed_determines_the_schedule():
    assert schedule(7, 120) == schedule(7, 120)
    assert schedule(7, 120) != schedule(8, 120)
    kinds = {event.kind for event in schedule(7, 120)}
    assert kinds == {"say", "click", "kill", "slack", "database"}
    times = [event.at for event in schedule(7, 120)]
    assert times == sorted(times)
    assert times[-1] < 120


@pytest.mark.parametrize("what", ["lost", "doubled", "unapproved", "wrong"])
def test_anything_wrong_makes_it_bad(what: str):
    found = Soaked(1, 60.0)
    assert found.is_good
    setattr(found, what, ["a card"] if what == "wrong" else 1)
    assert not found.is_good
    assert ("a card" in table(found)) is (what == "wrong")


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_a_short_soak_loses_and_doubles_nothing():
    found = await soak(4, 15.0)

    assert found.is_good, table(found)
    assert found.done["say"] > 0
    assert found.done["kill"] > 0
    assert "0 lost, 0 doubled, 0 unapproved" in table(found)
