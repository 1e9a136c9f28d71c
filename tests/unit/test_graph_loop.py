"""A graph runs in a loop of its own, which may stand still."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.conversations import graph_loop
from bot.conversations.graph_loop import GraphLoop, at_home

word: ContextVar[str] = ContextVar("word")


async def test_work_runs_elsewhere_and_comes_home_for_what_belongs_there():
    here = asyncio.get_running_loop()
    word.set("kept")

    async def at_the_database() -> str:
        assert asyncio.get_running_loop() is here
        return word.get()

    async def work() -> str:
        assert asyncio.get_running_loop() is not here
        return await at_home(here, at_the_database())

    async with GraphLoop.started() as apart:
        assert await apart.run(work()) == "kept"
        assert await at_home(here, at_the_database()) == "kept"


async def test_an_error_of_the_graph_comes_back():
    async def work() -> None:
        raise KeyError("a")

    async with GraphLoop.started() as apart:
        with pytest.raises(KeyError):
            await apart.run(work())


async def test_what_is_kept_open_is_closed_in_its_task():
    tasks: list[object] = []

    @asynccontextmanager
    async def opened() -> AsyncIterator[str]:
        tasks.append(asyncio.current_task())
        yield "open"
        tasks.append(asyncio.current_task())

    async with GraphLoop.started() as apart:
        async with apart.keep(opened()) as value:
            assert (value, len(tasks)) == ("open", 1)
        assert tasks[0] is tasks[1]


async def test_what_cannot_be_opened_says_why():
    @asynccontextmanager
    async def opened() -> AsyncIterator[str]:
        raise ValueError("no")
        yield ""

    async with GraphLoop.started() as apart:
        with pytest.raises(ValueError, match="no"):
            async with apart.keep(opened()):
                raise AssertionError


async def test_a_held_up_loop_is_named_with_its_line(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(graph_loop, "LATE", 0.2)
    monkeypatch.setattr(graph_loop, "LOOK", 0.05)
    go_on = threading.Event()

    async def blocks() -> None:
        go_on.wait()

    with capture_logs() as logs:
        async with GraphLoop.started() as apart:
            held = asyncio.create_task(apart.run(blocks()))
            while not apart.blocked or not told(logs):  # noqa: ASYNC110 - a thread holds it
                await asyncio.sleep(0.01)
            go_on.set()
            await held
            while apart.blocked:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    [said] = told(logs)
    assert said["action"] == "graph_blocked"
    assert "test_graph_loop.py" in said["at"]


def told(logs: Any) -> list[Any]:
    """The lines about the node alone: on a busy machine other code may block, too."""
    return [each for each in logs if each["at"].endswith("in blocks")]
