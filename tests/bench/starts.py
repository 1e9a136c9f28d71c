"""Seconds that a command takes, and the bot until it is ready, on a warm machine."""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import time
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tests.bench import report
from tests.bench.blocks import check
from tests.support.bot_process import free_port
from tests.support.root import ROOT

#: Each start and the seconds that it is to take at most; without words, the simulator:
#: it comes first, since it makes the database that `check` looks at.
STARTS = {"": 1.5, "policy show": 0.5, "check": 1.5}
READY = b"Open http://"
ROUNDS = 5


async def measure(folder: Path) -> dict[str, float]:
    """Return the median of each start in seconds; what is made once is made before."""
    took: dict[str, list[float]] = {words: [] for words in STARTS}
    for number in range(ROUNDS + 1):
        for words, times in took.items():
            seconds = await _start(words, folder)
            if number:
                times.append(seconds)
    return {words: statistics.median(times) for words, times in took.items()}


async def _start(words: str, folder: Path) -> float:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PORT": str(free_port())}
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", *words.split()),
        cwd=folder,
        env=environment,
        stdout=PIPE,
        stderr=STDOUT,
    )
    assert process.stdout is not None
    said = b""
    try:
        async for line in process.stdout:
            said += line
            if line.startswith(READY):
                return time.monotonic() - began
        status = await process.wait()
        check(words != "" and status == 0, f"A start went wrong: {said.decode()}")
        return time.monotonic() - began
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.communicate()


def table(found: Mapping[str, float]) -> str:
    """A row for each start."""
    rows = [f"| {_name(words)} | {seconds:.2f} s |" for words, seconds in found.items()]
    return "\n".join(["| | seconds, the median of five |", "|---|--:|", *rows])


def goals(found: Mapping[str, float]) -> list[str]:
    """State each goal and how it was met."""
    return [
        report.goal(f"{_name(words)}, s", found[words], most)
        for words, most in STARTS.items()
    ]


def _name(words: str) -> str:
    return f"`{words}`" if words else "`make run`, until it is ready"
