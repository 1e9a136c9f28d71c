"""What this process has posted, or has begun to, for as long as a row may forget it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

#: Seconds. The note that a post stands does not wait for the disk, so that a crash of
#: the database may take it back, up to three times `wal_writer_delay` (0.2 s) later.
#: https://www.postgresql.org/docs/current/wal-async-commit.html
FORGETS = 30.0
_OPEN = float("inf")


@dataclass
class Tried:
    """Ids of deliveries; a post of one of these is looked for before another one."""

    _until: dict[str, float] = field(default_factory=dict[str, float])

    def begin(self, delivery: str) -> None:
        """It is about to be posted."""
        now = time.monotonic()
        self._until = {k: until for k, until in self._until.items() if until > now}
        self._until[delivery] = _OPEN

    def noted(self, delivery: str) -> None:
        """It stands in Slack, and its row says so."""
        if delivery in self._until:
            self._until[delivery] = time.monotonic() + FORGETS

    def __contains__(self, delivery: str) -> bool:
        return self._until.get(delivery, 0) > time.monotonic()
