"""Bare LangGraph: the same agent on the same saver, without Slack and without a bot.

Its best settings: one saver and one copy of the graph for each run, on a pool;
prepared statements, as the saver's own `from_conn_string` has them; no check of a
connection before its use; nothing is pruned.
"""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from pathlib import Path
from typing import Any

from langchain_core.messages import HumanMessage
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.types import Command
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from agent.gate import Gate
from agent.grant_protocol import MemoryGrants
from agent.graph import build_graph
from agent.models import make_model
from agent.tools import make_tools
from tests.bench import lines

CONNECTIONS = 20  # as many as the bot's runs have


class Bare:
    """Does what a line says, each in a task of its own."""

    def __init__(self, pool: AsyncConnectionPool[Any]) -> None:
        self._pool = pool
        self._grants = MemoryGrants(ask=frozenset({"delete_file"}))
        model = make_model(
            api_key="bench",
            base_url=os.environ["OPENAI_BASE_URL"],
            model="bench",
        )
        tools = make_tools(("files",), files_dir=Path(os.environ["FILES_DIR"]))
        self._graph = build_graph(model, tools, Gate(self._grants))

    async def do(self, line: lines.Line) -> None:
        """Ask or resume, and tell what came of it and when."""
        work = self._ask if "text" in line else self._resume
        lines.tell({"number": line["number"], **await work(line)})

    async def _ask(self, line: lines.Line) -> lines.Line:
        message = HumanMessage(
            line["text"],
            id=str(uuid.uuid4()),
            additional_kwargs={"speaker": {"id": line["user"], "name": line["user"]}},
        )
        values = await self._run(line["thread"], {"messages": [message]})
        [asked] = values["__interrupt__"]
        call = asked.value["tool_call_id"]
        return {"asked": asked.id, "call": call, "at": time.monotonic()}

    async def _resume(self, line: lines.Line) -> lines.Line:
        self._grants.approve(line["thread"], line["call"])
        answers = {line["asked"]: {"type": "approve"}}
        values = await self._run(line["thread"], Command(resume=answers))
        at = time.monotonic()
        return {"answer": values["messages"][-1].text, "at": at}

    async def _run(self, thread: str, graph_input: Any) -> dict[str, Any]:
        saver = AsyncPostgresSaver(self._pool)
        graph = self._graph.copy(update={"checkpointer": saver})
        config = {"configurable": {"thread_id": thread}}
        return await graph.ainvoke(graph_input, config, durability="sync")


async def main() -> None:
    """Serve until stdin ends."""
    settings = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
    settings["application_name"] = "bare"
    url = os.environ["DATABASE_URL"]
    async with AsyncConnectionPool(
        url, kwargs=settings, min_size=1, max_size=CONNECTIONS, open=False
    ) as pool:
        await AsyncPostgresSaver(pool).setup()
        bare = Bare(pool)
        running: set[asyncio.Task[None]] = set()
        lines.tell({"ready": True})
        async for line in lines.read():
            task = asyncio.create_task(bare.do(line))
            running.add(task)
            task.add_done_callback(running.discard)


if __name__ == "__main__":
    asyncio.run(main())
