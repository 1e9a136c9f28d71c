"""Agents that run elsewhere: they ask, wait, claim, report, withdraw; none decides."""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.approvals import digest, grants, store
from bot.approvals.assess import ProposedCall, Turn, sources_of
from bot.approvals.audit import Fact, append
from bot.approvals.eligibility import PolicyContext
from bot.approvals.grants import CallFacts
from bot.approvals.model import Askers, Execution, Person, Request, Status
from bot.approvals.ports import Jobs, People, Policies, look_up_groups
from bot.approvals.raise_request import raise_requests, rejected_lately, requests_for
from bot.approvals.run import LostRun, Run
from bot.approvals.transitions import withdraw_by_agent
from bot.base.faults import reach
from bot.base.settings_types import ApiAgent
from bot.conversations import SQL
from bot.conversations.conversation import ASIDE
from bot.conversations.resume import Recheck
from bot.database.pool import Connection, Pool, transaction

_WORK = uuid.UUID("6f0b7c7e-0f1c-5b0e-9c55-5f5a3a4b2d10")  # the namespace of their ids
_ENDED = (Execution.DONE, Execution.FAILED)


class Conflict(Exception):
    """The request's state does not allow this; `word` is the error code."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


@dataclass(frozen=True)
class Proposal:
    """One call that an agent would make.

    Attributes:
        key: by which the agent knows its request again, whatever happens to it.
        title: its headline, with arguments in braces.
        requester: the user id of the person it asks for, "" for its owner.
        work: the agent's name for what the call is part of, "" for none.
        sent: the SHA-256 of all that was sent: another content is another request.
    """

    key: str
    tool: str
    arguments: dict[str, Any]
    schema: dict[str, Any]
    title: str
    reason: str
    requester: str
    work: str
    sent: str


@dataclass(frozen=True)
class OutsideRequest:
    """A request as its agent sees it.

    `due_at`: by when it has to be claimed, or its result told; `result`: as told.
    """

    request: Request
    now: dt.datetime
    generation: int
    due_at: dt.datetime | None
    result: str

    def says(self, state: Execution, summary: str) -> bool:
        """Return whether its end was told in these very words."""
        told = (self.request.end.execution, self.result)
        return state in _ENDED and told == (state, summary)


@dataclass(frozen=True)
class AgentsOutside:
    """Requests of agents. `recheck` looks at people and policy right before a claim."""

    pool: Pool
    jobs: Jobs
    policies: Policies
    people: People
    recheck: Recheck

    async def ask(
        self, agent: ApiAgent, asked: Proposal
    ) -> tuple[OutsideRequest, bool]:
        """Raise a request, or find the one of this key; True if it is new.

        Raises:
            Conflict: the key stands for another request.
            SlackUnavailable: a group cannot be looked up; nothing was written.
        """
        policy, call = self.policies.current, _call(agent, asked)
        turn = _turn(agent, asked)
        sources = sources_of(policy, [call], turn.people)
        members = await look_up_groups(self.people, sources, turn.people.requester)
        async with transaction(self.pool) as connection:
            found = await self._known(connection, agent, asked)
            if is_new := not found:
                await _open(connection, agent, turn.conversation)
                before, now = await rejected_lately(connection, turn.conversation)
                context = PolicyContext(policy, now, members)
                new = requests_for(turn, [call], context, before)
                [found] = await raise_requests(connection, self.jobs, new)
        return await self.find(agent, found), is_new

    async def _known(
        self, connection: Connection, agent: ApiAgent, asked: Proposal
    ) -> str:
        key = {"team": agent.team, "agent": agent.name, "key": asked.key}
        await connection.execute(SQL["lock_agent_key"], key)
        row = await (await connection.execute(SQL["find_by_agent_key"], key)).fetchone()
        if row is not None and row["agent_asked"] != asked.sent:
            raise Conflict("key_reused")
        return str(row["id"]) if row else ""

    async def find(self, agent: ApiAgent, request: str) -> OutsideRequest:
        """A request of this agent's. Raises `NoRequest` for any other."""
        key = {"id": request, "team": agent.team, "agent": agent.name}
        async with self.pool.connection() as connection:
            row = await (await connection.execute(SQL["find_of_agent"], key)).fetchone()
            found = await store.load_with_clock(connection, request) if row else None
        if not row or not found:
            raise NoRequest(request)
        due = row["due_at"] and store.utc(row["due_at"])
        loaded, now = found
        return OutsideRequest(loaded, now, row["generation"], due, row["result"] or "")

    async def find_by_key(self, agent: ApiAgent, key: str) -> OutsideRequest:
        """The request that this agent has raised under a key. Raises `NoRequest`."""
        asked = {"team": agent.team, "agent": agent.name, "key": key}
        async with self.pool.connection() as connection:
            found = await connection.execute(SQL["find_by_agent_key"], asked)
            row = await found.fetchone()
        if row is None:
            raise NoRequest(key)
        return await self.find(agent, row["id"])

    async def newest(self, agent: ApiAgent, most: int) -> list[OutsideRequest]:
        """The requests of this agent, newest first."""
        asked = {"team": agent.team, "agent": agent.name, "limit": most}
        async with self.pool.connection() as connection:
            found = await connection.execute(SQL["newest_of_agent"], asked)
            names = [row["id"] for row in await found.fetchall()]
        return [await self.find(agent, name) for name in names]

    async def claim(self, agent: ApiAgent, request: str, shown: str) -> OutsideRequest:
        """Give the right to run the call, once.

        Args:
            shown: the digest of what the agent is about to run.

        Raises:
            Conflict: it may not run, or not by this claim.
            SlackUnavailable: the approval cannot be checked again now.
        """
        known = await self.find(agent, request)
        word = _no_claim(known, shown)
        if not word and not await self.recheck.upheld([known.request], known.now):
            word = "undecided"
        if word:
            await self._refused(agent, known.request, word)
            raise Conflict(word)
        reach("claiming")
        run, call = _run(known)
        taken = await grants.claim(self.pool, self.jobs, run, call, None)
        if taken.is_paused:
            raise Conflict("paused")
        if not taken.won:  # by another claim, or by the end of its time
            known = await self.find(agent, request)
            raise Conflict(_no_claim(known, shown) or "claimed")
        reach("claimed")
        return await self.find(agent, request)

    async def report(
        self, agent: ApiAgent, request: str, state: Execution, summary: str
    ) -> OutsideRequest:
        """Note what came of a claimed call; the same word again changes nothing.

        Raises:
            Conflict: it is not claimed, or its end is known or given up.
        """
        known = await self.find(agent, request)
        end = known.request.end.execution
        if known.says(state, summary):
            return known
        if end is not Execution.EXECUTING:
            word = "reported" if end in (*_ENDED, Execution.UNKNOWN) else "not_claimed"
            await self._refused(agent, known.request, word)
            raise Conflict(word)
        run, call = _run(known)
        texts = {"summary": summary}
        reach("ran")
        try:
            await grants.finish(self.pool, self.jobs, run, call, state, summary, texts)
        except LostRun:  # by another report, or by the end of its time
            known = await self.find(agent, request)
            if not known.says(state, summary):
                raise Conflict("reported") from None
            return known
        reach("reported")
        return await self.find(agent, request)

    async def withdraw(self, agent: ApiAgent, request: str) -> OutsideRequest:
        """Take back a request that is still undecided.

        Raises:
            Conflict: it is decided.
        """
        known = await self.find(agent, request)
        if known.request.status is not Status.WITHDRAWN:
            actor = _actor(agent)
            await withdraw_by_agent(self.pool, self.jobs, request, actor)
            known = await self.find(agent, request)
        if known.request.status is not Status.WITHDRAWN:
            await self._refused(agent, known.request, "decided")
            raise Conflict("decided")
        return known

    async def _refused(self, agent: ApiAgent, request: Request, word: str) -> None:
        """Each attempt is on the trail, as people's are."""
        fact = Fact(
            request.team,
            "refused",
            request=request.id,
            conversation=request.conversation,
            actor=_actor(agent),
            via="agent",
            detail={"word": word, "verdict": "claim", "agent": agent.name},
        )
        async with transaction(self.pool) as connection:
            await append(connection, [fact])


