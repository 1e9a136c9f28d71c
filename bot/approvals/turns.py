"""Words about one request come one after the other, within this process."""

from __future__ import annotations

import asyncio
from weakref import WeakValueDictionary


class Turns:
    """A lock for each request that somebody waits for.

    Who wins is for the database to say. But whoever waits there for the row holds a
    connection: many clicks on one card would keep those of all others waiting.
    """

    def __init__(self) -> None:
        self._locks = WeakValueDictionary[str, asyncio.Lock]()

    def of(self, request: str) -> asyncio.Lock:
        """The lock of a request; it is forgotten when nobody holds it any more."""
        return self._locks.setdefault(request, asyncio.Lock())
