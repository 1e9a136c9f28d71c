"""Two runs of a conversation in one process: one was taken for dead, and goes on."""

from __future__ import annotations

import asyncio

import pytest

from bot.conversations.stop_and_retry import Stopped, UnderWay


async def overlapping(under_way: UnderWay) -> tuple[asyncio.Event, list[asyncio.Task]]:
    """Begin two runs of one conversation; the event ends the first."""
    first_ends = asyncio.Event()
    works = (first_ends.wait(), asyncio.Event().wait())
    runs = [asyncio.create_task(under_way.run("c", work)) for work in works]
    await asyncio.sleep(0)
    return first_ends, runs


async def test_a_run_that_was_overtaken_ends_alone():
    under_way = UnderWay()
    first_ends, (first, second) = await overlapping(under_way)
    first_ends.set()
    assert await first
    under_way.stop("c")
    with pytest.raises(Stopped):
        await second
    under_way.stop("c")  # nothing is left of either


async def test_the_claims_of_an_overtaken_run_keep_no_other_going():
    under_way = UnderWay()
    first_ends, (first, second) = await overlapping(under_way)
    under_way.claim("c", -1)  # of a call that has begun before the second run
    under_way.stop("c")
    with pytest.raises(Stopped):
        await second
    first_ends.set()
    assert await first
