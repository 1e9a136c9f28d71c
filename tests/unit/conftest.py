"""The clock of the people that the bot has looked up."""

from __future__ import annotations

from types import SimpleNamespace

import pytest


@pytest.fixture
def directory_clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Tells the time to the directory, in seconds: `directory_clock.at += 60`."""
    from bot.slack import afresh, directory

    clock = SimpleNamespace(at=1000.0)
    fake = SimpleNamespace(monotonic=lambda: clock.at)
    for module in (afresh, directory):
        monkeypatch.setattr(module, "time", fake)
    return clock
