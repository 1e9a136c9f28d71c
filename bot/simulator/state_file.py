"""The workspace on disk: written whole, soon after a change, read at the start."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import time
from pathlib import Path

from bot.simulator.changes import Change
from bot.simulator.workspace import Workspace

_LOG = logging.getLogger(__name__)
_DELAY = 0.5  # seconds; a burst of changes is written once
_NOT_SAVED = ("call", "status", "view", "home", "ephemeral", "usergroup")


class StateFile:
    """Keeps one file equal to the workspace; private messages are not in it."""

    def __init__(self, path: Path, workspace: Workspace) -> None:
        """Read the file if there is one, and follow the changes."""
        self._path, self._workspace = path, workspace
        self._timer: asyncio.TimerHandle | None = None
        self._read()
        workspace.changes.listen(self._changed)

    def _read(self) -> None:
        try:
            saved = json.loads(self._path.read_text(encoding="utf-8"))
            self._workspace.restore(saved)
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            self._put_aside(error)

    def _put_aside(self, error: Exception) -> None:
        aside = self._path.with_name(f"{self._path.name}.broken-{int(time.time())}")
        os.replace(self._path, aside)
        _LOG.warning(
            "The simulator's state in %s cannot be read (%r). It was put aside as %s "
            "and the conversations start empty.",
            self._path,
            error,
            aside.name,
        )

    def _changed(self, change: Change) -> None:
        if change.kind not in _NOT_SAVED and self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(_DELAY, self.write)

    def write(self) -> None:
        """Write the file now, atomically."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_name(f"{self._path.name}.new")
        text = json.dumps(self._workspace.as_saved())
        fresh.write_text(text, encoding="utf-8")
        os.replace(fresh, self._path)
