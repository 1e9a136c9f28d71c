"""The one way to a verdict: an authenticated person, the rule, one transaction."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from weakref import WeakValueDictionary

from bot.approvals import store
from bot.approvals.audit import Fact, about, append, choice_detail, stage_detail
from bot.approvals.delegations import as_given_now
from bot.approvals.edit import new_sources
from bot.approvals.eligibility import (
    PolicyContext,
    is_critical,
    live_sources,
    with_current_people,
    with_current_policy,
)
from bot.approvals.judge import PrivateAnswer, Result, judge
from bot.approvals.model import (
    CHANGES,
    Action,
    Effect,
    Person,
    Profile,
    Request,
    Verdict,
)
from bot.approvals.policy.model import Denied
from bot.approvals.ports import (
    DecisionKey,
    Jobs,
    Members,
    People,
    Policies,
    last_decision,
    look_up_groups,
    standing_job,
)
from bot.approvals.stages import tighten
from bot.approvals.standing_grants import (
    VIA,
    GivingAction,
    NotCovered,
    count_use,
    covers,
    give,
    grants_for,
    may_give,
    offer_of,
)
from bot.approvals.transitions import Overtaken, apply
from bot.base.errors import SlackUnavailable
from bot.base.faults import reach
from bot.base.time_limits import PATIENCE
from bot.database.pool import Connection, Pool, transaction

Judged = tuple[Result, Request | None]
_APPROVED = (Effect.RECORDED, Effect.STAGE_PASSED, Effect.APPROVED)
TRIES = 5  # of one choice: what it needs to know can change while it is looked up


class RequestLocks:
    """A lock for each request that somebody waits for.

    Who wins is for the database to say. But each click that waits there holds a
    connection: many clicks on one card would keep those of all others waiting.
    """

    def __init__(self) -> None:
        self._locks = WeakValueDictionary[str, asyncio.Lock]()

    def of(self, request: str) -> asyncio.Lock:
        """The lock of a request; it is forgotten when nobody holds it any more."""
        return self._locks.setdefault(request, asyncio.Lock())


@dataclass(frozen=True)
class Seen:
    """Slack's word on who acts, and on groups, asked for `since` (`time.monotonic`)."""

    since: float
    profile: Profile
    members: Members = field(default_factory=Members)


Act = Callable[[Action, Seen], Awaitable[Judged]]
BeginToLook = Callable[[DecisionKey, Iterable[Person], float], None]


