"""The run that asks: what it has read, claimed and not stored yet."""

from __future__ import annotations

from asyncio import Task, sleep
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from bot.approvals.model import Request
from bot.approvals.ports import Store


class LostRun(Exception):
    """Another run has taken over the conversation; this one must stop."""


@dataclass
class Run:
    """The run that asks: one per conversation at a time, by its generation.

    Attributes:
        latest: the checkpoint that it begins with, as it is stored, or None where there
            is none; empty where that was not read, has been used, or is no longer the
            latest.
        claimed: ids of the tool calls that it has claimed.
        unsaved: the checkpoint that its graph has come to, if that is not stored, which
            makes its rows by statement; the end of the run stores it.
        written: what the step has written in which it asks, as rows; likewise.
        save: stores the checkpoint, before what may not come without it.
        keep: has the end of a call stored; our own graph goes on meanwhile.
        saving: what was begun last of both, with all before it.
        unsynced: the checkpoint that it has written last, where that did not wait for
            the disk; "" where it did, or there is none.
    """

    team: str
    conversation: str
    generation: int
    requests: Mapping[str, Request]  # by tool call: of calls that claim their own grant
    asked: Sequence[Request] = ()  # all that the graph waits for, oldest first
    latest: tuple[Mapping[str, Any] | None, ...] = field(default=(), repr=False)
    claimed: set[str] = field(default_factory=set[str], repr=False)
    unsaved: list[Callable[[], Mapping[str, Any]]] = field(
        default_factory=list[Any], repr=False
    )
    written: list[Sequence[Any]] = field(default_factory=list[Any], repr=False)
    save: Callable[[], Awaitable[None]] = field(default=partial(sleep, 0), repr=False)
    keep: Callable[[Store], Store] = field(default=lambda store: store, repr=False)
    saving: Task[None] | None = field(default=None, repr=False)
    unsynced: str = field(default="", repr=False)

    @property
    def is_saved(self) -> bool:
        """Return whether nothing is being saved, and nothing has failed to be."""
        saving = self.saving
        return saving is None or (saving.done() and not saving.exception())
