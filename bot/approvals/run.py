"""A run of a graph: what it has read, claimed and not stored yet."""

from __future__ import annotations

from asyncio import Task, sleep
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from time import monotonic
from typing import Any

from bot.approvals.assess import EarlierReject
from bot.approvals.model import Request

Rows = Mapping[str, Sequence[Sequence[Any]]]  # by the statement that writes them
Storing = Coroutine[Any, Any, None]  # not begun yet


class LostRun(Exception):
    """Another run has taken over the conversation; this one must stop."""


@dataclass
class Run:
    """A run of a conversation's graph: one at a time, by its generation.

    Attributes:
        latest: the checkpoint that it begins with, as it is stored, or None where there
            is none; empty where that was not read, has been used, or is no longer the
            latest.
        rejected: what people had rejected here within the hour before it, by call
            digest.
        clock: tells the time as the database's clock does.
        claimed: ids of the tool calls that it has claimed.
        unsaved: makes the rows of the checkpoint that its graph has come to, while that
            is not stored; the end of the run stores it.
        written: rows of what the step that asks has written; likewise.
        save: stores the checkpoint, before what may not come without it.
        keep: stores the end of a call; our own graph goes on meanwhile.
        saving: the last save or end of a call that was begun, with all before it.
        unsynced: the checkpoint that it has written last, where that did not wait for
            the disk; "" where it did, or there is none.
    """

    team: str
    conversation: str
    generation: int
    requests: Mapping[str, Request]  # by tool call: of calls that claim their own grant
    asked: Sequence[Request] = ()  # all that the graph waits for, oldest first
    latest: tuple[Mapping[str, Any] | None, ...] = field(default=(), repr=False)
    rejected: Mapping[str, EarlierReject] = field(
        default_factory=dict[str, EarlierReject], repr=False
    )
    clock: Callable[[], datetime] = field(
        default=partial(datetime.now, UTC), repr=False
    )
    claimed: set[str] = field(default_factory=set[str], repr=False)
    unsaved: Callable[[], Rows] | None = field(default=None, repr=False)
    written: list[Sequence[Any]] = field(default_factory=list[Any], repr=False)
    save: Callable[[], Awaitable[None]] = field(default=partial(sleep, 0), repr=False)
    keep: Callable[[Storing], Storing] = field(default=lambda end: end, repr=False)
    saving: Task[None] | None = field(default=None, repr=False)
    unsynced: str = field(default="", repr=False)

    def forget_unsaved(self) -> None:
        """Note that the end of the run has stored what was left to it."""
        self.unsaved = None
        self.written.clear()

    @property
    def may_be_shown(self) -> bool:
        """Return whether the end of each call that its words may tell of is stored."""
        saving = self.saving
        return saving is None or (saving.done() and not saving.exception())


def clock_from(now: datetime) -> Callable[[], datetime]:
    """Return a clock that goes on from `now`, whatever this machine's own says."""
    since = monotonic()
    return lambda: now + timedelta(seconds=monotonic() - since)
