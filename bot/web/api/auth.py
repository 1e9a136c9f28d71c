"""Authenticate a token: the one place where the API learns who calls."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from bot.approvals.model import Person
from bot.base.settings_types import ApiToken
from bot.texts.api import NO_HEADER, UNKNOWN_CALLER
from bot.web.api.problems import Problem

LONGEST = 512  # characters of a token
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="approvals"'}


class Callers:
    """The people of API_TOKENS, by the digests of their tokens."""

    def __init__(self, tokens: Sequence[ApiToken]) -> None:
        self._people = {
            token.digest: Person("", token.team, token.user) for token in tokens
        }

    def person(self, authorization: str) -> Person:
        """Return the caller, by the header `Authorization: Bearer TOKEN` (RFC 6750).

        Raises:
            Problem: 401.
        """
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not 0 < len(token) <= LONGEST:
            raise Problem(401, "unauthorized", NO_HEADER, _CHALLENGE)
        # Found by its digest, so that no comparison takes longer for a better guess.
        digest = hashlib.sha256(token.strip().encode("utf-8", "replace")).hexdigest()
        person = self._people.get(digest)
        if person is None:
            raise Problem(401, "unauthorized", UNKNOWN_CALLER, _CHALLENGE)
        return person
