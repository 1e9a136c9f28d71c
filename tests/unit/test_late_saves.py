"""A run's own time: it is saved late, but never once it is over; and its clock."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

from bot.approvals import run as module
from bot.approvals.run import Run, clock_from
from bot.base import time_limits
from bot.conversations.engine import _save_late


@pytest.fixture
def saves(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(time_limits, "_in_force", time_limits.TimeLimits(unsaved=0.001))
    return list[str]()


def run_of(saves: list[str]) -> Run:
    async def save() -> None:
        saves.append("saved")

    return Run("T1", "c1", 1, {}, save=save)


async def test_a_run_that_takes_long_is_saved(saves: list[str]):
    await _save_late(run_of(saves))
    assert saves == ["saved"]


async def test_no_save_begins_once_the_run_is_over(saves: list[str]):
    """Its time is up in the same turn of the loop in which the run ends."""
    late = asyncio.create_task(_save_late(run_of(saves)))
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_later(0.001, late.cancel)
    time.sleep(0.01)  # noqa: ASYNC251 - both are due when the loop looks again
    await asyncio.wait({late})
    assert (late.cancelled(), saves) == (True, [])


async def test_a_late_save_that_fails_is_left_to_the_next(saves: list[str]):
    async def save() -> None:
        saves.append("tried")
        raise OSError

    await _save_late(Run("T1", "c1", 1, {}, save=save))
    assert saves == ["tried"]


def test_its_clock_goes_on_from_the_databases(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "monotonic", iter([10.0, 12.5]).__next__)
    began = datetime(2031, 2, 3, tzinfo=UTC)
    assert clock_from(began)() == began + timedelta(seconds=2.5)
