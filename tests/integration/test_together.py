"""Rows asked for at the same time share a statement; none blocks another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import LiteralString

import psycopg
import pytest

from bot.approvals import store
from bot.database.pool import transaction
from bot.database.together import MOST, Together
from tests.support.house import House
from tests.support.people import CHANNEL
from tests.support.post import Post

ADD = """
UPDATE sums s SET total = total + 1 FROM (SELECT key FROM sums
  WHERE key = ANY(%(ids)s) FOR NO KEY UPDATE SKIP LOCKED) AS own
WHERE s.key = own.key
RETURNING s.key AS id, 1 / s.divisor AS share, cardinality(%(ids)s::text[]) AS together
"""
NAMES = [f"n{number}" for number in range(MOST + 4)]


@pytest.fixture
async def sums(house: House) -> Together:
    """Adds to a table that has a row for each name."""
    await house.rows(
        "CREATE TABLE sums (key text, total int DEFAULT 0, divisor int DEFAULT 1);"
        " GRANT ALL ON sums TO PUBLIC"
    )
    await house.rows("INSERT INTO sums (key) SELECT unnest(%s::text[])", NAMES)
    return Together(house.pool, ADD)


@asynccontextmanager
async def held(
    house: House, statement: LiteralString, *given: str
) -> AsyncIterator[None]:
    """Let somebody else hold what a statement locks."""
    async with transaction(house.owner) as connection:
        await connection.execute(statement, given)
        yield


async def begun(sums: Together) -> None:
    while sums._rows:  # noqa: ASYNC110 - what is waited for has no event
        await asyncio.sleep(0)


async def add(sums: Together, name: str) -> int:
    """Add to a name's row, and return how many were done with it."""
    done = await sums({"id": name})
    assert done
    return done["together"]


async def test_what_comes_meanwhile_goes_with_the_next(sums: Together, house: House):
    async with asyncio.TaskGroup() as group, held(house, "LOCK TABLE sums"):
        tasks = [group.create_task(add(sums, NAMES[0]))]
        await asyncio.sleep(0)
        await begun(sums)
        tasks += [group.create_task(add(sums, name)) for name in NAMES[1:]]
        await asyncio.sleep(0)
    assert [task.result() for task in tasks] == [1, *[MOST] * MOST, *[3] * 3]


async def test_a_statement_that_hangs_holds_up_no_other(sums: Together, house: House):
    """As on a dead connection, whose statement is given up after seconds only."""
    waits = Together(house.pool, ADD.replace("SKIP LOCKED", ""))
    async with held(house, "SELECT FROM sums WHERE key = %s FOR UPDATE", NAMES[0]):
        hangs = asyncio.create_task(add(waits, NAMES[0]))
        await house.blocked(hangs)
        assert await add(waits, NAMES[1]) == 1
        assert not hangs.done()
    assert await hangs == 1


async def test_what_comes_a_turn_later_goes_along(sums: Together):
    first = asyncio.create_task(add(sums, NAMES[0]))
    await asyncio.sleep(0)
    assert await asyncio.gather(first, add(sums, NAMES[1])) == [2, 2]


async def test_an_error_is_told_to_its_own_row_alone(sums: Together, house: House):
    await house.rows("UPDATE sums SET divisor = 0 WHERE key = %s", NAMES[0])
    failed, *done = await asyncio.gather(
        *(add(sums, name) for name in NAMES[:3]), return_exceptions=True
    )
    assert isinstance(failed, psycopg.errors.DivisionByZero)
    assert done == [1, 1]
    assert await house.one("SELECT sum(total) FROM sums") == 2


async def test_cancelling_one_does_not_cancel_the_others(sums: Together, house: House):
    async with held(house, "LOCK TABLE sums"):
        gone, stays = (asyncio.create_task(add(sums, name)) for name in NAMES[:2])
        await asyncio.sleep(0)
        await begun(sums)
        gone.cancel()
        await asyncio.wait({gone})
    assert await stays in (1, 2)  # as the statement was on its way, or not yet


async def test_no_task_is_left_where_all_are_cancelled(sums: Together, house: House):
    others = asyncio.all_tasks()
    async with AsyncExitStack() as stack:
        for _ in range(house.pool.max_size):
            await stack.enter_async_context(house.pool.connection())
        tasks = [asyncio.create_task(add(sums, name)) for name in NAMES]
        await asyncio.sleep(0.01)  # some wait for a connection, others for those
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        async with asyncio.timeout(5):
            await asyncio.gather(*asyncio.all_tasks() - others, return_exceptions=True)


@pytest.mark.parametrize("first", [0, 1])
async def test_a_locked_message_holds_up_no_other(post: Post, house: House, first: int):
    keys = [await post.add("say", text) for text in ("one", "two")]
    locked, free = keys[first], keys[1 - first]
    async with transaction(house.owner) as connection:
        lock = "UPDATE deliveries SET revision = revision + 1 WHERE id = %s"
        await connection.execute(lock, [locked])
        sending = [asyncio.create_task(post.send(key)) for key in (locked, free)]
        async with asyncio.timeout(5):
            await sending[1]
        # nor do the two wait for each other
        await connection.execute(lock, [free])
    assert await sending[0] is None
    assert {m["text"] for m in post.slack.messages} == {"one", "two"}
    assert await house.one("SELECT count(*) FROM deliveries WHERE state = 'sent'") == 2


async def test_a_message_locked_while_it_is_sent_is_noted_later(
    post: Post, house: House, monkeypatch: pytest.MonkeyPatch
):
    keys = [await post.add("say", text) for text in ("one", "two")]
    real, posted = post.slack.chat_postMessage, asyncio.Barrier(3)

    async def say(**words):
        await posted.wait()  # both are taken
        await posted.wait()
        return await real(**words)

    monkeypatch.setattr(post.slack, "chat_postMessage", say)
    sending = [asyncio.create_task(post.send(key)) for key in keys]
    await posted.wait()
    async with held(
        house, "SELECT FROM deliveries WHERE id = %s FOR NO KEY UPDATE", keys[0]
    ):
        await posted.wait()
        async with asyncio.timeout(5):
            await sending[1]
        assert (await post.row(keys[1]))["state"] == "sent"
        assert not sending[0].done()
    assert await sending[0] is None
    assert await house.one("SELECT count(*) FROM audit WHERE event = 'delivered'") == 2


async def test_the_trail_of_messages_together_goes_by_workspace(
    post: Post, house: House
):
    """The commit locks their chains in this order: others would wait for each other."""
    keys = list[str]()
    for team in ("T0C", "T0A", "T0B"):
        async with house.pool.connection() as connection:
            key = await store.add_delivery(
                connection, kind="say", team=team, channel=CHANNEL, text="Hello."
            )
            keys.append(key)
    await asyncio.gather(*(post.send(key) for key in keys))
    rows = await house.rows("SELECT team_id FROM audit ORDER BY seq")
    assert [row["team_id"] for row in rows] == ["T0A", "T0B", "T0C"]
