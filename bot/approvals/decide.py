"""The one way to a verdict: an authenticated person, the rule, one transaction."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from weakref import WeakValueDictionary

from bot.approvals import store
from bot.approvals.audit import Fact, about, append
from bot.approvals.audit_facts import choice_detail, stage_detail
from bot.approvals.edit import new_sources
from bot.approvals.eligibility import (
    Standing,
    is_critical,
    live_sources,
    refreshed,
    tightened,
)
from bot.approvals.judge import Judgement, judge
from bot.approvals.model import CHANGES, Choice, Effect, Person, Profile, Request
from bot.approvals.policy.model import Denied
from bot.approvals.ports import (
    Jobs,
    Members,
    People,
    Phrases,
    Policies,
    deliver_job,
    look_up_groups,
)
from bot.approvals.stages import tighten
from bot.approvals.transitions import Overtaken, apply
from bot.database.pool import Connection, Pool, transaction
from bot.errors import SlackUnavailable
from bot.faults import reach
from bot.time_limits import PATIENCE

Judged = tuple[Judgement, Request | None]
Act = Callable[[Choice, Profile, Members], Awaitable[Judged]]
TRIES = 5  # of one choice: what it needs to know can change while it is looked up


class Turns:
    """A lock for each request that somebody waits for.

    Who wins is for the database to say. But whoever waits there for the row holds a
    connection: many clicks on one card would keep those of all others waiting.
    """

    def __init__(self) -> None:
        self._locks = WeakValueDictionary[str, asyncio.Lock]()

    def of(self, request: str) -> asyncio.Lock:
        """The lock of a request; it is forgotten when nobody holds it any more."""
        return self._locks.setdefault(request, asyncio.Lock())


@dataclass(frozen=True)
class Decider:
    """Takes people's words. `pool` is the listeners' own, so agents never starve it."""

    pool: Pool
    people: People
    policies: Policies
    phrases: Phrases
    jobs: Jobs
    own_app: Callable[[], str]
    # what the tool itself finds wrong with edited arguments, beyond their schema
    problem: Callable[[str, Mapping[str, Any]], str] = lambda tool, arguments: ""
    turns: Turns = field(default_factory=Turns)

    async def decide(self, choice: Choice) -> Judged:
        """Judge a choice and write what comes of it, in one transaction.

        Raises:
            psycopg.Error, psycopg_pool.PoolTimeout: nothing was written; the caller
                must not acknowledge.
        """
        try:
            judged = await self._informed(choice, self._decide)
        except SlackUnavailable:
            return await self._refuse_unseen(choice)
        if judged[0].effect in CHANGES:
            reach("decided")
        return judged

    async def preview(self, choice: Choice) -> Judged:
        """Judge a choice as `decide` would, for a dialog before it; change nothing.

        Raises:
            psycopg.Error, psycopg_pool.PoolTimeout: as `decide`.
        """
        try:
            return await self._informed(choice, self._preview)
        except SlackUnavailable:
            return Judgement(Effect.REFUSED, "could_not_check"), None

    async def refuse(self, choice: Choice, judgement: Judgement) -> None:
        """Note and tell a refusal that `preview` has found; nothing is decided."""
        async with transaction(self.pool) as connection:
            request = await store.load(connection, choice.request)
            await self._replies.answer(connection, choice, judgement, request)

    async def _informed(self, choice: Choice, act: Act) -> Judged:
        """Do it once all that the rule needs from Slack is known.

        What that is stands in the row, and nobody waits for Slack while the row is
        locked: a lack ends the transaction, is looked up, and all is done again.
        """
        until = asyncio.get_running_loop().time() + PATIENCE
        profile = await self.people.look_up(choice.person)
        members: Members = {}
        for _ in range(TRIES):
            try:
                return await act(choice, profile, members)
            except _Lacking as lacking:
                members |= await self._look_up(lacking, until)
            except Overtaken:
                continue
        raise SlackUnavailable

    async def _look_up(self, lacking: _Lacking, until: float) -> Members:
        sources, requester = lacking.sources, lacking.requester
        try:
            async with asyncio.timeout_at(until):
                return await look_up_groups(self.people, sources, requester)
        except TimeoutError as error:
            raise SlackUnavailable from error

    async def _decide(
        self, choice: Choice, profile: Profile, members: Members
    ) -> Judged:
        turn = self.turns.of(choice.request)
        async with turn, transaction(self.pool) as connection:
            found = await store.load_locked(connection, choice.request)
            if found is None:
                judgement = Judgement(Effect.REFUSED, "unknown_request")
                await self._replies.answer(connection, choice, judgement, None)
                return judgement, None
            standing = self._standing(*found, choice, members)
            judgement = self._judge(found[0], choice, profile, standing)
            request = await self._write(connection, found[0], choice, judgement)
            told = refreshed(request, standing)
            await self._replies.answer(connection, choice, judgement, told)
            return judgement, told

    async def _write(
        self,
        connection: Connection,
        request: Request,
        choice: Choice,
        judgement: Judgement,
    ) -> Request:
        """Write what the judgement says; the request that it was made on."""
        if judgement.tight is not None:
            await tighten(connection, self.jobs, request, judgement.tight)
            request = judgement.tight
        if judgement.effect in CHANGES:
            await apply(connection, self.jobs, request, choice, judgement)
        return request

    async def _preview(
        self, choice: Choice, profile: Profile, members: Members
    ) -> Judged:
        async with self.pool.connection() as connection:
            found = await store.load_with_clock(connection, choice.request)
        if found is None:
            return Judgement(Effect.REFUSED, "unknown_request"), None
        standing = self._standing(*found, choice, members)
        judgement = self._judge(found[0], choice, profile, standing)
        return judgement, refreshed(judgement.tight or found[0], standing)

    def _standing(
        self, request: Request, now: dt.datetime, choice: Choice, members: Members
    ) -> Standing:
        """The world now. Raises `_Lacking` where a group is not looked up yet."""
        standing = Standing(self.policies.current, now, members)
        if lacking := _sources(request, choice, standing) - members.keys():
            raise _Lacking(lacking, request.requester)
        return standing

    def _judge(
        self, request: Request, choice: Choice, profile: Profile, standing: Standing
    ) -> Judgement:
        judgement = judge(
            request, choice, profile=profile, own_app=self.own_app(), standing=standing
        )
        edit = judgement.edit
        calls = [request, *([edit.request] if edit else [])]
        critical = any(is_critical(call, standing.policy) for call in calls)
        return self._checked(replace(judgement, critical=critical))

    def _checked(self, judgement: Judgement) -> Judgement:
        if judgement.edit is None:
            return judgement
        new = judgement.edit.request
        complaint = self.problem(new.tool, new.arguments)
        if not complaint:
            return judgement
        return replace(
            judgement,
            effect=Effect.REFUSED,
            word="edit_invalid",
            detail=complaint,
            edit=None,
        )

    @property
    def _replies(self) -> Replies:
        return Replies(self.phrases, self.jobs)

    async def _refuse_unseen(self, choice: Choice) -> Judged:
        judgement = Judgement(Effect.REFUSED, "could_not_check")
        async with transaction(self.pool) as connection:
            request = await store.load(connection, choice.request)
            await self._replies.answer(connection, choice, judgement, request)
            return judgement, request


class _Lacking(Exception):
    """Groups in Slack have to be looked up before the choice can be judged."""

    def __init__(self, sources: Collection[str], requester: Person) -> None:
        super().__init__(", ".join(sorted(sources)))
        self.sources = sources
        self.requester = requester


def _sources(request: Request, choice: Choice, standing: Standing) -> set[str]:
    if not request.is_open:
        return set()
    policy = standing.policy
    tight = tightened(request, policy)
    stages = request.stages if isinstance(tight, Denied) else tight.stages
    waiting = [stage for stage in stages if stage.passed_at is None]
    return live_sources(waiting, policy) | new_sources(request, choice, standing)


@dataclass(frozen=True)
class Replies:
    """Answers choices in the transaction that judged them."""

    phrases: Phrases
    jobs: Jobs

    async def answer(
        self,
        connection: Connection,
        choice: Choice,
        judgement: Judgement,
        request: Request | None,
    ) -> None:
        """Audit an attempt that decided nothing, tell the person, redraw a stale card.

        Args:
            request: as it was when the choice was judged; None if there is none.
        """
        if judgement.effect not in CHANGES or judgement.effect is Effect.TIMED_OUT:
            await append(connection, [_attempt(choice, judgement, request)])
        if request and judgement.effect in (Effect.LATE, Effect.REFUSED):
            touched = await store.touch(connection, request.id)
            await self.jobs.defer(connection, [deliver_job(each) for each in touched])
        who, place = choice.person, choice.place
        text = self.phrases.answer(judgement, request, who)
        if place and text and not choice.quiet:
            await store.tell(
                connection, self.jobs, who, text, place.channel, place.thread
            )


def _attempt(choice: Choice, judgement: Judgement, request: Request | None) -> Fact:
    # A click that finds the deadline over closes the request in the clock's name; the
    # person's own attempt was late.
    timed_out = judgement.effect is Effect.TIMED_OUT
    event = str(Effect.LATE if timed_out else judgement.effect)
    actor, via = choice.person.user, choice.via
    detail: dict[str, Any] = {
        "word": judgement.word,
        "asked_for": choice.request[:64],
        **choice_detail(choice),
    }
    if request is None:
        return Fact(choice.person.team, event, actor=actor, via=via, detail=detail)
    if choice.person.team != request.team:
        detail["actor_team"] = choice.person.team
    stage = stage_detail(request, request.stage_index)
    return about(request, event, actor=actor, via=via, **stage, **detail)
