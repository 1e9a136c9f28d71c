"""`/api/requests`: agents outside ask here, wait, claim, report and withdraw."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from aiohttp import web

from bot.approvals.digest import NotCanonical
from bot.approvals.model import Execution, Outcome, Person, Request, Verdict
from bot.base.settings_types import ApiAgent
from bot.conversations.agents_outside import (
    AgentsOutside,
    Conflict,
    NoRequest,
    OutsideRequest,
    Proposal,
    fingerprint,
)
from bot.database.pool import TRANSIENT, Pool, connect
from bot.slack.deps import Deps
from bot.texts import api as sentences
from bot.texts.call import plain_headline
from bot.web import SQL
from bot.web.api.callers import acting, limit
from bot.web.api.problems import Problem, answered, unreadable
from bot.web.api.schema import (
    LONGEST_WAIT,
    Asked,
    ClaimBody,
    RequestBody,
    ResultBody,
    read,
)

MOST_WAITERS = 200  # of this process; whoever comes then is told how it stands
LOOK_AGAIN = 5.0  # seconds, where a notification got lost with its connection
_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
_SECONDS = re.compile(r"[0-9]{1,4}")


@dataclass(frozen=True)
class AgentRequests:
    """Handlers, each for one authenticated agent."""

    deps: Deps
    agents: AgentsOutside
    waiting: Waiting = field(default_factory=lambda: Waiting())

    async def ask(self, request: web.Request, agent: ApiAgent) -> web.Response:
        """Raise a request: 201, or 200 where the key has raised it before."""
        body, _ = await read(request, RequestBody)
        asked, is_new = await self.raised(agent, body)
        return self._told(asked, 201 if is_new else 200)

    async def raised(
        self, agent: ApiAgent, body: RequestBody
    ) -> tuple[OutsideRequest, bool]:
        """The request that a body asks for; True if it is new. Raises Problem."""
        await limit(self.deps, "messages", Person("", agent.team, acting(agent)))
        if body.requester:
            await self._check(Person("", agent.team, body.requester))
        return await answer_of(self.agents.ask(agent, _proposal(body)))

    async def _check(self, person: Person) -> None:
        """Make sure that the requester who is named is somebody, and count them."""
        await limit(self.deps, "messages", person)
        profile = await self.deps.people.look_up(person)
        if profile.refusal:
            raise unreadable(sentences.asks_for_nobody(profile.refusal))

    async def one(self, request: web.Request, agent: ApiAgent) -> web.Response:
        """Answer with the request, once it is decided or the time to wait is over."""
        seconds = seconds_of(request, 0, LONGEST_WAIT)
        return self._told(await self.decided(agent, _name(request), seconds))

    async def decided(
        self,
        agent: ApiAgent,
        name: str,
        seconds: float,
        is_gone: Callable[[], bool] = lambda: False,
    ) -> OutsideRequest:
        """Wait until it is decided; after `seconds` it is told as it stands.

        Args:
            is_gone: whether nobody waits for the answer any more.
        """
        until = asyncio.get_running_loop().time() + seconds
        async with self.waiting.of(self.deps.pool, name, seconds > 0) as changes:
            found = await answer_of(self.agents.find(agent, name))
            while changes and found.request.is_open and not is_gone():
                left = until - asyncio.get_running_loop().time()
                if left <= 0:
                    break
                await changes.next(min(left, LOOK_AGAIN))
                found = await answer_of(self.agents.find(agent, name))
        return found

    async def claim(self, request: web.Request, agent: ApiAgent) -> web.Response:
        """Give the right to run it, once."""
        body, _ = await read(request, ClaimBody)
        claim = self.agents.claim(agent, _name(request), body.digest)
        return self._told(await answer_of(claim))

    async def report(self, request: web.Request, agent: ApiAgent) -> web.Response:
        """Take what came of it."""
        body, _ = await read(request, ResultBody)
        state, name = Execution(body.status), _name(request)
        report = self.agents.report(agent, name, state, body.summary)
        return self._told(await answer_of(report))

    async def withdraw(self, request: web.Request, agent: ApiAgent) -> web.Response:
        """Take it back."""
        return self._told(await answer_of(self.agents.withdraw(agent, _name(request))))

    def _told(self, found: OutsideRequest, status: int = 200) -> web.Response:
        return answered(status, self.shown(found))

    def shown(self, found: OutsideRequest) -> Asked:
        """A request as its agent reads it."""
        return _asked(found, self.deps.settings.public_url or "")


Found = TypeVar("Found")


async def answer_of(asked: Awaitable[Found]) -> Found:
    """Wait for an answer. Raises Problem: 404, 409, or 422 for what no JSON holds."""
    try:
        return await asked
    except Conflict as conflict:
        said = sentences.conflict(conflict.word)
        raise Problem(409, conflict.word, said) from None
    except NoRequest:
        raise Problem(404, "not_found", sentences.NO_REQUEST) from None


def _proposal(body: RequestBody) -> Proposal:
    try:
        sent = fingerprint(body.model_dump(by_alias=True))
    except NotCanonical:
        raise unreadable(sentences.NO_ARGUMENTS) from None
    return Proposal(
        key=body.key,
        tool=body.tool,
        arguments=body.arguments,
        schema=body.schema_,
        title=body.title,
        reason=body.reason,
        requester=body.requester,
        work=body.conversation,
        sent=sent,
    )


def _name(request: web.Request) -> str:
    name = request.match_info["id"]
    if not _ID.fullmatch(name):
        raise Problem(404, "not_found", sentences.NO_REQUEST)
    return name


def seconds_of(request: web.Request, usual: int, most: int) -> int:
    """Return the query's `wait`. Raises Problem."""
    given = request.query.getall("wait", [str(usual)])
    if {*request.query} - {"wait"} or len(given) > 1:
        raise unreadable(sentences.unknown_parameter(["wait"]))
    if not _SECONDS.fullmatch(given[0]) or int(given[0]) > most:
        raise unreadable(sentences.bad_wait(most))
    return int(given[0])


