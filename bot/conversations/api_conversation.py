"""Conversations that are led from outside of Slack."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from typing import Any

from bot.approvals.model import Person
from bot.approvals.ports import Jobs
from bot.conversations import SQL
from bot.conversations.inbox import Incoming, receive
from bot.database.pool import Pool

ASIDE = "aside"  # instead of a channel's id; Slack's begin with a capital letter
MOST = 200  # messages, or requests, of one conversation


async def say(
    pool: Pool, jobs: Jobs, conversation: uuid.UUID, person: Person, text: str, key: str
) -> bool:
    """Go on with a conversation of a person's, or begin one under a new id.

    Args:
        key: what makes the message the same message when it comes again.

    Returns:
        False if there is such a conversation and the person has no part in it.

    Raises:
        psycopg.Error, psycopg_pool.PoolTimeout: nothing was written.
    """
    row = await _find(pool, conversation, person)
    if row is not None and not _is_open_to(row, person):
        return False
    name = f"{person.user}:{key}"
    stamp = hashlib.sha256(f"{conversation}:{name}".encode()).hexdigest()[:32]
    incoming = Incoming(
        enterprise=person.enterprise,
        team=person.team,
        channel=row["channel_id"] if row else ASIDE,
        ts=f"{ASIDE}-{stamp}",
        thread_ts=row["thread_ts"] if row else str(conversation),
        event_id=f"{ASIDE}:{stamp}",
        user=person.user,
        text=text,
        via="api",
        conversation=conversation,
    )
    await receive(pool, jobs, incoming)
    return True


async def told(
    pool: Pool, conversation: uuid.UUID, person: Person
) -> Mapping[str, Any] | None:
    """A conversation as who has a part in it sees it; None for everybody else."""
    row = await _find(pool, conversation, person)
    if row is None or not _is_open_to(row, person):
        return None
    key = {
        "id": conversation,
        "user": person.user,
        "team": row["team_id"],
        "channel": row["channel_id"],
        "thread_ts": row["thread_ts"],
        "limit": MOST,
    }
    async with pool.connection() as connection:
        said = await (await connection.execute(SQL["select_said"], key)).fetchall()
        raised = await connection.execute(SQL["requests_of_conversation"], key)
        requests = await raised.fetchall()
    state = "idle" if not row["works"] else "working"
    state = "waiting" if row["waits"] else state
    return {"state": state, "said": said, "requests": requests[::-1]}


async def _find(
    pool: Pool, conversation: uuid.UUID, person: Person
) -> dict[str, Any] | None:
    key = {"id": conversation, "user": person.user}
    async with pool.connection() as connection:
        return await (await connection.execute(SQL["select_aside"], key)).fetchone()


def _is_open_to(row: Mapping[str, Any], person: Person) -> bool:
    return row["team_id"] == person.team and row["is_theirs"]