@dataclass(frozen=True)
class Decider:
    """Takes people's words. `pool` is the listeners' own, so agents never starve it."""

    pool: Pool
    people: People
    policies: Policies
    private_answer: PrivateAnswer
    jobs: Jobs
    own_app: Callable[[], str]
    # what the tool itself finds wrong with edited arguments, beyond their schema
    problem: Callable[[str, Mapping[str, Any]], str] = lambda tool, arguments: ""
    # see `bot.slack.afresh.Afresh.begin`
    begin_to_look: BeginToLook = lambda decision, people, since: None
    turns: RequestLocks = field(default_factory=RequestLocks)

    async def decide(self, action: Action) -> Judged:
        """Judge an action and write what comes of it, in one transaction.

        Raises:
            psycopg.Error, psycopg_pool.PoolTimeout: nothing was written; the caller
                must not acknowledge.
        """
        try:
            judged = await self._informed(action, self._decide)
        except SlackUnavailable:
            return await self._refuse_unseen(action)
        if judged[0].effect in CHANGES:
            reach("decided")
        return judged

    async def preview(self, action: Action) -> Judged:
        """Judge an action as `decide` would, for a dialog before it; change nothing.

        Raises:
            psycopg.Error, psycopg_pool.PoolTimeout: as `decide`.
        """
        try:
            return await self._informed(action, self._preview)
        except SlackUnavailable:
            return Result(Effect.REFUSED, "could_not_check"), None

    async def refuse(self, action: Action, result: Result) -> None:
        """Note and tell a refusal that `preview` has found; nothing is decided."""
        async with transaction(self.pool) as connection:
            request = await store.load(connection, action.request)
            await self._answer(connection, action, result, request)

    async def _informed(self, action: Action, act: Act) -> Judged:
        """Do it once all that the rule needs from Slack is known.

        What that is stands in the row, and nobody waits for Slack while the row is
        locked: a lack ends the transaction, is looked up, and all is done again.
        """
        since = time.monotonic()
        until = asyncio.get_running_loop().time() + PATIENCE
        seen = Seen(since, await self.people.look_up(action.person))
        for _ in range(TRIES):
            try:
                return await act(action, seen)
            except _Lacking as lacking:
                seen.members.update(await self._look_up(lacking, until))
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

    async def _decide(self, action: Action, seen: Seen) -> Judged:
        turn = self.turns.of(action.request)
        async with turn, transaction(self.pool) as connection:
            found = await store.load_locked(connection, action.request)
            if found is None:
                result = Result(Effect.REFUSED, "unknown_request")
                await self._answer(connection, action, result, None)
                return result, None
            context = self._standing(*found, action, seen.members)
            result = self._judge(found[0], action, seen.profile, context)
            if result.for_user:
                team, policy = found[0].team, context.policy
                policy = await as_given_now(connection, team, policy)
                context = replace(context, policy=policy)
                result = self._judge(found[0], action, seen.profile, context)
            request = await self._write(connection, found[0], action, result)
            told = with_current_people(request, context)
            await self._answer(connection, action, result, told)
            if result.effect in (Effect.APPROVED, Effect.ANSWERED):
                self._begin_to_look(request, action.person, seen.since)
            return result, told

    def _begin_to_look(self, request: Request, person: Person, since: float) -> None:
        """Have Slack asked for the run's people, while the commit waits for disk."""
        deciders = [decision.person for decision in request.chain.decisions]
        people = dict.fromkeys((request.people.requester, *deciders, person))
        name, number = last_decision(request)  # as it was before the click
        self.begin_to_look((name, number + 1), people, since)

    async def _write(
        self,
        connection: Connection,
        request: Request,
        action: Action,
        result: Result,
    ) -> Request:
        """Write what the result says; the request that it is about."""
        if result.tight is not None:
            await tighten(connection, self.jobs, request, result.tight)
            request = result.tight
        if action.grant:
            if result.effect not in _APPROVED or result.code or result.tight:
                raise NotCovered  # people decide on what the policy adds
            await count_use(connection, self.policies.current, request, action)
        if result.effect in CHANGES:
            await apply(connection, self.jobs, request, action, result)
        if result.effect in _APPROVED and not result.code:
            await self._look_ahead(connection, request, action, result)
        return request

    async def _look_ahead(
        self, connection: Connection, request: Request, action: Action, result: Result
    ) -> None:
        """Store what is allowed ahead, and have the next stage looked at."""
        policy = self.policies.current
        if isinstance(action, GivingAction) and action.wish:
            await give(connection, request, action, action.wish, policy.version)
        if result.effect is Effect.STAGE_PASSED and offer_of(policy, request):
            await self.jobs.defer(connection, [standing_job(request.id)])

    async def use_standing(self, request: str) -> None:
        """Approve a request by what people have allowed ahead; a job of the queue.

        Each grant is tried as a click of its giver. One that Slack cannot say anything
        about is left: people decide.
        """
        async with self.pool.connection() as connection:
            found = await store.load(connection, request)
            if found is None or not found.is_open:
                return
            grants = await grants_for(connection, found)
        for grant in grants:
            if not covers(grant, self.policies.current, found):
                continue
            action = Action(
                request=found.place.token,
                person=grant.giver,
                verdict=Verdict.APPROVE,
                via=VIA,
                click=f"{VIA}:{grant.id}",
                grant=grant.id,
            )
            with contextlib.suppress(NotCovered):
                await self.decide(action)

    async def _preview(self, action: Action, seen: Seen) -> Judged:
        async with self.pool.connection() as connection:
            found = await store.load_with_clock(connection, action.request)
        if found is None:
            return Result(Effect.REFUSED, "unknown_request"), None
        context = self._standing(*found, action, seen.members)
        result = self._judge(found[0], action, seen.profile, context)
        return result, with_current_people(result.tight or found[0], context)

    def _standing(
        self, request: Request, now: dt.datetime, action: Action, members: Members
    ) -> PolicyContext:
        """The world now. Raises `_Lacking` where a group is not looked up yet."""
        context = PolicyContext(self.policies.current, now, members)
        if lacking := _sources(request, action, context) - members.keys():
            raise _Lacking(lacking, request.people.requester)
        return context

    def _judge(
        self,
        request: Request,
        action: Action,
        profile: Profile,
        context: PolicyContext,
    ) -> Result:
        result = judge(
            request, action, profile=profile, own_app=self.own_app(), context=context
        )
        if (
            isinstance(action, GivingAction)
            and result.effect in _APPROVED
            and not self._offers(request, action)
        ):
            return Result(Effect.REFUSED, "standing_not_offered")
        edit = result.edit
        calls = [request, *([edit.request] if edit else [])]
        critical = any(is_critical(call, context.policy) for call in calls)
        return self._checked(replace(result, critical=critical))

    def _offers(self, request: Request, action: GivingAction) -> bool:
        """Return whether the policy in force offers what is wished, if it is a wish."""
        policy = self.policies.current
        if action.wish is None:
            return offer_of(policy, request) is not None
        return may_give(action.wish, policy, request)

    def _checked(self, result: Result) -> Result:
        if result.edit is None or result.edit.request.people.agent:
            return result  # no tool of ours runs it, whatever its name
        new = result.edit.request
        complaint = self.problem(new.call.tool, new.call.arguments)
        if not complaint:
            return result
        return replace(
            result,
            effect=Effect.REFUSED,
            code="edit_invalid",
            detail=complaint,
            edit=None,
        )

    async def _answer(
        self,
        connection: Connection,
        action: Action,
        result: Result,
        request: Request | None,
    ) -> None:
        """Audit an attempt that decided nothing, tell the person, redraw a stale card.

        Args:
            request: as it was when the action was judged; None if there is none.
        """
        if result.effect not in CHANGES or result.effect is Effect.TIMED_OUT:
            await append(connection, [_attempt(action, result, request)])
        if request and result.effect in (Effect.LATE, Effect.REFUSED):
            self.jobs.edit(connection, await store.touch(connection, request.id))
        if not action.quiet:
            text = self.private_answer(result, request, action.person)
            await store.reply(connection, self.jobs, action, text)

    async def _refuse_unseen(self, action: Action) -> Judged:
        result = Result(Effect.REFUSED, "could_not_check")
        async with transaction(self.pool) as connection:
            request = await store.load(connection, action.request)
            await self._answer(connection, action, result, request)
            return result, request


