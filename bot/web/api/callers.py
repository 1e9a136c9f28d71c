"""Callers of the API: who calls, how often, and the same request once more."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from aiohttp import web

from bot.approvals.model import Person
from bot.approvals.rate_limit import count
from bot.base.settings_types import ApiAgent, ApiToken
from bot.database.pool import Pool
from bot.slack.deps import Deps
from bot.texts.api import (
    BAD_KEY,
    IN_PROGRESS,
    KEY_REUSED,
    NO_HEADER,
    UNKNOWN_AGENT,
    UNKNOWN_CALLER,
)
from bot.texts.web import too_many
from bot.web import SQL
from bot.web.api.problems import Problem, unreadable, with_text

Caller = TypeVar("Caller")
LONGEST = 512  # characters of a token
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="approvals"'}


class Callers:
    """The people of API_TOKENS and the agents of API_AGENTS, by their tokens' digests.

    They are two lists, and no route looks into both: a person's token never acts as an
    agent, nor an agent's as a person.
    """

    def __init__(
        self, tokens: Sequence[ApiToken], agents: Sequence[ApiAgent] = ()
    ) -> None:
        self._people = {
            token.digest: Person("", token.team, token.user) for token in tokens
        }
        self._agents = {agent.digest: agent for agent in agents}

    def person(self, authorization: str) -> Person:
        """Return the person who calls, by the header's token.

        Raises:
            Problem: 401.
        """
        return self._known(self._people, authorization, UNKNOWN_CALLER)

    def agent(self, authorization: str) -> ApiAgent:
        """Return the agent outside that calls. Raises Problem as `person` does."""
        return self._known(self._agents, authorization, UNKNOWN_AGENT)

    def _known(
        self, callers: Mapping[str, Caller], authorization: str, unknown: str
    ) -> Caller:
        """Read the header `Authorization: Bearer TOKEN` (RFC 6750)."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not 0 < len(token) <= LONGEST:
            raise Problem(401, "unauthorized", NO_HEADER, _CHALLENGE)
        # Found by its digest, so that no comparison takes longer for a better guess.
        digest = hashlib.sha256(token.strip().encode("utf-8", "replace")).hexdigest()
        caller = callers.get(digest)
        if caller is None:
            raise Problem(401, "unauthorized", unknown, _CHALLENGE)
        return caller


def acting(agent: ApiAgent) -> str:
    """Name an agent where people have a user id, which no user id looks like."""
    return f"agent {agent.name}"


async def limit(deps: Deps, kind: str, person: Person) -> None:
    """Count one more of a kind. Raises Problem: 429, there were too many."""
    counted = await count(deps.pool, deps.rates.get(kind), person)
    if counted.is_over:
        said, wait = too_many(counted.wait), str(counted.wait)
        raise Problem(429, "too_many", said, {"Retry-After": wait})


# --- `Idempotency-Key`: a repeat of a request gets the answer of the first ------------

ABANDONED = timedelta(seconds=60)  # with a request whose process may have died
KEPT = timedelta(hours=24)
KEY = re.compile(r"^[!-~]{1,255}$")


def key_of(request: web.Request) -> str:
    """The key that a caller has given, "" without one.

    Raises:
        Problem: 422.
    """
    given = request.headers.get("Idempotency-Key")
    if given is None:
        return ""
    if not KEY.fullmatch(given):
        raise unreadable(BAD_KEY)
    return given


@dataclass(frozen=True)
class Repeats:
    """Keeps what was answered, for a day."""

    pool: Pool

    async def once(
        self,
        person: Person,
        request: web.Request,
        body: bytes,
        act: Callable[[], Awaitable[web.Response]],
    ) -> web.Response:
        """Act, unless this very request was answered before; then answer the same.

        What failed on our side (5xx) or came too early (429) is not kept.

        Raises:
            Problem: as `act`; 409 while the first is worked on; 422 where the key
                stands for another request.
        """
        key = key_of(request)
        if not key:
            return await act()
        asked = hashlib.sha256(f"{request.path}\n".encode() + body).hexdigest()
        whose = {"team": person.team, "user": person.user, "key": key}
        if earlier := await self._claim({**whose, "asked": asked}):
            return earlier
        return await self._act(whose, act)

    async def _claim(self, asked: dict[str, str]) -> web.Response | None:
        """The answer of the first; None where this is the first."""
        async with self.pool.connection() as connection:
            claim = {**asked, "patience": ABANDONED}
            claimed = await connection.execute(SQL["claim_key"], claim)
            if await claimed.fetchone():
                return None
            found = await connection.execute(SQL["select_answer"], asked)
            row = await found.fetchone()
        if row is None or row["asked"] == asked["asked"]:
            return _earlier(row)
        raise Problem(422, "key_reused", KEY_REUSED)

    async def _act(
        self, whose: dict[str, str], act: Callable[[], Awaitable[web.Response]]
    ) -> web.Response:
        response: web.Response | None = None
        try:
            try:
                response = await act()
            except Problem as problem:
                response = problem.response()
            return response
        finally:
            await self._keep(whose, response)

    async def _keep(self, whose: dict[str, str], response: web.Response | None) -> None:
        async with self.pool.connection() as connection:
            if response is None or response.status >= 500 or response.status == 429:
                await connection.execute(SQL["free_key"], whose)
            else:
                kept = {"status": response.status, "body": response.text}
                await connection.execute(SQL["keep_answer"], {**whose, **kept})

    async def forget(self) -> None:
        """Drop what nobody will repeat any more."""
        async with self.pool.connection() as connection:
            await connection.execute(SQL["forget_answers"], {"age": KEPT})


def _earlier(row: dict[str, Any] | None) -> web.Response:
    if row is None or row["status"] is None:
        raise Problem(409, "in_progress", IN_PROGRESS, {"Retry-After": "1"})
    return with_text(row["status"], row["body"], {"Idempotency-Replayed": "true"})
