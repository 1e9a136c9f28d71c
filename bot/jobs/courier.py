"""Send what stands in an outbox: right after its commit, and whenever it is due."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar, LiteralString, Protocol
from weakref import WeakValueDictionary

import structlog

from bot.base.errors import RetryLater
from bot.base.time_limits import limits, wait_after
from bot.database.pool import TRANSIENT, Pool
from bot.database.together import Row, Together

log = structlog.get_logger(__name__)
AT_ONCE = 16
DUE_AT_ONCE = 8  # of what is overdue, so that what was just written finds a place
PACE = 0.2  # seconds between two batches of messages that are due
# Seconds that an edit gives to what people wait for, so that several become one, and
# seconds more for each message under way.
MOMENT = 0.03
FOR_EACH = 0.01
FIRST_PART = 0.2  # of a lease, in which sending begins; it may take 0.75 more
IN_ORDER = 0.16  # of a lease, for the message before; what was taken is still good then
DRAIN = 5.0  # seconds that sending gets at a shutdown


class Outbox(Protocol):
    """A table whose rows go out, one process at a time with each.

    Attributes:
        statements: `pick` hands out the `key` of at most `most` rows that are due,
            `take` takes the row of a key for the `lease`, and `postpone` gives it back
            until `seconds` are over; `answer` says why, and `state` is what the row's
            was before, where the try has certainly sent nothing. `take_together`
            in place of `take` is for `Together`; of what is not due it tells the `id`.
        lease: seconds after which a process that has taken a row counts as dead.
    """

    statements: ClassVar[Mapping[str, LiteralString]]

    @property
    def lease(self) -> float: ...

    async def bring(self, row: Row) -> bool:
        """Send a row and note it; return whether its key has more to be sent.

        Raises:
            RetryLater: nothing was sent; it is to be tried again.
            Exception: nobody knows; it is to be tried again.
        """
        ...


@dataclass(frozen=True)
class Place:
    """Of a message among those that go out one after the other."""

    first: asyncio.Future[None] | None
    sent: asyncio.Future[None] = field(default_factory=asyncio.Future[None])


class Courier:
    """Sends the rows of one outbox; their keys are all that it remembers."""

    def __init__(
        self,
        pool: Pool,
        outbox: Outbox,
        *,
        pace: float = 0,
        skipped: Callable[[], Mapping[str, Any]] = dict,
    ) -> None:
        """Build a courier that sends nothing yet.

        Args:
            pace: seconds between two batches of what is due.
            skipped: more for `pick`, on what not to hand out now.
        """
        self._pool = pool
        self._outbox = outbox
        self._pace = pace
        self._skipped = skipped
        self._together: Together | None = None
        if take := outbox.statements.get("take_together"):
            lease = timedelta(seconds=outbox.lease)
            self._together = Together(pool, take, lease=lease)
        self._free = asyncio.Semaphore(AT_ONCE)
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._changed: set[str] = set()  # under way, and changed since it was taken
        self._to_be_sent: dict[str, asyncio.Future[None]] = {}  # done when it is sent
        # of what goes out one after the other, the last; gone once that is sent, or
        # will not be, since its commit has failed
        self._last = WeakValueDictionary[object, asyncio.Future[None]]()
        self._handed: dict[str, tuple[Row, float]] = {}  # taken, and good until then
        self._looking: asyncio.Task[None] | None = None
        self._stopped = False

    def line_up(self, among: object) -> Place:
        """Take the next place among what goes out one after the other.

        Before the commit: what follows from that may be written, committed and handed
        over before this process hears that the commit stands.
        """
        place = Place(self._last.get(among))
        self._last[among] = place.sent
        return place

    def send(
        self, key: str, can_wait: bool = False, place: Place | None = None
    ) -> None:
        """Begin to send what stands under a key.

        Args:
            can_wait: a moment, as an edit can, so that several become one.
            place: its own among what goes out one after the other.
        """
        if self._stopped:
            return
        self._changed.add(key)
        if key not in self._under_way:
            place = place or Place(None)
            self._to_be_sent.setdefault(key, place.sent)
            work = self._work(key, self._moment if can_wait else 0, place.first)
            self._under_way[key] = asyncio.create_task(work)

    @property
    def _moment(self) -> float:
        return MOMENT + FOR_EACH * min(len(self._under_way), AT_ONCE)

    def hand(self, row: Row) -> None:
        """Keep a row until it is sent: the statement that wrote it has taken it."""
        until = time.monotonic() + self._outbox.lease * FIRST_PART
        self._handed[row["id"]] = row, until

    async def look(self) -> None:
        """Begin to send what is due; a duty of the clock."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._send_due())

    async def stop(self) -> None:
        """Wait for what is under way; the rest is left to others."""
        self._stopped = True
        tasks = {*self._under_way.values(), *filter(None, [self._looking])}
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=DRAIN)
            for task in late:
                task.cancel()

    async def _work(
        self, key: str, moment: float, first: asyncio.Future[None] | None
    ) -> None:
        wait: float | None = None
        try:
            while key in self._changed:
                await asyncio.sleep(moment)
                if first:
                    longest = self._outbox.lease * IN_ORDER
                    await asyncio.wait({first}, timeout=longest)
                async with self._free:
                    wait = await self.bring(key)
                # what has changed meanwhile is an edit
                moment, first = self._moment, None
        finally:
            del self._under_way[key]
            self._changed.discard(key)
        if wait is None:
            self._to_be_sent.pop(key).set_result(None)
        else:
            asyncio.get_running_loop().call_later(wait, self.send, key)

    async def bring(self, key: str) -> float | None:
        """Send until nothing is left; seconds until the next try if that fails."""
        row: Row | None = None
        try:
            while (row := await self._take(key)) and await self._outbox.bring(row):
                row = None
        except Exception as error:
            # what could not even be taken stays due
            wait = await self._postpone(row, error) if row else None
            log.info(
                "tried again later",
                action="delivery_later",
                delivery=key,
                error=type(error).__name__,
                seconds=wait,
            )
            return wait
        return None

    async def _take(self, key: str) -> Row | None:
        self._changed.discard(key)  # the row is read with all changes until now
        row, until = self._handed.pop(key, (None, 0.0))
        if row and time.monotonic() < until:  # else its lease is left to end
            return row
        if self._together:
            row = await self._together({"id": key})
            return row if row and row["tries"] is not None else None
        return next(iter(await self._rows("take", key=key)), None)

    async def _postpone(self, row: Row, error: Exception) -> float:
        """Give a row back for a while, and return the seconds."""
        wait, state = wait_after(row["tries"], limits().longest_retry), None
        if isinstance(error, RetryLater):
            wait, state = error.seconds, row.get("was")
        given = {"seconds": wait, "state": state, "answer": str(error)}
        try:
            await self._rows("postpone", **row, **given)
        except Exception as trouble:
            log.warning(
                "waits for the end of its lease",
                action="delivery_waits",
                error=type(trouble).__name__,
            )
        return wait

    async def _send_due(self) -> None:
        """Send a batch after the other, until what is due is less than one."""
        picked = DUE_AT_ONCE
        while picked == DUE_AT_ONCE and not self._stopped:
            try:
                keys = await self.pick()
            except TRANSIENT:
                return  # the next tick looks again
            for key in keys:
                self.send(key)
            picked = len(keys)
            tasks = filter(None, map(self._under_way.get, keys))
            await asyncio.gather(*tasks, asyncio.sleep(self._pace))

    async def pick(self) -> list[str]:
        """Have some of what is due handed out to this process, by key."""
        given = {"most": DUE_AT_ONCE, **self._skipped()}
        return [row["key"] for row in await self._rows("pick", **given)]

    async def _rows(self, statement: str, **given: Any) -> list[dict[str, Any]]:
        given["lease"] = timedelta(seconds=self._outbox.lease)
        async with self._pool.connection() as connection:
            found = await connection.execute(self._outbox.statements[statement], given)
            return [] if found.rownumber is None else await found.fetchall()
