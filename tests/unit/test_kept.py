"""What a process knows for a while is forgotten in time."""

from __future__ import annotations

import math
import time

from bot.slack.client import Kept


def test_what_is_kept_is_known_for_as_long(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    known = Kept()
    assert known.left("d1") == 0
    known.keep("d1", math.inf)
    now[0] += 1_000
    assert known.left("d1") == math.inf
    known.keep("d1", 30)
    now[0] += 29
    assert known.left("d1") == 1
    now[0] += 2
    assert known.left("d1") == 0


def test_what_is_over_takes_no_room(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    known = Kept()
    for number in range(1_000):
        known.keep(number, 10)
        now[0] += 1
    assert known.known() == [*range(991, 1_000)]
    assert len(vars(known)["_ends"]) < 50
