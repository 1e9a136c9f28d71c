"""MCP servers: pin what they say of their tools, put to people what they ask."""

from __future__ import annotations

import asyncio
import hashlib
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any

import structlog
from psycopg.types.json import Json, Jsonb

from agent.safe_text import clean_text
from agent.tools.mcp import Definition
from agent.tools.mcp_config import McpConfigError, read_config
from agent.tools.mcp_transport import Reply
from bot.approvals import store
from bot.approvals.audit import Fact, append, of_person
from bot.approvals.json_schemas import misfit
from bot.approvals.judge import is_on_message
from bot.approvals.model import Person, Place
from bot.approvals.pause import tell_operators
from bot.approvals.policy.match import names
from bot.approvals.policy.model import RuleEffect
from bot.approvals.ports import Jobs, People, Policies, refusal_of
from bot.approvals.transitions import ask_anew_for_changed_tool
from bot.base.errors import ConfigurationError
from bot.base.settings import variables
from bot.base.time_limits import limits
from bot.conversations import SQL
from bot.conversations.conversation import ASIDE
from bot.conversations.stop_and_retry import HEARS
from bot.database.pool import TRANSIENT, Connection, Pool, transaction
from bot.texts import clicks
from bot.texts.agent import no_longer_fits, tool_was_changed
from bot.texts.notices import tools_changed

log = structlog.get_logger(__name__)


def connections_in(file: Path) -> dict[str, dict[str, Any]]:
    """Read the servers that MCP_CONFIG names, with the environment's variables.

    Raises:
        ConfigurationError: the file cannot be used.
    """
    try:
        return read_config(file, variables())
    except McpConfigError as error:
        raise ConfigurationError(str(error)) from None


class StoredPins:
    """Implements `agent.tools.mcp.Pins` over PostgreSQL."""

    def __init__(self, pool: Pool, policies: Policies, jobs: Jobs) -> None:
        self.pool = pool
        self._policies = policies
        self.jobs = jobs
        self._changed_under: dict[str, str] = {}  # see `waivers`, by the tools' names

    def is_unsettled(self, name: str) -> bool:
        """Return whether a tool has changed under the rules that would waive it.

        They do not then: they were written for another tool. A policy that changes
        elsewhere says nothing about it.
        """
        changed_under = self._changed_under.get(name)
        return bool(changed_under) and changed_under == waivers(self._policies, name)

    async def known(self, servers: Sequence[str]) -> list[Definition]:
        """The tools that these servers listed when they were last asked."""
        async with self.pool.connection() as connection:
            key = {"servers": list(servers)}
            rows = await (await connection.execute(SQL["known_tools"], key)).fetchall()
        self._changed_under |= {
            f"{row['server']}.{row['tool']}": row["changed_under"] for row in rows
        }
        return [
            Definition(row["server"], row["tool"], **json.loads(row["definition"]))
            for row in rows
        ]

    async def learn(self, server: str, listed: Sequence[Definition]) -> list[str]:
        """Keep a server's whole list; return the names of the tools that changed."""
        async with transaction(self.pool) as connection:
            changed, news = await self._keep(connection, server, listed)
            waited = [
                await self._ask_anew(connection, each, quietly=each.name not in news)
                for each in changed
            ]
            if news:
                await self._tell(connection, news, sum(waited))
        for each, number in zip(changed, waited, strict=True):
            log.warning(
                "an MCP server has changed a tool",
                action="tool_changed",
                tool=each.name,
                requests=number,
            )
        await self.known([server])
        return [each.name for each in changed]

    async def _ask_anew(
        self, connection: Connection, tool: Definition, *, quietly: bool
    ) -> int:
        notes = tool_was_changed(tool.name), no_longer_fits(tool.name)
        return await ask_anew_for_changed_tool(
            connection, self.jobs, tool.name, tool.call_schema, notes, quietly=quietly
        )

    async def _tell(
        self, connection: Connection, tools: Sequence[str], waited: int
    ) -> None:
        text = tools_changed(tools, waited)
        policy = self._policies.current
        await tell_operators(connection, self.jobs, policy, text)

    async def _keep(
        self, connection: Connection, server: str, listed: Sequence[Definition]
    ) -> tuple[list[Definition], list[str]]:
        """Return the tools that changed, and the names of those to tell of."""
        key = {"server": server}
        found = await connection.execute(SQL["pinned_tools"], key)
        before = {row["tool"]: row for row in await found.fetchall()}
        changed, news = list[Definition](), list[str]()
        for each in listed:
            row = {"tool": each.tool, "digest": each.digest, "definition": _json(each)}
            row["waivers"] = waivers(self._policies, each.name)
            await connection.execute(SQL["pin_tool"], key | row)
            old = before.get(each.tool)
            if old and old["digest"] != each.digest:
                changed.append(each)
                # it may change again and again; that no rule waives it was said
                if not (old["lately"] and old["changed_under"] == row["waivers"]):
                    news.append(each.name)
        names = [each.tool for each in listed]
        await connection.execute(SQL["unlist_tools"], key | {"tools": names})
        return changed, news


def waivers(policies: Policies, tool: str) -> str:
    """Return a hash of the rules that waive a tool's approval."""
    found = [
        [rule.name, rule.why, rule.tools, [astuple(each) for each in rule.when]]
        for rule in policies.current.rules
        if rule.effect is RuleEffect.WAIVE and names(rule.tools, tool)
    ]
    return hashlib.sha256(json.dumps(found, default=str).encode()).hexdigest()


def _json(definition: Definition) -> str:
    said = {
        "description": definition.description,
        "schema": definition.schema,
        "destructive": definition.destructive,
        "reads": definition.reads,
    }
    return json.dumps(said)


# --- Their questions in the middle of a call: put, answered, handed over --------------

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
