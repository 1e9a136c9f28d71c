"""A run's own time: it is saved late, but never once it is over; and its clock."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import Mock

import pytest

from bot.approvals import run as module
from bot.approvals.run import Run, clock_from
from bot.base import time_limits
from bot.conversations.engine import Engine, ServedGraph
from bot.conversations.run_saver import RunSaver


class Saver:
    """Notes that a late save began."""

    def __init__(self) -> None:
        self.began = asyncio.Event()

    def save_late(self) -> None:
        self.began.set()


@pytest.fixture
def saver() -> Any:
    return Saver()


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    monkeypatch.setattr(time_limits, "_in_force", time_limits.TimeLimits(unsaved=0))
    nothing: Any = None
    return Engine(ServedGraph(nothing, {}, str, is_own=True), nothing)


@pytest.fixture
def run() -> Run:
    return Run("T1", "c1", 1, {})


async def test_a_run_that_takes_long_is_saved(engine: Engine, run: Run, saver: Any):
    async with engine._draining(run, saver), asyncio.timeout(5):
        await saver.began.wait()


async def test_no_save_begins_once_the_run_is_over(
    engine: Engine, run: Run, saver: Any
):
    """Its time is up in the same turn of the loop in which the run ends."""
    async with engine._draining(run, saver):
        await asyncio.sleep(0)  # when the loop looks again, both are due
    await asyncio.sleep(0)
    assert not saver.began.is_set()


async def test_a_late_save_that_fails_is_left_to_the_next(run: Run):
    run.unsaved = rows = Mock(side_effect=OSError)
    no_pool: Any = None
    RunSaver(no_pool, run).save_late()
    rows.assert_called_once()
    assert run.unsaved is rows


def test_its_clock_goes_on_from_the_databases(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "monotonic", iter([10.0, 12.5]).__next__)
    began = datetime(2031, 2, 3, tzinfo=UTC)
    assert clock_from(began)() == began + timedelta(seconds=2.5)
