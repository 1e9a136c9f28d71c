"""A block of cycles at one level of concurrency, and what was measured in it."""

from __future__ import annotations

import asyncio
import math
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tests.bench.child import BenchError
from tests.bench.machine import cpu_seconds, resident


@dataclass(frozen=True)
class Cycle:
    """One cycle; seconds, by the clock that all processes share."""

    began: float
    ack: float | None  # from the click to its 200
    answer: float  # from the click to the answer
    answered: float


@dataclass(frozen=True)
class Block:
    """All cycles of one side at one level in one round."""

    side: str
    level: int
    round: int
    seconds: float
    acks: tuple[float, ...]
    answers: tuple[float, ...]
    memory: float | None  # MB, right after it
    cpu: dict[str, float]  # seconds of each process

    @property
    def rate(self) -> float:
        """Cycles per second."""
        return len(self.answers) / self.seconds


class Side(Protocol):
    """One way to run the same conversations."""

    name: str

    @property
    def pid(self) -> int: ...

    async def cycle(self, seat: int) -> Cycle: ...

    async def settle(self) -> float: ...


async def run_block(
    side: Side, level: int, each: int, number: int, processes: dict[str, int]
) -> Block:
    """Let `level` people do `each` cycles one after the other, all at once.

    Its time ends when the last answer has come and the last card is closed.

    Args:
        processes: whose CPU time is read, by name.
    """
    watched = {**processes, "process": side.pid, "driver": os.getpid()}
    before = _cpu(watched)
    tasks = [asyncio.create_task(_sit(side, seat, each)) for seat in range(level)]
    try:
        cycles = [c for done in await asyncio.gather(*tasks) for c in done]
        settled = await side.settle()
    finally:
        for task in tasks:
            task.cancel()
    ended = max(settled, *(cycle.answered for cycle in cycles))
    after = _cpu(watched)
    return Block(
        side=side.name,
        level=level,
        round=number,
        seconds=ended - min(cycle.began for cycle in cycles),
        acks=tuple(cycle.ack for cycle in cycles if cycle.ack is not None),
        answers=tuple(cycle.answer for cycle in cycles),
        memory=resident(side.pid),
        cpu={name: after[name] - before[name] for name in watched},
    )


def _cpu(watched: dict[str, int]) -> dict[str, float]:
    return {
        name: cpu_seconds(pid, family=name == "postgres")
        for name, pid in watched.items()
    }


async def _sit(side: Side, seat: int, each: int) -> list[Cycle]:
    return [await side.cycle(seat) for _ in range(each)]


async def cycles_for(side: Side, level: int, seconds: float) -> int:
    """Estimate by a short trial how many cycles a person does in so many seconds."""
    trial = max(1, 8 // level)
    began = time.monotonic()
    await asyncio.gather(*(_sit(side, seat, trial) for seat in range(level)))
    took = (time.monotonic() - began) / trial
    await side.settle()
    return max(2, math.ceil(seconds / took))


def quantile(values: Sequence[float], share: float) -> float:
    """The nearest-rank quantile: a value that was really measured."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def check(right: bool, complaint: str) -> None:
    """Hold the bench to what it says: a wrong cycle is no fast cycle.

    Raises:
        BenchError: with the complaint.
    """
    if not right:
        raise BenchError(complaint)