def _asked(found: OutsideRequest, public_url: str) -> Asked:
    """The arguments are told as they are: whoever asked is to run them."""
    request, end = found.request, found.request.end
    return Asked(
        id=request.id,
        code=request.code,
        status=request.status,
        digest=request.call.grant_digest,
        title=plain_headline(request),
        arguments=request.call.arguments,
        edited=request.call.is_edited,
        answer=request.answer,
        decided_by=[word.person.user for word in request.chain.decisions],
        why=_why(request),
        execution=end.execution,
        summary=found.result,
        expires_at=_written(request.deadline),
        due_at=_written(found.due_at) if found.due_at else None,
        url=f"{public_url}/api/requests/{request.id}",
    )


def _why(request: Request) -> str:
    """A person's reason, or the policy's."""
    rejects = [w for w in request.chain.decisions if w.verdict is Verdict.REJECT]
    if rejects:
        return rejects[-1].reason
    silent = (Outcome.WAIVED, Outcome.OVERDUE, Outcome.UNCLAIMED)
    return "" if request.end.outcome in silent else request.end.note


def _written(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


@dataclass
class Waiting:
    """All who wait for requests in this process, all on one connection.

    The connection is there for as long as anybody waits; PostgreSQL tells it of each
    change at its commit.
    """

    changes: dict[str, list[Changes]] = field(
        default_factory=dict[str, list["Changes"]]
    )
    _ear: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def of(
        self, pool: Pool, request: str, wanted: bool
    ) -> AsyncGenerator[Changes | None]:
        """The changes of a request from now on; None where nobody is to wait."""
        if not wanted or sum(map(len, self.changes.values())) >= MOST_WAITERS:
            yield None
            return
        own = Changes()
        self.changes.setdefault(request, []).append(own)
        if self._ear is None or self._ear.done():
            self._ear = asyncio.create_task(self._listen(pool))
        try:
            yield own
        finally:
            self.changes[request].remove(own)
            if not self.changes[request]:
                del self.changes[request]
            if not self.changes:
                self._ear.cancel()

    async def _listen(self, pool: Pool) -> None:
        """Without a connection those who wait look again by themselves."""
        with contextlib.suppress(*TRANSIENT):
            async with await connect(str(pool.conninfo)) as connection:
                await connection.execute(SQL["listen"])
                self._tell(self.changes)  # of what came before
                async for told in connection.notifies():
                    self._tell([told.payload])

    def _tell(self, requests: Iterable[str]) -> None:
        for request in requests:
            for each in self.changes.get(request, ()):
                each.happened.set()


@dataclass
class Changes:
    """The changes of one request, for one who waits."""

    happened: asyncio.Event = field(default_factory=asyncio.Event)

    async def next(self, seconds: float) -> None:
        """Wait for the next one, at most so long."""
        try:
            async with asyncio.timeout(seconds):
                await self.happened.wait()
        except TimeoutError:
            return
        self.happened.clear()