class NoRequest(Exception):
    """There is no such request of this agent's."""


def _actor(agent: ApiAgent) -> str:
    """Name it as an actor of the trail, which no user id looks like."""
    return f"agent {agent.name}"


def _no_claim(known: OutsideRequest, shown: str) -> str:
    """The word for why a call may not be claimed, "" if it may."""
    request, end = known.request, known.request.end
    if request.status is Status.PENDING:
        return "undecided"
    if request.status is not Status.APPROVED:
        return str(request.status)
    if end.execution is not Execution.APPROVED:
        return "claimed"
    if shown != request.call.grant_digest:
        return "other_digest"
    if known.due_at is not None and known.now >= known.due_at:
        return "timed_out"
    return ""


def _run(known: OutsideRequest) -> tuple[Run, CallFacts]:
    """The claim's own terms: what was stored, and nothing that the agent says now."""
    request, call = known.request, known.request.call
    named = {call.id: request}
    run = Run(request.team, request.conversation, known.generation, named)
    return run, CallFacts(call.id, call.tool, call.arguments, call.schema)


def _call(agent: ApiAgent, asked: Proposal) -> ProposedCall:
    name = f"{agent.name}:{asked.key}"
    return ProposedCall(
        interrupt=name,
        tool_call=name,
        tool=asked.tool,
        arguments=asked.arguments,
        schema=asked.schema,
        note=asked.reason,
        tool_title=asked.title,
        key=asked.key,
        sent=asked.sent,
    )


def _turn(agent: ApiAgent, asked: Proposal) -> Turn:
    """Neither who it asks for nor who answers for it decides."""
    requester = Person("", agent.team, asked.requester or agent.owner)
    people = Askers(requester, (agent.owner,), ASIDE, agent.name)
    part = f"work:{asked.work}" if asked.work else f"key:{asked.key}"
    work = str(uuid.uuid5(_WORK, f"{agent.team}/{agent.name}/{part}"))
    return Turn(work, ASIDE, work, people)


async def _open(connection: Connection, agent: ApiAgent, work: str) -> None:
    key = {"id": work, "team": agent.team, "channel": ASIDE, "thread": work}
    await connection.execute(SQL["open_for_agent"], key)


def fingerprint(sent: Mapping[str, Any]) -> str:
    """Hex SHA-256 of what an agent has sent. Raises `digest.NotCanonical`."""
    return hashlib.sha256(digest.canonical(dict(sent)).encode()).hexdigest()
