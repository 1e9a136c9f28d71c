"""The agent in a terminal, in this process: storage, session, script, ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agent.checkpointers import Kept, open_checkpointer
from agent.gate import Gate
from agent.graph import build_graph
from agent.terminal import Session
from tests.support.agent_stand_ins import Ledger, ScriptedModel


def place(request: pytest.FixtureRequest, folder: Path) -> str:
    """The checkpointer of a fixture's parameter: memory, sqlite or postgres."""
    if request.param == "postgres":
        return request.getfixturevalue("empty_database")
    return f"sqlite:{folder / 'kept.db'}" if request.param == "sqlite" else "memory"


@dataclass
class Alone:
    """One process with a conversation."""

    kept: Kept
    session: Session
    model: ScriptedModel
    ledger: Ledger


@asynccontextmanager
async def open_session(
    where: str, script: Sequence[Any], ledger: Ledger, thread: str = "t1"
) -> AsyncIterator[Alone]:
    """Start a process that goes on with a thread; `peek` is free, all else is not."""
    async with open_checkpointer(where, {"peek"}) as kept:
        model = ScriptedModel(script=list(script))
        tools = [ledger.tool(name) for name in ("peek", "wipe", "drop")]
        graph = build_graph(model, tools, Gate(kept.grants))
        yield Alone(kept, Session(graph, kept, thread), model, ledger)
