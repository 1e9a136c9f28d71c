"""At most so many of a kind for each person: RATE_LIMIT, in this process."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Sequence

from bot.approvals.model import Person
from bot.variables import Rate


class Limits:
    """Counts what each person has sent within the span of a rate."""

    def __init__(
        self, rates: Sequence[Rate], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rates = {rate.kind: rate for rate in rates}
        self._clock = clock
        self._sent: dict[tuple[str, str, str], deque[float]] = {}

    def wait(self, kind: str, person: Person) -> int:
        """Count one more; or, if that is too many, the seconds until one may come.

        Args:
            kind: "messages" or "clicks".
        """
        rate = self._rates.get(kind)
        if rate is None:
            return 0
        now = self._clock()
        sent = self._sent.setdefault((kind, person.team, person.user), deque())
        while sent and sent[0] <= now - rate.seconds:
            sent.popleft()
        if len(sent) < rate.limit:
            sent.append(now)
            return 0
        return max(1, math.ceil(sent[0] + rate.seconds - now))
