"""The bot's own replies in a conversation, beside the agent's answers."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.approvals import store
from bot.approvals.audit import append, of_person
from bot.approvals.model import Profile
from bot.approvals.ports import Jobs, turn_job
from bot.conversations import SQL
from bot.conversations import conversation as conversations
from bot.conversations.conversation import Conversation, Message
from bot.database.pool import Connection, Pool, statement, transaction
from bot.texts import agent

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
        async with statement(self.pool) as connection:
            said = {"text": text, "delivery": str(uuid.uuid4())}
            key = {"conversation": conversation.id, **said}
            found = await connection.execute(SQL["say_once_in_channel"], key)
            self.jobs.post(connection, [row["id"] for row in await found.fetchall()])

    async def hold(self, conversation: Conversation) -> None:
        """Keep what is said meanwhile, and say what is waited for."""
        new = [m for m in conversation.messages if m.state == "received"]
        if not new:
            return
        async with transaction(self.pool) as connection:
            waiting = await store.unresumed(connection, conversation.id)
            for message in new:
                await conversations.set_state(connection, message, "held")
            if waiting:
                held = await self._deliver(connection, conversation, "held")
                await store.show_in(connection, held, waiting)

    async def turn_away(
        self, conversation: Conversation, message: Message, profile: Profile
    ) -> None:
        async with transaction(self.pool) as connection:
            await conversations.set_state(connection, message, "refused")
            about, word = conversation.id, profile.refusal
            fact = of_person(message.author, "refused", conversation=about, word=word)
            await append(connection, [fact])
            said = agent.may_not_ask(profile.refusal)
            channel, thread = conversation.channel, _thread_of(conversation, message)
            await store.tell(
                connection, self.jobs, message.author, said, channel, thread
            )
            await self._follow(connection, conversation)

    async def answer_at_once(
        self, conversation: Conversation, message: Message, text: str
    ) -> None:
        async with transaction(self.pool) as connection:
            await conversations.set_state(connection, message, "answered")
            await self._deliver(connection, conversation, "say", text)
            await self._follow(connection, conversation)

    async def tell_waiting(self, conversation: str) -> None:
        """Say in the thread that it is Slack that is waited for; once an hour."""
        await self.say_once(conversation, agent.WAITING_FOR_SLACK)

    async def say_once(self, conversation: str, text: str) -> None:
        """Say something in the thread, unless it was said within an hour."""
        said = {"text": text, "delivery": str(uuid.uuid4())}
        async with statement(self.pool) as connection:
            key = {"conversation": conversation, **said}
            found = await connection.execute(SQL["say_waiting"], key)
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
        self.jobs.post(connection, [delivery])
        return delivery


def asks_for_help(text: str) -> bool:
    """Return whether a message is the word help and nothing else."""
    return text.strip().rstrip("?!.").lower() == "help"


def unreadable(text: str) -> str:
    """Say in a sentence why a message cannot be given to the agent; "" if it can."""
    if not text.strip():
        return agent.EMPTY_MESSAGE
    if len(text) > MESSAGE_LIMIT:
        return agent.too_long_message(len(text), MESSAGE_LIMIT)
    return ""


def _thread_of(conversation: Conversation, message: Message) -> str | None:
    """A private message in a thread that has no replies yet would not be seen."""
    started = message.ts == conversation.thread_ts
    return None if started else conversation.thread_ts
