"""The database tools beside the bot's own database, and in a conversation."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing

import psycopg
import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from agent.gate import Gate, OutcomeUnknown
from agent.grant_protocol import MemoryGrants
from agent.graph import build_graph
from agent.offline import OfflineModel
from agent.tools import make_tools
from agent.tools.database import (
    MAX_ROWS,
    DatabaseError,
    OwnDatabase,
    Patience,
    open_database,
)
from bot.database.pool import leads_here, make_pool
from bot.simulator import sample_shop


async def test_the_bots_own_database_is_refused_by_any_address(
    database, empty_database
):
    pool = make_pool(database, name="own", size=1, timeout=5)
    await pool.open()

    async def is_own(connection):
        return await leads_here(pool, connection)

    try:
        same = psycopg.conninfo.make_conninfo(database, application_name="another")
        for url in (database, same):
            with pytest.raises(OwnDatabase):
                await open_database(url, is_own).read("SELECT 1")
            with pytest.raises(OwnDatabase):
                await open_database(url, is_own).check()
        other = open_database(empty_database, is_own)
        assert (await other.read("SELECT 1")).rows == [(1,)]
    finally:
        await pool.close()


async def test_results_are_bounded_and_slow_ones_stopped(empty_database):
    database = open_database(empty_database, None, Patience(statement=0.05))
    many = await database.read("SELECT generate_series(1, 1000)")
    assert len(many.rows) == MAX_ROWS + 1
    with pytest.raises(DatabaseError, match="took too long"):
        await database.read("SELECT pg_sleep(5)")
    away = open_database("postgresql://x@127.0.0.1:1/x")
    with pytest.raises(DatabaseError, match="cannot be reached"):
        await away.check()


async def test_a_change_that_is_not_confirmed_is_unknown(empty_database, monkeypatch):
    database = open_database(empty_database)
    await database.change_schema("CREATE TABLE things (name text)")

    async def hang(_connection):
        await asyncio.Event().wait()

    monkeypatch.setattr(psycopg.AsyncConnection, "commit", hang)
    database = open_database(empty_database, None, Patience(connect=0.1))
    with pytest.raises(OutcomeUnknown, match="unknown whether"):
        await database.change("INSERT INTO things VALUES ('a')", 1)


async def test_what_is_asked_is_counted_once_and_run_as_approved(tmp_path):
    path = tmp_path / "shop.sqlite"
    assert sample_shop(path)
    tools = make_tools(
        ["database"], files_dir=tmp_path, database=open_database(f"sqlite:{path}")
    )
    grants = MemoryGrants(ask=frozenset({"execute"}))
    graph = build_graph(OfflineModel(), tools, Gate(grants)).copy(
        update={"checkpointer": InMemorySaver()}
    )
    config = {"configurable": {"thread_id": "t", "__pregel_strict_resume": True}}

    async def say(text):
        return await graph.ainvoke({"messages": [HumanMessage(text)]}, config)

    def prices():
        with closing(sqlite3.connect(path)) as shop:
            return shop.execute("SELECT price FROM products ORDER BY id").fetchall()

    read = await say("SELECT name, stock FROM products WHERE stock > 100;")
    assert "name | stock\nMug | 120" in read["messages"][-1].text
    before = prices()
    waiting = await say("UPDATE products SET price = price + 100 -- all of them")
    [question] = waiting["__interrupt__"]
    asked = {"statement": "UPDATE products SET price = price + 100", "rows": 4}
    assert question.value["args"] == asked
    [call] = next(
        m.tool_calls
        for m in reversed(waiting["messages"])
        if isinstance(m, AIMessage) and m.tool_calls
    )
    assert call["args"] == asked
    assert prices() == before

    grants.approve("t", call["id"], None)
    resumed = Command(resume={question.id: {"type": "approve"}})
    said = await graph.ainvoke(resumed, config)
    assert "Done: 4 rows changed." in said["messages"][-1].text
    assert prices() == [(price + 100,) for (price,) in before]
