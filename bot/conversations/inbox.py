"""Write a message down, once, before Slack is told that it arrived."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agent.safe_text import clean_text
from bot.approvals import store
from bot.approvals.audit import append, of_person
from bot.approvals.comments import comment, overheard
from bot.approvals.model import Person
from bot.approvals.ports import Jobs, turn_job
from bot.approvals.rate_limit import rate_parameters
from bot.base.faults import reach
from bot.base.settings_types import Rate
from bot.conversations import SQL
from bot.database.pool import Connection, Pool, transaction
from bot.texts.clicks import COMMENTED, too_many_messages
from bot.texts.conversation import not_read


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
    unread: tuple[str, ...] = ()  # what it holds beside its text, in words
    via: str = "slack"
    conversation: uuid.UUID | None = None  # the id of a new one; None for any
    is_follow_up: bool = False  # it names nobody: counts where its author has asked


@dataclass(frozen=True)
class Change:
    """A message as its author has it now; `is_gone`: deleted."""

    team: str
    channel: str
    ts: str
    user: str
    text: str
    is_gone: bool


async def receive(
    pool: Pool, jobs: Jobs, incoming: Incoming, rate: Rate | None = None
) -> bool:
    """Store a message with the job that answers it; False if there is none to answer.

    A message that is known already is none, and neither is one in the thread of a card:
    that is a comment on the card's requests. A follow-up is one only in a thread in
    which its author has asked before. One above the rate is kept, refused, and
    its author is told so.

    Raises:
        psycopg.Error, psycopg_pool.PoolTimeout: nothing was written; do not ack.
    """
    starts = incoming.thread_ts == incoming.ts
    # else there is one statement, a transaction of its own
    has_more = not starts or rate is not None or incoming.unread
    async with transaction(pool) if has_more else pool.connection() as connection:
        if incoming.is_follow_up and not await _has_asked(connection, incoming):
            return False
        if not starts and await _comments(connection, jobs, incoming, rate):
            return False
        key = _parameters(incoming, rate, jobs.free_worker)
        stored = await connection.execute(SQL["receive"], key, binary=True)
        row = await stored.fetchone()
        if row is None:
            return False
        job = turn_job(str(row["conversation_id"]))
        has_run = row["started"] is not None
        jobs.begin(connection, job, row["begun"], row if has_run else None)
        if rate is not None and row["is_over"]:
            await _refuse(connection, jobs, incoming, row, rate)
            return False
        if incoming.unread:
            await _whisper(connection, jobs, incoming, not_read(incoming.unread))
    reach("received")
    return True


def _parameters(
    incoming: Incoming, rate: Rate | None, worker: int | None
) -> dict[str, Any]:
    return {
        "new_id": incoming.conversation or uuid.uuid4(),
        "enterprise": incoming.enterprise,
        "team": incoming.team,
        "channel": incoming.channel,
        "ts": incoming.ts,
        "thread_ts": incoming.thread_ts,
        "event_id": incoming.event_id,
        "user": incoming.user,
        "text": clean_text(incoming.text),
        **rate_parameters(rate),
        "via": incoming.via,
        "worker": worker,
    }


async def _has_asked(connection: Connection, incoming: Incoming) -> bool:
    key = {
        "team": incoming.team,
        "channel": incoming.channel,
        "thread_ts": incoming.thread_ts,
        "user": incoming.user,
    }
    found = await connection.execute(SQL["has_asked"], key)
    return await found.fetchone() is not None


async def change(pool: Pool, changed: Change) -> None:
    """Let an edit or a deletion count while the message still waits."""
    async with pool.connection() as connection:
        await connection.execute(
            SQL["change_message"],
            {
                "team": changed.team,
                "channel": changed.channel,
                "ts": changed.ts,
                "user": changed.user,
                "text": clean_text(changed.text),
                "gone": changed.is_gone,
            },
        )


async def _refuse(
    connection: Connection,
    jobs: Jobs,
    incoming: Incoming,
    row: Mapping[str, Any],
    rate: Rate,
) -> None:
    key = {"message": row["id"], "state": "refused"}
    await connection.execute(SQL["set_message_state"], key)
    if not row["tell"]:
        return
    about, word = str(row["conversation_id"]), "too_many_messages"
    fact = of_person(_author(incoming), "refused", conversation=about, word=word)
    await append(connection, [fact])
    text = too_many_messages(rate.limit, rate.seconds)
    await _whisper(connection, jobs, incoming, text)


async def _whisper(
    connection: Connection, jobs: Jobs, incoming: Incoming, text: str
) -> None:
    started = incoming.thread_ts == incoming.ts
    thread = None if started else incoming.thread_ts
    await store.tell(
        connection, jobs, _author(incoming), text, incoming.channel, thread
    )


async def _comments(
    connection: Connection, jobs: Jobs, incoming: Incoming, rate: Rate | None
) -> bool:
    place = (incoming.channel, incoming.thread_ts, incoming.ts)
    author, text = _author(incoming), clean_text(incoming.text)
    return await comment(connection, jobs, author, place, text, COMMENTED, rate)


async def overhear(
    pool: Pool, jobs: Jobs, incoming: Incoming, rate: Rate | None = None
) -> None:
    """Take note of a message to others that reads as if it decided an open card."""
    place = (incoming.channel, incoming.thread_ts)
    async with transaction(pool) as connection:
        author = _author(incoming)
        await overheard(connection, jobs, author, place, COMMENTED, rate)


def _author(incoming: Incoming) -> Person:
    return Person(incoming.enterprise, incoming.team, incoming.user)
