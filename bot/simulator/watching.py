"""Waiting for something to become true, with a helpful complaint if it does not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import TypeVar

from bot.simulator.messages import Message
from bot.simulator.web_api import RecordedCall
from bot.simulator.workspace import Workspace

T = TypeVar("T")
_LOOK_ANYWAY = 0.1  # seconds; a predicate may look at a file or a database too
_SHOWN = 12


async def wait_for(
    workspace: Workspace, predicate: Callable[[], T], timeout: float
) -> T | None:
    """Return what the predicate gives once it is true, or None after the timeout."""
    with workspace.changes.waking() as changed:
        deadline = asyncio.get_running_loop().time() + timeout
        while not (found := predicate()):
            remaining = deadline - asyncio.get_running_loop().time()
            if remaining <= 0:
                return None
            await _woken(changed, min(_LOOK_ANYWAY, remaining))
            changed.clear()
        return found


async def _woken(changed: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await changed.wait()
    except TimeoutError:
        return


def describe(workspace: Workspace, calls: Iterable[RecordedCall]) -> str:
    """Return the last messages and calls as lines for a failed test."""
    messages = [m for each in workspace.channels for m in workspace.messages(each)]
    latest = sorted([*messages, *workspace.ephemerals], key=lambda m: m.ts)[-_SHOWN:]
    lines = ["The last messages:", *map(_message_line, latest), "The last calls:"]
    lines += [f"  {call.method}: {_outcome(call)}" for call in list(calls)[-_SHOWN:]]
    return "\n".join(lines)


def _message_line(message: Message) -> str:
    data = message.data
    private = f" (only for {data['to']})" if "to" in data else ""
    reply = f" in thread {message.thread_ts}" if message.is_reply else ""
    blocks = f" [{len(data['blocks'])} blocks]" if "blocks" in data else ""
    text = str(data.get("text", ""))[:200]
    where = f"{message.channel} {message.ts}{reply}{private}"
    return f"  {where} {data.get('user')}: {text!r}{blocks}"


def _outcome(call: RecordedCall) -> str:
    if call.answer is None:
        return "not yet answered"
    return "ok" if call.ok else str(call.answer.get("error"))
