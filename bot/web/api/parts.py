"""What the API's handlers work with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.approvals.decide import Decider
from bot.approvals.model import Person
from bot.approvals.pace import count
from bot.approvals.ports import Jobs, People, Policies
from bot.database.pool import TRANSIENT, Pool
from bot.errors import SlackUnavailable
from bot.slack.sentences import because
from bot.variables import Rate
from bot.web import sentences
from bot.web.api.callers import Callers
from bot.web.api.problems import Problem
from bot.web.api.repeats import Repeats

Handler = Callable[[web.Request], Awaitable[web.Response]]
Look = Callable[[str, Mapping[str, Any]], Awaitable[dict[str, Any] | None]]
Act = Callable[[web.Request, Person], Awaitable[web.Response]]


@dataclass(frozen=True)
class ApiParts:
    """`pool` reads and takes messages; the decider has its own."""

    pool: Pool
    jobs: Jobs
    people: People
    policies: Policies
    decider: Decider
    callers: Callers
    rates: Mapping[str, Rate]
    look: Look

    @property
    def repeats(self) -> Repeats:
        return Repeats(self.pool)

    def guarded(self, act: Act, kind: str = "clicks") -> Handler:
        """Let a handler answer a known person in good standing, not too often."""

        async def handle(request: web.Request) -> web.Response:
            try:
                person = self.callers.person(request.headers.get("Authorization", ""))
                await self._limit(kind, person)
                await self._check(person)
                return await act(request, person)
            except Problem as problem:
                return problem.response()
            except TRANSIENT:
                return _not_now(sentences.NOT_NOW)

        return handle

    async def _limit(self, kind: str, person: Person) -> None:
        counted = await count(self.pool, self.rates.get(kind), person)
        if counted.is_over:
            raise Problem(
                *(429, "too_many", sentences.too_many(counted.wait)),
                {"Retry-After": str(counted.wait)},
            )

    async def _check(self, person: Person) -> None:
        """A token goes on working for as long as its person does, and no longer."""
        try:
            profile = await self.people.look_up(person)
        except SlackUnavailable:
            raise Problem(
                503, "could_not_check", sentences.COULD_NOT_CHECK, {"Retry-After": "5"}
            ) from None
        if profile.refusal:
            said = f"Only full members may use this, and {because(profile.refusal)}."
            raise Problem(403, profile.refusal.replace(" ", "_"), said)


def _not_now(sentence: str) -> web.Response:
    return Problem(503, "unavailable", sentence, {"Retry-After": "5"}).response()
