"""`/api/approvals`: requests, and the one way to decide them from here."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.approvals import store
from bot.approvals.as_json import request_json
from bot.approvals.judge import Choice, Effect, Judgement
from bot.approvals.model import Person, Request, Verdict
from bot.approvals.standing import Standing, refreshed
from bot.web import sentences
from bot.web.api.bodies import DecisionBody, read
from bot.web.api.parts import ApiParts
from bot.web.api.problems import Problem, answered
from bot.web.api.queries import cursor, read_query
from bot.web.api.repeats import SQL, key_of
from bot.web.api.seeing import represents, sees
from bot.web.api.words import Words

_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
Stored = tuple[Request, dt.datetime]


@dataclass(frozen=True)
class Approvals:
    """Handlers, each for one authenticated person."""

    parts: ApiParts

    async def page(self, request: web.Request, person: Person) -> web.Response:
        """Requests of a person, newest first."""
        asked = read_query(request.query, list(request.query.keys()))
        async with self.parts.pool.connection() as connection:
            now = await store.clock(connection)
            policy = self.parts.policies.current
            key = {
                **asked,
                "limit": asked["limit"] + 1,
                "team": person.team,
                "user": person.user,
                "people": represents(person, policy, now),
            }
            found = await connection.execute(SQL["page_of_requests"], key)
            rows = await found.fetchall()
            shown = rows[: asked["limit"]]
            requests = await store.named(connection, [row["id"] for row in shown])
        following = cursor(shown[-1]) if len(rows) > len(shown) else None
        listed = self._listed(requests, now)
        return answered(200, {"approvals": listed, "next_cursor": following})

    def _listed(self, requests: Sequence[Request], now: dt.datetime) -> list[Any]:
        return [request_json(self._fresh(request, now)) for request in requests]

    def _fresh(self, request: Request, now: dt.datetime) -> Request:
        return refreshed(request, Standing(self.parts.policies.current, now, {}))

    async def one(self, request: web.Request, person: Person) -> web.Response:
        """One request."""
        found, now = await self._load(request.match_info["id"], person)
        if not await self._may_see(person, found, now):
            raise _not_found()
        return answered(200, request_json(self._fresh(found, now)))

    async def decide(self, request: web.Request, person: Person) -> web.Response:
        """A person's word on a request; a repeat of it is answered alike."""
        body, raw = await read(request, DecisionBody)
        name, key = request.match_info["id"], key_of(request)

        async def act() -> web.Response:
            return await self._decide(name, person, body, key)

        return await self.parts.repeats.once(person, request, raw, act)

    async def _decide(
        self, name: str, person: Person, body: DecisionBody, key: str
    ) -> web.Response:
        found, now = await self._load(name, person)
        choice = await Words(self.parts.look).choice(found, person, body, key)
        judgement = await self._judged(found, choice, body.digest)
        said = sentences.answer(judgement, found, person)
        if said.status >= 400 and not await self._may_see(person, found, now):
            raise _not_found()
        after, now = await self._load(name, person)
        if said.status >= 400:
            said = sentences.answer(judgement, self._fresh(after, now), person)
            raise Problem(said.status, said.word, said.sentence)
        shown = request_json(self._fresh(after, now))
        told = {"effect": said.word, "message": said.sentence, "approval": shown}
        return answered(200, told)

    async def _judged(
        self, found: Request, choice: Choice, digest: str | None
    ) -> Judgement:
        """A word on arguments that hold no more, or never did, decides nothing."""
        if digest not in (None, found.grant_digest) and found.is_open:
            judgement = Judgement(Effect.REFUSED, "superseded")
            await self.parts.decider.refuse(choice, judgement)
            return judgement
        judgement, _ = await self.parts.decider.decide(choice)
        return judgement

    async def _load(self, name: str, person: Person) -> Stored:
        if not _ID.fullmatch(name):
            raise _not_found()
        async with self.parts.pool.connection() as connection:
            found = await store.load_with_clock(connection, name)
        # buttons' tokens find requests too, and are nobody's business here
        if found is None or found[0].id != name or found[0].team != person.team:
            raise _not_found()
        return found

    async def _may_see(self, person: Person, found: Request, now: dt.datetime) -> bool:
        """By what is stored; else by what Slack says of a group right now."""
        if sees(person, found, self.parts.policies.current, now):
            return True
        asking = Choice(found.token, person, Verdict.APPROVE, "api")
        judgement, _ = await self.parts.decider.preview(asking)
        open_to = judgement.effect not in (Effect.REFUSED, Effect.LATE)
        return open_to or judgement.word in ("not_allowed", "typed_wrong")


def _not_found() -> Problem:
    return Problem(404, "not_found", sentences.NOT_FOUND)
