"""Sampled stacks: which part and which function the time belongs to."""

from __future__ import annotations

import collections
import re
from collections.abc import Iterable, Sequence

Stack = tuple[int, tuple[str, ...]]  # ticks, and the calls from the outermost inwards

# A part is all below one of these paths, the first that fits. Calls of the standard
# library belong to whoever called them.
PARTS = (
    ("saver", "langgraph/checkpoint"),
    ("langgraph", "langgraph/"),
    ("langchain-core", "langchain_core/"),
    ("model client", "langchain_openai/"),
    ("model client", "openai/"),
    ("model client", "httpx"),
    ("model client", "httpcore"),
    ("model client", "h11/"),
    ("model client", "anyio/"),
    ("psycopg pool", "psycopg_pool/"),
    ("psycopg", "psycopg"),
    ("procrastinate", "procrastinate/"),
    ("bolt", "slack_bolt/"),
    ("slack-sdk", "slack_sdk/"),
    ("aiohttp", "aiohttp/"),
    ("pydantic", "pydantic"),
    ("apscheduler", "apscheduler/"),
    ("structlog", "structlog/"),
    ("agent", "agent/"),
    ("bot", "bot/"),
)
# Around everything: what runs in these alone is the event loop's.
OUTERMOST = (
    *("bot/__main__", "bot/commands/cli", "bot/commands/launch", "bot/commands/run"),
    *("bot/process/service", "agent/entry"),
    *("tests/bench", "<frozen"),
)
SITE = re.compile(r".*/site-packages/")
OWN = re.compile(r".*/(?=(?:agent|bot|tests)/)")
LIBRARY = re.compile(r".*/lib/python[0-9.]+/")
LOOP = "event loop, threads"
ROWS = 45


def report(found: Sequence[Stack], cycles: int) -> str:
    """Shares of the CPU time, by part and by function."""
    short = [(count, tuple(map(shorten, calls))) for count, calls in found]
    total = sum(count for count, _ in short) or 1
    inside = _count((count, _parts(calls)) for count, calls in short)
    itself = _count((count, {_owner(calls)}) for count, calls in short)
    database = _count((count, {_asker(calls)}) for count, calls in short)
    functions = _count((count, set(calls)) for count, calls in short)
    rows = [f"\nCPU by part, {total} ticks in {cycles} cycles: with all it calls, "]
    rows[0] += "and by itself.\n\n```"
    rows += [
        f"{100 * n / total:5.1f} %  {100 * itself[part] / total:5.1f} %  {part}"
        for part, n in inside.most_common()
    ]
    rows += ["```\n\npsycopg and its pool, by who asks:\n\n```"]
    asked = [(who, n) for who, n in database.most_common() if who]
    rows += [f"{100 * n / total:5.1f} %  {who}" for who, n in asked]
    rows += ["```\n\nBy function, with all it calls:\n\n```"]
    known = [(name, n) for name, n in functions.most_common() if _is_told(name)]
    rows += [f"{100 * n / total:5.1f} %  {name}" for name, n in known[:ROWS]]
    return "\n".join([*rows, "```"])


def _count(found: Iterable[tuple[int, set[str]]]) -> collections.Counter[str]:
    counted: collections.Counter[str] = collections.Counter()
    for count, names in found:
        for name in names:
            counted[name] += count
    return counted


def shorten(call: str) -> str:
    """A call with its path from the package on."""
    for pattern in (SITE, LIBRARY, OWN):
        if pattern.match(call):
            return pattern.sub("", call, count=1)
    return call


def part_of(call: str) -> str | None:
    """The part that a call belongs to; None for the standard library and the start."""
    if call.startswith(OUTERMOST):
        return None
    return next((part for part, path in PARTS if call.startswith(path)), None)


def _parts(calls: Sequence[str]) -> set[str]:
    found = {part_of(call) for call in calls}
    return {part for part in found if part} or {LOOP}


def _owner(calls: Sequence[str]) -> str:
    inwards = (part_of(call) for call in reversed(calls))
    return next((part for part in inwards if part), LOOP)


def _asker(calls: Sequence[str]) -> str:
    """The part that the time in psycopg is spent for; "" elsewhere."""
    inwards = [part for call in reversed(calls) if (part := part_of(call))]
    if not inwards or not inwards[0].startswith("psycopg"):
        return ""
    return next((part for part in inwards if not part.startswith("psycopg")), "pool")


def _is_told(call: str) -> bool:
    """Not what is always there: the loop, the start of the process."""
    loop = ("asyncio/base_events", "asyncio/runners", "asyncio/events")
    return not call.startswith((*OUTERMOST, *loop))