class _Lacking(Exception):
    """Groups in Slack have to be looked up before the action can be judged."""

    def __init__(self, sources: Collection[str], requester: Person) -> None:
        super().__init__(", ".join(sorted(sources)))
        self.sources = sources
        self.requester = requester


def _sources(request: Request, action: Action, context: PolicyContext) -> set[str]:
    if not request.is_open:
        return set()
    policy = context.policy
    tight = with_current_policy(request, policy)
    chain = request.chain if isinstance(tight, Denied) else tight.chain
    waiting = [stage for stage in chain.stages if stage.passed_at is None]
    return live_sources(waiting, policy) | new_sources(request, action, context)


def _attempt(action: Action, result: Result, request: Request | None) -> Fact:
    # A click that finds the deadline over closes the request in the clock's name; the
    # person's own attempt was late.
    timed_out = result.effect is Effect.TIMED_OUT
    event = str(Effect.LATE if timed_out else result.effect)
    actor, via = action.person.user, action.via
    detail: dict[str, Any] = {
        "word": result.code,
        "asked_for": action.request[:64],
        **choice_detail(action),
    }
    if request is None:
        return Fact(action.person.team, event, actor=actor, via=via, detail=detail)
    if action.person.team != request.team:
        detail["actor_team"] = action.person.team
    stage = stage_detail(request, request.chain.stage_index)
    return about(request, event, actor=actor, via=via, **stage, **detail)
