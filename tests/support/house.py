"""The heart on a real PostgreSQL; people, policy and phrases are small stand-ins."""

from __future__ import annotations

import asyncio
import datetime as dt
import functools
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from structlog.testing import capture_logs

from bot.approvals import store
from bot.approvals.assess import ProposedCall, Turn, sources_of
from bot.approvals.decide import BeginToLook, Decider
from bot.approvals.eligibility import PolicyContext
from bot.approvals.grants import CallFacts, Taken, claim
from bot.approvals.judge import Result
from bot.approvals.model import (
    Action,
    Askers,
    Effect,
    Person,
    Place,
    Profile,
    Request,
    Verdict,
)
from bot.approvals.policy.load import parse_policy
from bot.approvals.policy.model import Policy
from bot.approvals.ports import DecisionKey, look_up_groups
from bot.approvals.raise_request import raise_requests, rejected_lately, requests_for
from bot.approvals.run import Run
from bot.base.errors import SlackUnavailable
from bot.conversations.conversation import start
from bot.conversations.inbox import Incoming, receive
from bot.database.pool import Pool, make_pool, transaction
from bot.jobs.queue import Queue
from tests.support.people import (
    APP,
    APPROVALS,
    CHANNEL,
    DANA,
    MINA,
    OMAR,
    RAVI,
    TEAM,
    person,
)
from tests.support.policies import policy_text
from tests.support.postgres import as_role
from tests.support.reused_database import MEND, KeptConnection

APPROVE, REJECT = Verdict.APPROVE, Verdict.REJECT
POLICY = policy_text(
    """
  - {name: looking, tools: [peek], approval: none}
  - {name: wiping, tools: [wipe], why: Gone is gone., stages: [{approvers: managers}]}
  - {name: never, tools: [drop], deny: true, why: Not from here.}
  - name: paying
    tools: [pay]
    stages: [{approvers: managers, quorum: 2}, {approvers: bosses}]
  - name: signing
    tools: [sign]
    stages: [{approvers: managers}, {approvers: directors}]
""",
    approvers={"managers": (MINA, OMAR), "directors": (DANA, OMAR), "bosses": (DANA,)},
)
_numbers = itertools.count(1)


@dataclass
class FakePeople:
    """Everybody is a full member, unless `refusals` has a word; or Slack is down."""

    refusals: dict[str, str] = field(default_factory=dict)
    down: bool = False
    asked: list[str] = field(default_factory=list)
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)  # by source
    mailboxes: dict[str, str] = field(default_factory=dict)
    accounts: dict[str, str] = field(default_factory=dict)

    async def look_again(self, person: Person, decision: DecisionKey) -> Profile:
        return await self.look_up(person)

    async def look_up(self, person: Person) -> Profile:
        self.asked.append(person.user)
        if self.down:
            raise SlackUnavailable
        name = person.user[2:].title()
        box = self.mailboxes.get(person.user, "")
        refusal = self.refusals.get(person.user, "")
        account = self.accounts.get(person.user, person.user)
        return Profile(person, name, refusal, box, account)

    async def members(self, source: str, requester: Person) -> tuple[str, ...]:
        self.asked.append(source)
        if self.down:
            raise SlackUnavailable
        return self.groups.get(source, ())


#: A policy is a value: each text is read once.
parsed = functools.cache(parse_policy)


@dataclass
class FakePolicies:
    current: Policy = field(default_factory=lambda: parsed(POLICY))

    def change(self, old: str, new: str) -> None:
        """Put another policy into force."""
        assert old in POLICY
        self.current = parsed(POLICY.replace(old, new))


def plain_answer(result: Result, request: Request | None, person: Person) -> str:
    """Say effect and word of what decided nothing, so that tests see who was told."""
    if result.effect in {Effect.REFUSED, Effect.LATE, Effect.TIMED_OUT}:
        return f"{result.effect} {result.code}".strip()
    return ""


def proposed(
    tool: str,
    arguments: dict[str, Any] | None = None,
    *,
    tool_call: str = "",
    **more: Any,
) -> ProposedCall:
    """A call with an interrupt of its own, unless `interrupt` says otherwise."""
    call = tool_call or f"call-{next(_numbers)}"
    more = {"interrupt": f"i-{next(_numbers)}", **more}
    given = arguments or {"path": "a.txt"}
    return ProposedCall(tool_call=call, tool=tool, arguments=given, **more)


