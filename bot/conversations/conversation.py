"""A conversation in the database, its messages, and how it is led outside of Slack."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, cast

from langchain_core.messages import HumanMessage
from psycopg.rows import DictRow

from bot.approvals import store
from bot.approvals.assess import Turn
from bot.approvals.grants import Run
from bot.approvals.model import Askers, Person, Profile
from bot.approvals.ports import Jobs
from bot.conversations import SQL
from bot.conversations.inbox import Incoming, receive
from bot.database.pool import Connection, Pool


@dataclass(frozen=True)
class Message:
    """One message of a person."""

    id: int
    ts: str
    author: Person
    text: str
    state: str


@dataclass(frozen=True)
class Unfinished:
    """A message in Slack that a run has begun to stream, and no run has ended.

    Attributes:
        run: the number of that run.
        ts: where it stands; None where nobody knows whether it does.
        at: when it began, by the database's clock.
    """

    run: int
    ts: str | None
    at: datetime


@dataclass(frozen=True)
class Conversation:
    """A thread, its open messages (oldest first), and whether it waits for people.

    Attributes:
        unfinished: what a run before this one was streaming when it died.
        is_first: a run begins in it, and no run before has got anywhere.
    """

    id: str
    team: str
    channel: str
    thread_ts: str
    waits: bool
    messages: tuple[Message, ...]
    participants: tuple[str, ...]
    unfinished: Unfinished | None = None
    stopped: bool = False  # a person has stopped the turn before
    is_first: bool = False

    @property
    def running(self) -> Message | None:
        """The message whose turn is going on."""
        return next((m for m in self.messages if m.state == "running"), None)

    @property
    def unread(self) -> tuple[Message, ...]:
        """Messages that the agent has not been given."""
        return tuple(m for m in self.messages if m.state in ("received", "held"))

    def message_id(self, message: Message) -> str:
        """The message's id in the graph: the same message is the same id."""
        return f"{self.team}:{self.channel}:{message.ts}"

    def turn_of(self, message: Message) -> Turn:
        """Whose words a call of this turn comes from."""
        others = tuple(u for u in self.participants if u != message.author.user)
        people = Askers(message.author, others)
        return Turn(self.id, self.channel, self.thread_ts, people)


Work = Literal["turn", "resume", "reconcile", "end"]


@dataclass(frozen=True)
class Started:
    """A conversation as it is at the start of a run, or of looking for one.

    Attributes:
        run: None where there is nothing to do for one.
        is_new: whether the message that is running was taken up by this.
        now: the database's clock.
        pause: why an operator lets nothing run; None: it may.
    """

    conversation: Conversation
    run: Run | None
    is_new: bool
    now: datetime
    pause: str | None = None


async def start(pool: Pool, conversation: str, work: Work) -> Started | None:
    """Read a conversation and start the run that its work needs, if any.

    Args:
        work: a `turn` needs one where a message can be taken up now, a `reconcile`
            where something is waited for, any other work always.

    Returns:
        None if there is no conversation with that id.
    """
    key = {"conversation": conversation, "work": work}
    async with pool.connection() as connection:
        found = await connection.execute(SQL["start_run"], key, binary=True)
        row = cast("DictRow", await found.fetchone())
    started = row.pop("started")  # the rest is the checkpoint
    if started is None:
        return None
    return _started(started, row if row["checkpoint_id"] else None)


def _started(row: Mapping[str, Any], latest: Mapping[str, Any] | None) -> Started:
    conversation, run = _conversation(row), None
    if row["run"] is not None:
        asked = [store.request_from(each) for each in row["requests"]]
        guarded = {r.call.id: r for r in asked if r.call.guarded}
        place = conversation.team, conversation.id
        run = Run(*place, row["run"], guarded, asked, (latest,))
        conversation = replace(conversation, is_first=latest is None)
    now = store.utc(row["now"])
    return Started(conversation, run, row["is_new"], now, row["pause"])


async def set_state(connection: Connection, message: Message, state: str) -> None:
    """Note what has become of a message."""
    await connection.execute(
        SQL["set_message_state"], {"message": message.id, "state": state}
    )


def _conversation(row: Mapping[str, Any]) -> Conversation:
    return Conversation(
        id=str(row["id"]),
        team=row["team_id"],
        channel=row["channel_id"],
        thread_ts=row["thread_ts"],
        waits=row["waits"],
        messages=tuple(_message(message) for message in row["messages"] or ()),
        participants=tuple(row["participants"]),
        unfinished=_unfinished(row),
        stopped=row["stopped"],
    )


def _unfinished(row: Mapping[str, Any]) -> Unfinished | None:
    if row["stream_run"] is None:
        return None
    return Unfinished(row["stream_run"], row["stream_ts"], store.utc(row["stream_at"]))


def _message(row: Mapping[str, Any]) -> Message:
    return Message(
        id=row["id"],
        ts=row["ts"],
        author=Person(row["enterprise_id"], row["team_id"], row["user_id"]),
        text=row["text"],
        state=row["state"],
    )


def human(
    conversation: Conversation, message: Message, profile: Profile, text: str
) -> HumanMessage:
    """A person's message; the same one has the same id in the graph.

    Args:
        text: its words as the agent is to read them.
    """
    speaker = {"id": message.author.user, "name": profile.name}
    return HumanMessage(
        text,
        id=conversation.message_id(message),
        additional_kwargs={"speaker": speaker},
    )


# --- Led from outside of Slack --------------------------------------------------------
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
