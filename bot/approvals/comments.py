"""Keep what people write in a card's thread with its requests; it decides nothing."""

from __future__ import annotations

import re
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
        words: what its author is told, by "kept", "no_decision" and "too_many".
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
        tries = row["is_open"] and reads_as_decision(text)
        said = {**words, "kept": words["no_decision"]} if tries else words
        await _tell(connection, jobs, person, place, row["touched"], said, counted)
    return True


_DECIDING = re.compile(
    r"(?:approv|reject|den(?:y|ied)|declin|lgtm|confirm|accept)", re.IGNORECASE
)
_SHORT = re.compile(r"(?:yes|yep|ok|okay|no|nope|go|sure|[+-]1|👍|👎|✅|❌)", re.I)
_MOST_WORDS = 6


def reads_as_decision(text: str) -> bool:
    """Return whether somebody may believe to decide by writing this.

    That a sentence is taken for one, or is not, changes only what its author is told.
    """
    said = re.sub(r"<[^>]*>|[.,!:;]", " ", text).split()
    if not said or len(said) > _MOST_WORDS:
        return False
    is_short = _SHORT.fullmatch(said[0]) is not None
    return is_short or any(_DECIDING.match(word) for word in said)


async def overheard(
    connection: Connection,
    jobs: Jobs,
    person: Person,
    place: tuple[str, str],
    words: Mapping[str, str],
    rate: Rate | None = None,
) -> None:
    """Tell who seems to decide in the thread of an open card that it decides nothing.

    Args:
        place: channel, and ts of the thread's first message.
        words: as for `comment`.
    """
    card = await store.shown_at(connection, *place, card="")
    if card is None or not any(request.is_open for request in card.requests):
        return
    counted = await count_in(connection, rate, person) if rate else Counted()
    if not counted.is_over:
        await store.tell(connection, jobs, person, words["no_decision"], *place)


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
