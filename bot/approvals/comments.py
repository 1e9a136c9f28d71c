"""Keep what people write in a card's thread with its requests; it decides nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.approvals import store
from bot.approvals.model import Person
from bot.approvals.ports import Jobs
from bot.approvals.rate_limit import Counted, count_in
from bot.approvals.sql import SQL
from bot.base.settings_types import Rate
from bot.database.pool import Connection


async def comment(
    connection: Connection,
    jobs: Jobs,
    person: Person,
    place: tuple[str, str, str],
    text: str,
    words: Mapping[str, str],
    rate: Rate | None = None,
) -> bool:
    """Keep a message if it stands in the thread of a card; whether it does.

    What is above the rate is kept too, but the card is not drawn anew for it.

    Args:
        place: channel, ts of the thread's first message, ts of the message.
        words: what its author is told, by "kept" and "too_many".
    """
    channel, thread_ts, ts = place
    found = await connection.execute(
        SQL["comment"],
        {
            "team": person.team,
            "user": person.user,
            "channel": channel,
            "thread_ts": thread_ts,
            "ts": ts,
            "text": text,
        },
    )
    row = await found.fetchone()
    if row is None or not row["is_card"]:
        return False
    if row["touched"]:  # else it is known already
        counted = await count_in(connection, rate, person) if rate else Counted()
        await _tell(connection, jobs, person, place, row["touched"], words, counted)
    return True


async def _tell(
    connection: Connection,
    jobs: Jobs,
    person: Person,
    place: tuple[str, str, str],
    cards: Sequence[str],
    words: Mapping[str, str],
    counted: Counted,
) -> None:
    if counted.is_over and not counted.tell:
        return
    if not counted.is_over:
        jobs.edit(connection, cards)
    channel, thread_ts, _ = place
    said = words["too_many" if counted.is_over else "kept"]
    await store.tell(connection, jobs, person, said, channel, thread_ts)
