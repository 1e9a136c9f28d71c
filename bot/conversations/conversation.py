"""A conversation in the database, its messages, and the bot's own replies in it."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, cast

from langchain_core.messages import HumanMessage
from psycopg.rows import DictRow

from bot.approvals import store
from bot.approvals.assess import Turn
from bot.approvals.audit import append, of_person
from bot.approvals.model import Askers, Person, Profile
from bot.approvals.ports import Jobs, turn_job
from bot.approvals.raise_request import rejects_from
from bot.approvals.run import Run, clock_from
from bot.conversations import SQL
from bot.conversations.inbox import Incoming, receive
from bot.database.pool import Connection, Pool, transaction
from bot.texts import conversation as texts


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
    return started_by(row)


def started_by(found: Mapping[str, Any]) -> Started | None:
    """Return what `start_run` has started, or `receive`, where nothing was before."""
    row, run = found["started"], None
    if row is None:
        return None
    conversation, now = _conversation(row), store.utc(row["now"])
    if row["run"] is not None:
        asked = [store.request_from(each) for each in row["requests"]]
        guarded = {r.call.id: r for r in asked if r.call.guarded}
        latest = found if found.get("checkpoint_id") else None
        run = Run(
            conversation.team,
            conversation.id,
            row["run"],
            guarded,
            asked,
            latest=(latest,),
            rejected=rejects_from(found.get("rejected")),
            clock=clock_from(now),
        )
        conversation = replace(conversation, is_first=latest is None)
    return Started(conversation, run, row["is_new"], now, found.get("pause"))


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
MOST_TOLD = 200  # messages, or requests, of one conversation


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
        "limit": MOST_TOLD,
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


# --- The bot's own replies, beside the agent's answers --------------------------------

MESSAGE_LIMIT = 20_000  # characters of one message to the agent


@dataclass(frozen=True)
class Talk:
    """Answers messages that do not reach the graph now.

    Attributes:
        hint: how to go on in a channel, where people may expect something else; "" for
            nothing.
        help: says what the agent can do now, for people who ask for help.
    """

    pool: Pool
    jobs: Jobs
    hint: Callable[[str], str] = lambda channel: ""
    help: Callable[[], str] = lambda: ""
    hinted: set[str] = field(default_factory=set[str])  # channels, as far as known here

    async def after_answer(self, conversation: Conversation) -> None:
        """Say once in a channel how to go on there."""
        text = self.hint(conversation.channel)
        if not text or conversation.channel in self.hinted:
            return
        self.hinted.add(conversation.channel)
        await self.say_once(conversation.id, text, in_channel=True)

    async def hold(self, conversation: Conversation) -> None:
        """Keep what is said meanwhile, and say what is waited for."""
        new = [m for m in conversation.messages if m.state == "received"]
        if not new:
            return
        async with transaction(self.pool) as connection:
            waiting = await store.unresumed(connection, conversation.id)
            for message in new:
                await set_state(connection, message, "held")
            if waiting:
                held = await self._deliver(connection, conversation, "held")
                await store.show_in(connection, held, waiting)

    async def turn_away(
        self, conversation: Conversation, message: Message, profile: Profile
    ) -> None:
        async with transaction(self.pool) as connection:
            await set_state(connection, message, "refused")
            about, word = conversation.id, profile.refusal
            fact = of_person(message.author, "refused", conversation=about, word=word)
            await append(connection, [fact])
            said = texts.may_not_ask(profile.refusal)
            channel, thread = conversation.channel, _thread_of(conversation, message)
            await store.tell(
                connection, self.jobs, message.author, said, channel, thread
            )
            await self._follow(connection, conversation)

    async def answer_at_once(
        self, conversation: Conversation, message: Message, text: str
    ) -> None:
        async with transaction(self.pool) as connection:
            await set_state(connection, message, "answered")
            await self._deliver(connection, conversation, "say", text)
            await self._follow(connection, conversation)

    async def tell_waiting(self, conversation: str) -> None:
        """Say in the thread that the bot is waiting for Slack, at most once an hour."""
        await self.say_once(conversation, texts.WAITING_FOR_SLACK)

    async def say_once(
        self, conversation: str, text: str, *, in_channel: bool = False
    ) -> None:
        """Say something in the thread, unless it was said within an hour.

        `in_channel`: or ever in any of the channel's.
        """
        said = {"text": text, "delivery": str(uuid.uuid4()), "in_channel": in_channel}
        async with self.pool.connection() as connection:
            key = {"conversation": conversation, **said}
            found = await connection.execute(SQL["say_unless_said"], key)
            self.jobs.post(connection, [row["id"] for row in await found.fetchall()])

    async def _follow(self, connection: Connection, conversation: Conversation) -> None:
        if conversation.unread:
            await self.jobs.defer(connection, [turn_job(conversation.id)])

    async def _deliver(
        self,
        connection: Connection,
        conversation: Conversation,
        kind: str,
        text: str | None = None,
    ) -> str:
        delivery = await store.add_delivery(
            connection,
            kind=kind,
            team=conversation.team,
            channel=conversation.channel,
            thread_ts=conversation.thread_ts,
            text=text,
        )
        self.jobs.post(connection, [delivery], conversation=conversation.id)
        return delivery


def asks_for_help(text: str) -> bool:
    """Return whether a message is the word help and nothing else."""
    return text.strip().rstrip("?!.").lower() == "help"


def unreadable(text: str) -> str:
    """Say in a sentence why a message cannot be given to the agent; "" if it can."""
    if not text.strip():
        return texts.EMPTY_MESSAGE
    if len(text) > MESSAGE_LIMIT:
        return texts.too_long_message(len(text), MESSAGE_LIMIT)
    return ""


def _thread_of(conversation: Conversation, message: Message) -> str | None:
    """A private message in a thread that has no replies yet would not be seen."""
    started = message.ts == conversation.thread_ts
    return None if started else conversation.thread_ts
