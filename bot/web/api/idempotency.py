"""`Idempotency-Key`: a repeat of a request gets the answer of the first."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from aiohttp import web

from bot.approvals.model import Person
from bot.database.pool import Pool
from bot.texts.api import BAD_KEY, IN_PROGRESS, KEY_REUSED
from bot.web import SQL
from bot.web.api.problems import Problem, unreadable, with_text

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
