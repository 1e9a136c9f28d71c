"""The one place where the API learns who calls, and counts how often."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TypeVar

from bot.approvals.model import Person
from bot.approvals.rate_limit import count
from bot.base.settings_types import ApiAgent, ApiToken
from bot.slack.deps import Deps
from bot.texts.api import NO_HEADER, UNKNOWN_AGENT, UNKNOWN_CALLER
from bot.texts.web import too_many
from bot.web.api.problems import Problem

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
