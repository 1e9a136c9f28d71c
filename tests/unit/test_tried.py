"""A post is remembered for as long as a crash may undo the note of it."""

from __future__ import annotations

import time

from bot.slack import delivery
from bot.slack.delivery import Tried


def test_a_post_is_remembered_until_its_note_is_stored(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    seen = Tried()
    assert "d1" not in seen
    seen.begin("d1")
    now[0] += 1_000
    assert "d1" in seen  # nobody knows yet whether it stands
    seen.noted("d1")
    now[0] += delivery.FORGETS - 1
    assert "d1" in seen
    now[0] += 2
    assert "d1" not in seen


def test_what_was_never_begun_is_not_remembered():
    seen = Tried()
    seen.noted("d1")
    assert "d1" not in seen
