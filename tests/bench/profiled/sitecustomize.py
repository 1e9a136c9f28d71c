"""Look at the stack of a process at each tick of its CPU time, from a signal on.

Python imports this at its start where its folder stands on PYTHONPATH. SIGUSR1 begins,
SIGUSR2 ends and writes `BENCH_PROFILE`: each stack, from the outermost call inwards,
with the number of ticks. A tick is CPU time of the process itself, so waiting costs
nothing and the calls of C code count for their callers. Beside them stands how often
psycopg waited for PostgreSQL, and for whom.
"""

from __future__ import annotations

import collections
import json
import os
import signal
import sys
from types import FrameType
from typing import Any

TICK = 0.002  # seconds; the kernel may make it coarser
_stacks: collections.Counter[tuple[Any, ...]] = collections.Counter()
_waits: collections.Counter[Any] = collections.Counter()
BETWEEN = ("/psycopg", "/contextlib.py", "/asyncio/")  # and whoever really asked


def _look(_number: int, frame: FrameType | None) -> None:
    codes: list[Any] = []
    while frame is not None:
        codes.append(frame.f_code)
        frame = frame.f_back
    _stacks[tuple(codes)] += 1


def _count_waits() -> None:
    connection: Any = sys.modules["psycopg"].AsyncConnection
    wait = connection.wait

    def counted(*arguments: Any, **options: Any) -> Any:
        frame: FrameType | None = sys._getframe(1)
        while frame and any(path in frame.f_code.co_filename for path in BETWEEN):
            frame = frame.f_back
        _waits[frame.f_code if frame else None] += 1
        return wait(*arguments, **options)

    connection.wait = counted


def _begin(_number: int, _frame: FrameType | None) -> None:
    if sys.modules["psycopg"].AsyncConnection.wait.__name__ == "wait":
        _count_waits()
    _stacks.clear()
    _waits.clear()
    signal.setitimer(signal.ITIMER_PROF, TICK, TICK)


def _name(code: Any) -> str:
    return f"{code.co_filename}:{code.co_qualname}"


def _end(_number: int, _frame: FrameType | None) -> None:
    signal.setitimer(signal.ITIMER_PROF, 0)
    stacks = [[n, [_name(c) for c in reversed(cs)]] for cs, n in _stacks.items()]
    waits = [[n, _name(code) if code else "pool"] for code, n in _waits.items()]
    path = os.environ["BENCH_PROFILE"].format(pid=os.getpid())
    with open(path + ".new", "w") as file:
        json.dump({"stacks": stacks, "waits": waits}, file)
    os.replace(path + ".new", path)


if "BENCH_PROFILE" in os.environ:
    signal.signal(signal.SIGPROF, _look)
    signal.signal(signal.SIGUSR1, _begin)
    signal.signal(signal.SIGUSR2, _end)
