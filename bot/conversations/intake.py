"""Write a message down, once, before Slack is told that it arrived."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from bot.approvals.comments import comment
from bot.approvals.model import Person
from bot.approvals.ports import Jobs, turn_job
from bot.database.pool import Connection, Pool, transaction
from bot.database.statements import load_statements

SQL = load_statements("bot.conversations", "conversations.sql")


@dataclass(frozen=True)
class Incoming:
    """A message to the agent, as Slack delivered it."""

    enterprise: str
    team: str
    channel: str
    ts: str
    thread_ts: str  # the message's own ts where it starts a thread
    event_id: str
    user: str
    text: str


async def receive(pool: Pool, jobs: Jobs, incoming: Incoming) -> bool:
    """Store a message with the job that answers it; False if there is none to answer.

    A message that is known already is none, and neither is one in the thread of a card:
    that is a comment on the card's requests.

    Raises:
        psycopg.Error, psycopg_pool.PoolTimeout: nothing was written; do not ack.
    """
    async with transaction(pool) as connection:
        if incoming.thread_ts != incoming.ts and await _comments(
            connection, jobs, incoming
        ):
            return False
        stored = await connection.execute(
            SQL["receive"],
            {
                "new_id": uuid.uuid4(),
                "enterprise": incoming.enterprise,
                "team": incoming.team,
                "channel": incoming.channel,
                "ts": incoming.ts,
                "thread_ts": incoming.thread_ts,
                "event_id": incoming.event_id,
                "user": incoming.user,
                "text": clean(incoming.text),
            },
        )
        row = await stored.fetchone()
        if row is None:
            return False
        conversation = str(row["conversation_id"])
        await jobs.defer(connection, [turn_job(conversation)])
        return True


async def _comments(connection: Connection, jobs: Jobs, incoming: Incoming) -> bool:
    person = Person(incoming.enterprise, incoming.team, incoming.user)
    place = (incoming.channel, incoming.thread_ts, incoming.ts)
    return await comment(connection, jobs, person, place, clean(incoming.text))


def clean(text: str) -> str:
    """Text that PostgreSQL and the checkpoints keep as it is: no NUL, no surrogate."""
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return whole.replace("\x00", "\ufffd")
