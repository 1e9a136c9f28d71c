"""Questions of a tool's server in the middle of a call: put, answered, handed over."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from psycopg.types.json import Json, Jsonb

from agent.tool_arguments import clean_text
from agent.tools.mcp_transport import Reply
from bot.approvals import store
from bot.approvals.audit import Fact, append, of_person
from bot.approvals.json_schemas import misfit
from bot.approvals.judge import is_on_message
from bot.approvals.model import Person, Place
from bot.approvals.ports import Jobs, People, refusal_of
from bot.base.time_limits import limits
from bot.conversations import SQL
from bot.conversations.conversation import ASIDE
from bot.conversations.stop import HEARS
from bot.database.pool import TRANSIENT, Connection, Pool, transaction
from bot.texts import clicks

MAX_WORDS = 2_000  # characters of a server's question
LOOKS = 5.0  # seconds between two looks at a question whose announcement may get lost
Question = Mapping[str, Any]  # a row of `lock_question`


@dataclass(frozen=True)
class ServerQuestions:
    """Asks people for the servers of tools: see `agent.tools.mcp_transport.AskPerson`.

    Attributes:
        can_show: whether a form can ask for an answer of this schema.
        waiting: what wakes the calls that wait, by conversation.
    """

    pool: Pool
    jobs: Jobs
    can_show: Callable[[Mapping[str, Any]], bool]
    waiting: dict[str, asyncio.Event] = field(default_factory=dict[str, asyncio.Event])

    async def ask(
        self, thread: str | None, server: str, message: str, schema: Mapping[str, Any]
    ) -> Reply | None:
        """Put a question and wait for its end; None where it can't be put."""
        message = clean_text(message).strip()
        if not (thread and message and len(message) <= MAX_WORDS):
            return None
        if not self.can_show(schema):
            return None
        question = str(uuid.uuid4())
        if not await self._put(question, thread, server, message, schema):
            return None
        try:
            await self._until_over(question, thread)
        finally:
            self.wake(thread)  # what else waits there looks, and asks to be woken anew
            status, answer = await self._close(question)
        if status == "answered":
            return Reply("accept", answer)
        return Reply("decline" if status == "declined" else "cancel")

    async def _put(
        self,
        question: str,
        thread: str,
        server: str,
        message: str,
        schema: Mapping[str, Any],
    ) -> bool:
        row = {
            "id": question,
            "conversation": thread,
            "server": server,
            "message": message,
            "schema": Json(dict(schema)),
            "text": clicks.server_asks(server),
            "aside": ASIDE,
            "seconds": limits().server_question,
        }
        async with transaction(self.pool) as connection:
            found = await connection.execute(SQL["put_question"], row)
            is_put = await found.fetchone() is not None
            if is_put:
                self.jobs.post(connection, [question])
        return is_put

    async def _until_over(self, question: str, thread: str) -> None:
        """Wait without a connection; no more than some looks go to the database."""
        while True:
            event = self.waiting.setdefault(thread, asyncio.Event())
            with suppress(*TRANSIENT):
                if not await self._stands(question):
                    return
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOKS):
                    await event.wait()

    async def _stands(self, question: str) -> bool:
        async with self.pool.connection() as connection:
            key = {"id": question}
            found = await connection.execute(SQL["question_stands"], key)
            row = await found.fetchone()
        return row is not None and row["stands"]

    async def _close(self, question: str) -> tuple[str, dict[str, Any] | None]:
        async with transaction(self.pool) as connection:
            key = {"id": question}
            found = await connection.execute(SQL["close_question"], key)
            row = await found.fetchone()
            self.jobs.edit(connection, [question])
        return (row["status"], row["answer"]) if row else ("over", None)

    def wake(self, conversation: str) -> None:
        """Have the call of a conversation look whether its question is over."""
        if conversation in self.waiting:
            self.waiting.pop(conversation).set()


@dataclass(frozen=True)
class Click:
    """A click under a question, or its form.

    Attributes:
        question: what the button carries.
        verdict: "answer", or "decline".
        content: of the form; None: it is only to be opened.
    """

    question: str
    person: Person
    place: Place
    verdict: str
    content: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class ServerAnswers:
    """Takes the one answer to a question, of the one person who may give it."""

    pool: Pool
    people: People
    jobs: Jobs
    own_app: Callable[[], str]

    async def take(self, click: Click) -> tuple[Question | None, str]:
        """Write an answer down, or have the person told why not.

        Returns the question where the click counts, and a sentence on what in the
        content does not fit: then nothing was written.

        Raises:
            psycopg.Error, psycopg_pool.PoolTimeout: nothing was written; do not ack.
        """
        refusal = await refusal_of(self.people, click.person)
        async with transaction(self.pool) as connection:
            question = await store.of_message(
                connection, SQL["lock_question"], click.question
            )
            word = _judged(question, click, self.own_app()) or refusal
            if question is None or word:
                await self._refuse(connection, click, question, word)
                return None, ""
            if click.verdict == "answer" and click.content is None:
                return question, ""
            if wrong := _misfit(question, click):
                return question, wrong
            await self._write(connection, click, question)
        return question, ""

    async def look(self, question: str) -> Question | None:
        """Read a question as it is stored."""
        async with self.pool.connection() as connection:
            return await store.of_message(connection, SQL["lock_question"], question)

    async def _write(
        self, connection: Connection, click: Click, question: Question
    ) -> None:
        answers = click.verdict == "answer"
        key = {
            "id": question["delivery_id"],
            "status": "answered" if answers else "declined",
            "answer": Jsonb(dict(click.content or {})) if answers else None,
            "hears": HEARS,
        }
        await connection.execute(SQL["answer_question"], key)
        fact = _fact(click, question, "server_answered", verdict=click.verdict)
        await append(connection, [fact])
        self.jobs.edit(connection, [str(question["delivery_id"])])

    async def _refuse(
        self, connection: Connection, click: Click, question: Question | None, word: str
    ) -> None:
        """Tell who clicked; a question that is over loses its buttons."""
        fact = _fact(click, question, "refused", word=word, verdict=click.verdict)
        await append(connection, [fact])
        if question is not None:
            key = {"id": question["delivery_id"]}
            await connection.execute(SQL["show_question"], key)
            self.jobs.edit(connection, [str(question["delivery_id"])])
        text = clicks.not_answered(word, question["user_id"] if question else "")
        place = click.place
        await store.tell(
            connection, self.jobs, click.person, text, place.channel, place.thread
        )


def _judged(question: Question | None, click: Click, own_app: str) -> str:
    """Return why this click counts for nothing; "" if it counts."""
    if question is None or question["team_id"] != click.person.team:
        return "unknown_question"
    if not is_on_message(question, click.place, own_app):
        return "misplaced"
    if not question["stands"]:
        return "question_over"
    return "" if click.person.user == question["user_id"] else "not_asked"


def _misfit(question: Question, click: Click) -> str:
    if click.verdict != "answer":
        return ""
    return misfit(question["schema"], dict(click.content or {}))


def _fact(click: Click, question: Question | None, event: str, **more: str) -> Fact:
    if question is None:
        return of_person(click.person, event, **more)
    about = {"server": question["server"], "delivery": str(question["delivery_id"])}
    thread = str(question["conversation_id"])
    return of_person(click.person, event, conversation=thread, **about, **more)
