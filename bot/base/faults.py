"""A hook for tests: the process pulls its own plug at a named point."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Literal, get_args

Point = Literal[
    "received",  # a message is written down, and not acknowledged
    "asking",  # the graph asks, and nobody has written that down
    "asked",  # a request is written down, and has no card
    "posted",  # a card stands in Slack, and nobody has noted where
    "decided",  # a word of a person or of the clock is written down, and no more
    "claiming",  # a call that may run is about to be taken
    "claimed",  # it is taken, and about to run
    "ran",  # it has run, and nobody has written that down
    "reported",  # an agent outside said how it ended, and has no answer
    "beginning",  # that a message begins in Slack is written down, and it does not yet
    "streaming",  # it begins, and its ts is not stored
    "placed",  # its ts is stored, and nothing is in it
    "streamed",  # it has words, and more follow
    "ending",  # its answer is written down, and it does not end yet
    "answering",  # the graph has its answer, and nobody has written that down
    "answered",  # an answer stands in Slack, and nobody has noted that
    "migrating",  # a migration is made, and not committed
]
POINTS: tuple[Point, ...] = get_args(Point)


class _Plug:
    """The place to pull the plug: `NAME`, `NAME:NTH`, or `@FILE`, which may name it."""

    def __init__(self, spec: str) -> None:
        self._file = Path(spec[1:]) if spec.startswith("@") else None
        self._name, _, nth = spec.partition(":")
        self._left = int(nth or 1)

    def reach(self, name: Point) -> None:
        if self._is_here(name):
            os.kill(os.getpid(), signal.SIGKILL)

    def _is_here(self, name: Point) -> bool:
        if self._file is not None:
            return self._taken_from(self._file, name)
        self._left -= name == self._name
        return name == self._name and self._left == 0

    def _taken_from(self, file: Path, name: Point) -> bool:
        """Take the order out of the file; only the process that does so dies."""
        try:
            if file.read_text(encoding="utf-8").strip() != name:
                return False
            file.unlink()
        except FileNotFoundError:
            return False
        return True


_plug: _Plug | None = None


def arm(spec: str | None) -> None:
    """Pull the plug where the setting FAULT_POINT says; None: never."""
    global _plug
    _plug = _Plug(spec) if spec else None


def reach(name: Point) -> None:
    """The process has come to this point."""
    if _plug is not None:
        _plug.reach(name)
