"""The one way to a verdict: an authenticated person, the rule, one transaction.

Every transport (a button, a modal, the command line, the clock) builds a person and
comes here or to `verdicts`, which this module alone shares its writing with.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bot.approvals import store
from bot.approvals.chains import tighten
from bot.approvals.edit import new_sources
from bot.approvals.judge import CHANGES, Choice, Effect, Judgement, judge
from bot.approvals.model import Person, Profile, Request
from bot.approvals.policy.model import Denied
from bot.approvals.ports import Jobs, People, Phrases, Policies
from bot.approvals.replies import Replies
from bot.approvals.standing import (
    Standing,
    is_critical,
    live_sources,
    refreshed,
    tightened,
)
from bot.approvals.turns import Turns
from bot.approvals.verdicts import Overtaken, apply
from bot.database.pool import Connection, Pool, transaction
from bot.errors import SlackUnavailable
from bot.faults import reach

Members = dict[str, tuple[str, ...]]
Judged = tuple[Judgement, Request | None]
Act = Callable[[Choice, Profile, Members], Awaitable[Judged]]
PATIENCE = 1.5  # seconds for all that Slack has to say; an ack is due within 3
TRIES = 5  # of one choice: what it needs to know can change while it is looked up


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
        """What `decide` would say, without a change; for a dialog before the word.

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
        sources = sorted(lacking.sources)
        asked = (self.people.members(each, lacking.requester) for each in sources)
        try:
            async with asyncio.timeout_at(until):
                found = await asyncio.gather(*asked)
        except TimeoutError as error:
            raise SlackUnavailable from error
        return dict(zip(sources, found, strict=True))

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