@dataclass(frozen=True)
class Deferred:
    """A job as it stands in the queue."""

    id: int
    name: str
    lock: str
    arguments: dict[str, str]


@dataclass
class House:
    """A database with the schema, and what the heart needs to work on it."""

    url: str  # as the owner of the tables
    pool: Pool  # with the rights that the bot runs with, as for the queue
    queue: Queue
    owner: Pool  # for what a test itself does to the database
    handed: list[str] = field(default_factory=list)  # messages to be sent, by id
    people: FakePeople = field(default_factory=FakePeople)
    policies: FakePolicies = field(default_factory=FakePolicies)
    begin_to_look: BeginToLook = lambda decision, people, since: None

    @property
    def decider(self) -> Decider:
        return Decider(
            self.pool,
            self.people,
            self.policies,
            plain_answer,
            self.queue,
            lambda: APP,
            begin_to_look=self.begin_to_look,
        )

    async def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        async with self.owner.connection() as connection:
            found = await connection.execute(sql, values)
            return await found.fetchall() if found.description else []

    async def one(self, sql: str, *values: Any) -> Any:
        """The one column of the one row."""
        [row] = await self.rows(sql, *values)
        [value] = row.values()
        return value

    async def blocked(self, task: asyncio.Task[Any]) -> None:
        """Come back when a task waits for a lock; it must not end without one."""
        waiting = (
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        while not await self.one(waiting):
            assert not task.done(), "it has waited for nothing"
            await asyncio.sleep(0)

    async def write(
        self,
        text: str = "hello",
        *,
        user: str = RAVI,
        thread_ts: str = "100.1",
        event_id: str = "",
    ) -> str:
        """Somebody writes in a thread; the id of its conversation."""
        number = next(_numbers)
        ts = f"{1000 + number}.000001"
        incoming = Incoming(
            "", TEAM, CHANNEL, ts, thread_ts, event_id or f"Ev{number}", user, text
        )
        assert await receive(self.pool, self.queue, incoming)
        found = await self.one("SELECT conversation_id FROM messages WHERE ts = %s", ts)
        return str(found)

    async def conversation(self) -> str:
        """A conversation without open messages and jobs."""
        conversation = await self.write(thread_ts=f"{next(_numbers)}.2")
        await self.rows(
            "UPDATE messages SET state = 'answered' WHERE conversation_id = %s",
            conversation,
        )
        await self.rows("DELETE FROM procrastinate_jobs WHERE lock = %s", conversation)
        return conversation

    async def ask(
        self,
        tool: str = "wipe",
        *,
        conversation: str = "",
        tool_call: str = "",
        arguments: dict[str, Any] | None = None,
        requester: Person | None = None,
        participants: Sequence[str] = (),
        schema: dict[str, Any] | None = None,
    ) -> Request:
        """Raise one request, as a run would."""
        asked = proposed(tool, arguments, tool_call=tool_call, schema=schema or {})
        people = Askers(requester or person(RAVI), tuple(participants))
        [raised] = await self.raised([asked], conversation, people)
        return raised

    async def ask_together(self, *tools: str) -> list[Request]:
        """Raise calls of one turn, each of a task of its own, in call order."""
        names = enumerate(tools)
        return await self.raised([proposed(t, {"path": f"{n}.txt"}) for n, t in names])

    async def raised(
        self,
        asked: Sequence[ProposedCall],
        conversation: str = "",
        people: Askers = Askers(person(RAVI)),  # noqa: B008 - frozen
    ) -> list[Request]:
        """Raise what is not raised yet."""
        conversation = conversation or await self.conversation()
        turn = Turn(conversation, CHANNEL, "100.1", people)
        policy = self.policies.current
        sources = sources_of(policy, asked, turn.people)
        members = await look_up_groups(self.people, sources, turn.people.requester)
        async with transaction(self.pool) as connection:
            before, now = await rejected_lately(connection, conversation)
            new = requests_for(turn, asked, PolicyContext(policy, now, members), before)
            ids = await raise_requests(connection, self.queue, new)
        return [await self.request(each) for each in ids]

    async def request(self, request: str) -> Request:
        async with self.pool.connection() as connection:
            found = await store.load(connection, request)
        assert found is not None
        return found

    async def click(
        self,
        user: str | Person,
        request: Request,
        verdict: Verdict = APPROVE,
        *,
        at: Place | None = None,
        click: str = "",
        token: str = "",
        **word: Any,
    ) -> Result:
        """Click a button of the request's own card, as it is now."""
        who = person(user) if isinstance(user, str) else user
        now = await self.request(request.id)
        channel = now.place.channel if now.place.ts else APPROVALS
        place = at or Place(APP, channel, now.place.ts or "77.7", now.place.card)
        token = token or now.place.token
        action = Action(token, who, verdict, "slack", place, click=click, **word)
        result, _ = await self.decider.decide(action)
        return result

    async def approved(self, tool: str = "wipe", **how: Any) -> Request:
        """A request that Mina has approved."""
        request = await self.ask(tool, **how)
        await self.click(MINA, request)
        return await self.request(request.id)

    async def start_run(self, conversation: str) -> Run:
        """A new run, as the runner starts it."""
        started = await start(self.pool, conversation, "resume")
        assert started is not None
        assert started.run is not None
        return started.run

    async def claim(self, run: Run, call: CallFacts, waived=None) -> Taken:
        return await claim(self.pool, self.queue, run, call, waived)

    async def jobs(self, name: str = "%") -> list[Deferred]:
        """The jobs that wait, in the order of their deferral."""
        found = await self.rows(
            "SELECT id, task_name, lock, args FROM procrastinate_jobs"
            " WHERE status = 'todo' AND task_name LIKE %s ORDER BY id",
            name,
        )
        return [
            Deferred(row["id"], row["task_name"], row["lock"], row["args"])
            for row in found
        ]

    async def forget_jobs(self) -> None:
        """Lose all jobs, and what was to be sent."""
        self.handed.clear()
        await self.rows("DELETE FROM procrastinate_jobs")

    async def trail(self, request: Request | None = None) -> list[str]:
        """The events on the trail, oldest first."""
        found = await self.rows(
            "SELECT event FROM audit WHERE %s::text IS NULL OR request_id = %s"
            " ORDER BY seq",
            *[request.id if request else None] * 2,
        )
        return [row["event"] for row in found]

    async def told(self, user: str) -> list[str]:
        """The private sentences to a person."""
        found = await self.rows(
            "SELECT text FROM deliveries WHERE kind = 'private' AND user_id = %s"
            " ORDER BY created_at",
            user,
        )
        return [row["text"] for row in found]

    async def pass_time(self, **ahead: float) -> None:
        """Put the database's clock ahead, from the real time on."""
        seconds = dt.timedelta(**ahead).total_seconds()
        await self.rows(
            "CREATE OR REPLACE FUNCTION bot_now() RETURNS timestamptz LANGUAGE sql"
            f" STABLE AS 'SELECT clock_timestamp() + interval ''{seconds} seconds'''"
        )


@asynccontextmanager
async def open_house(url: str, *, size: int = 8) -> AsyncIterator[House]:
    """Open a house on a database that has the schema and the roles."""
    rights = as_role(url)
    pool = make_pool(rights, name="test", size=size, timeout=10)
    owner = make_pool(url, name="owner", size=4, timeout=10)
    for each in (pool, owner):
        each.connection_class = KeptConnection
        await each.open()
    try:
        house = House(url, pool, Queue(rights), owner)
        house.queue.send = lambda message, *_: house.handed.append(message)
        yield house
    finally:
        await owner.close()
        await pool.close()


def break_audit(url: str, table: str = "audit") -> None:
    """Let a table of the trail take nothing more."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'the trail is full'; END $$"
        )
        connection.execute(
            f"CREATE TRIGGER refuse BEFORE INSERT ON {table} FOR EACH ROW"
            " EXECUTE FUNCTION refuse()".encode()
        )


def mend_audit(url: str) -> None:
    """Let it take rows again."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(MEND)


WAIVED = ("looking", "v1")


def facts_of(request: Request, **changes) -> CallFacts:
    given = {
        "tool_call": request.call.id,
        "tool": request.call.tool,
        "arguments": {"path": "a.txt"},
        "schema": {},
    }
    return CallFacts(**{**given, **changes})


@pytest.fixture(name="house")
async def house_fixture(database: str) -> AsyncIterator[House]:
    """Approvals, conversations and jobs over one fresh database, logging nowhere."""
    with capture_logs():
        async with open_house(database) as opened:
            yield opened
