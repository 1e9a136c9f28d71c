"""An action whose end is unknown: tell its people, and note what they find out."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from bot.approvals import SQL, store
from bot.approvals.audit import Fact, about, append
from bot.approvals.eligibility import PolicyContext, live_sources, people_now
from bot.approvals.judge import PrivateAnswer, Result, is_in_place
from bot.approvals.model import Action, Effect, Mark, Profile, Request
from bot.approvals.ports import (
    Jobs,
    People,
    Policies,
    look_up_groups,
    turn_job,
)
from bot.base.errors import SlackUnavailable
from bot.base.time_limits import slack_in_time
from bot.database.pool import Connection, Pool, transaction

Seen = tuple[Profile, PolicyContext]


@dataclass(frozen=True)
class Marker:
    """Takes one word about an action that was cut off; that runs nothing."""

    pool: Pool
    people: People
    policies: Policies
    private_answer: PrivateAnswer
    jobs: Jobs
    own_app: Callable[[], str]

    async def mark(self, action: Action, mark: Mark) -> str:
        """Note it, or have the person told why not; the word of that, "" if noted.

        Args:
            action: who clicked which button where; its verdict says nothing here.

        Raises:
            psycopg.Error, psycopg_pool.PoolTimeout: nothing was written; the caller
                must not acknowledge.
        """
        async with self.pool.connection() as connection:
            known = await store.load_with_clock(connection, action.request)
        seen = await self._look_up(action, *known) if known else None
        async with transaction(self.pool) as connection:
            found = await store.load_locked(connection, action.request)
            request = found[0] if found else None
            word = self._refusal(request, action, mark, seen)
            if request and not word:
                word = await self._write(connection, request, action, mark)
            if word:
                await self._refuse(connection, request, action, word)
        return word

    async def _look_up(
        self, action: Action, request: Request, now: dt.datetime
    ) -> Seen | None:
        """Look up the person and the request's groups; None if Slack cannot tell."""
        policy = self.policies.current
        try:
            async with slack_in_time():
                profile = await self.people.look_up(action.person)
                sources = live_sources(request.chain.stages, policy)
                members = await look_up_groups(
                    self.people, sources, request.people.requester
                )
        except SlackUnavailable:
            return None
        return profile, PolicyContext(policy, now, members)

    def _refusal(
        self, request: Request | None, action: Action, mark: Mark, seen: Seen | None
    ) -> str:
        if request is None:
            return "unknown_request"
        if seen is None:
            return "could_not_check"
        if not is_in_place(request, action, self.own_app()):
            return "misplaced"
        profile, context = seen
        if profile.refusal:
            return profile.refusal
        if not request.end.is_unknown:
            return "not_unknown"
        may = action.person.user in who_may_mark(request, context)
        own = mark is Mark.AGAIN and action.person.is_same(request.people.requester)
        if not (may or own):
            return "may_not_mark"
        if not (taken := marks_taken(request)):
            return "marked_already"
        return "" if mark in taken else "may_not_mark"

    async def _write(
        self, connection: Connection, request: Request, action: Action, mark: Mark
    ) -> str:
        key = {"id": request.id, "mark": mark, "user": action.person.user}
        marked = await connection.execute(SQL["mark"], key)
        if await marked.fetchone() is None:
            return "marked_already"
        who, via = action.person.user, action.via
        fact = about(request, f"marked_{mark}", actor=who, via=via)
        await append(connection, [fact])
        self.jobs.edit(connection, await store.touch(connection, request.id))
        if mark is Mark.AGAIN:
            asked = await connection.execute(SQL["ask_once_more"], {"id": request.id})
            if await asked.fetchone():
                await self.jobs.defer(connection, [turn_job(request.conversation)])
        return ""

    async def _refuse(
        self,
        connection: Connection,
        request: Request | None,
        action: Action,
        word: str,
    ) -> None:
        fact = Fact(
            action.person.team,
            str(Effect.REFUSED),
            request=request.id if request else None,
            conversation=request.conversation if request else None,
            actor=action.person.user,
            via=action.via,
            detail={"word": word, "verdict": "mark"},
        )
        await append(connection, [fact])
        text = self.private_answer(Result(Effect.REFUSED, word), request, action.person)
        await store.reply(connection, self.jobs, action, text)


def marks_taken(request: Request) -> tuple[Mark, ...]:
    """Return what people may say about how a request ended, where nobody knows it."""
    if not request.end.is_unknown or request.end.mark is not Mark.NONE:
        return ()
    found_out = Mark.DONE, Mark.NOT_DONE
    # nobody here can ask an agent outside again
    return found_out if request.people.agent else (*found_out, Mark.AGAIN)


def who_may_mark(request: Request, context: PolicyContext) -> set[str]:
    """The people of all stages: those who could decide it, and those who did."""
    return {
        user
        for stage in request.chain.stages
        for user in people_now(stage, request.people, context)
    }


async def announce_unknown(connection: Connection, jobs: Jobs, request: str) -> None:
    """Redraw a request's messages, and call its people to the card."""
    jobs.edit(connection, await store.touch(connection, request))
    delivery = str(uuid.uuid4())
    placed = await connection.execute(
        SQL["place_unknown"], {"id": request, "delivery": delivery}
    )
    if await placed.fetchone():  # what no person approved has no card
        found = await store.load(connection, request)
        await store.show_in(connection, delivery, [found] if found else [])
        jobs.post(connection, [delivery])


async def unknown_tools(pool: Pool, conversation: str) -> frozenset[str]:
    """Tools with a call in this conversation whose outcome is unknown."""
    async with pool.connection() as connection:
        found = await connection.execute(
            SQL["select_unknown_tools"], {"conversation": conversation}
        )
        return frozenset(row["tool"] for row in await found.fetchall())
