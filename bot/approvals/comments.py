"""What people write in a card's thread: kept with its requests, never a decision."""

from __future__ import annotations

from bot.approvals import store
from bot.approvals.audit import SQL
from bot.approvals.model import Person
from bot.approvals.ports import Jobs, deliver_job, edit_job
from bot.database.pool import Connection

KEPT = (
    "I have kept this with the request; it stands on its card. I answer in the thread "
    "in which I was asked."
)


async def comment(
    connection: Connection,
    jobs: Jobs,
    person: Person,
    place: tuple[str, str, str],
    text: str,
) -> bool:
    """Keep a message if it stands in the thread of a card; whether it does.

    Args:
        place: channel, ts of the thread's first message, ts of the message.
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
    if row["touched"]:
        told = await store.add_delivery(
            connection,
            kind="private",
            team=person.team,
            channel=channel,
            thread_ts=thread_ts,
            user=person.user,
            text=KEPT,
        )
        follow = [edit_job(delivery) for delivery in row["touched"]]
        await jobs.defer(connection, [*follow, deliver_job(told)])
    return True
