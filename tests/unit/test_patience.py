"""When a job is tried again, and when it is given up."""

from __future__ import annotations

import asyncio

import psycopg
import pytest
from procrastinate.jobs import Job
from psycopg_pool import PoolTimeout

from bot.base.errors import RetryLater, SlackUnavailable
from bot.jobs.queue import TRIES_OF_A_BUG, Patience


def wait(exception: BaseException, attempts: int = 0) -> int | None:
    """Seconds until the next try, or None."""
    job = Job(
        id=1,
        queue="runs",
        lock="c",
        queueing_lock=None,
        task_name="turn",
        attempts=attempts,
    )
    decision = Patience().get_retry_decision(exception=exception, job=job)
    if decision is None:
        return None
    before = decision.retry_at
    assert before is not None
    import datetime as dt

    return round((before - dt.datetime.now(dt.UTC)).total_seconds())


TRANSIENT = [psycopg.OperationalError(), PoolTimeout()]


@pytest.mark.parametrize("trouble", TRANSIENT, ids=lambda t: type(t).__name__)
def test_passing_trouble_is_retried_more_slowly_and_never_given_up(trouble):
    waits = [wait(trouble, attempts) for attempts in (0, 1, 2, 5, 6, 100, 10_000)]
    assert waits == [1, 2, 4, 32, 60, 60, 60]


def test_slack_is_asked_again_after_fifteen_seconds_at_most():
    waits = [wait(SlackUnavailable(), attempts) for attempts in (0, 1, 2, 3, 4, 99)]
    assert waits == [1, 2, 4, 8, 15, 15]


def test_a_bug_is_tried_a_few_times():
    waits = [wait(KeyError("x"), attempts) for attempts in range(6)]
    assert waits == [1, 2, 4, None, None, None]
    assert TRIES_OF_A_BUG == 3


def test_a_wait_named_by_the_other_side_is_kept():
    assert [wait(RetryLater(45), attempts) for attempts in (0, 3, 99)] == [45] * 3


@pytest.mark.parametrize("cut", [asyncio.CancelledError(), KeyboardInterrupt()])
def test_what_a_shutdown_cuts_off_is_tried_at_once(cut):
    assert wait(cut, 99) == 0
