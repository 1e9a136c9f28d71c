"""What a link's token opens, and how every page of links is answered."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from bot.approvals import store
from bot.approvals.model import Request
from bot.approvals.ports import Policies
from bot.approvals.standing import Standing, refreshed
from bot.database.pool import Pool
from bot.links import store as links
from bot.links.tokens import Link, Signer
from bot.web.links import guard

NOT_GOOD = (
    "This link is not good: it may have been used already, be too old, or be about "
    "something that has changed since. Nothing was decided. Please use the card in "
    "Slack, or wait for the next e-mail."
)
BY_LINK, BY_SIGN_IN = "link", "link+sign-in"  # how the person was known


@dataclass(frozen=True)
class Opening:
    """Finds the request that a link is for."""

    pool: Pool
    policies: Policies
    signer: Signer

    async def open(self, token: str) -> tuple[Link, Request] | None:
        """Whom a good token invites to what; None for every other one, for one reason.

        Whoever holds a bad token is not told what is wrong with it.
        """
        link = self.signer.read(token)
        if link is None:
            return None
        async with self.pool.connection() as connection:
            if not await links.is_good(connection, token, link):
                return None
        found = await self.now(link.request)
        if found is None or found.grant_digest != link.digest:
            return None
        return link, found

    async def now(self, request: str) -> Request | None:
        """A request as it stands, by the policy in force."""
        async with self.pool.connection() as connection:
            found = await store.load_with_clock(connection, request)
        return self._fresh(*found) if found else None

    def _fresh(self, request: Request, now: dt.datetime) -> Request:
        return refreshed(request, Standing(self.policies.current, now, {}))


def html(
    status: int, text: str, headers: Mapping[str, str] | None = None
) -> web.Response:
    """A page, with all that keeps it apart from other sites."""
    return web.Response(
        status=status,
        text=text,
        content_type="text/html",
        headers={**guard.HEADERS, **(headers or {})},
    )
