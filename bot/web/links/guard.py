"""Open a link's token, and keep its page from being driven by another."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web

from bot.approvals import store
from bot.approvals.eligibility import PolicyContext, with_current_people
from bot.approvals.model import Request
from bot.approvals.ports import Policies
from bot.database.pool import Pool
from bot.web.links import tokens as links
from bot.web.links.pages import STYLE
from bot.web.links.tokens import Link, Signer, hash_of

COOKIE = "approve"
LONGEST_CODE = 1_000  # characters of what Slack sends a browser back with
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; "
        "form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def is_from_our_page(request: web.Request, signer: Signer) -> bool:
    """Return whether a browser says that our own page sent this.

    Under `no-referrer` browsers send the origin of a form as `null`; then they say by
    Sec-Fetch-Site, which no page can set, where it comes from.
    https://fetch.spec.whatwg.org/#append-a-request-origin-header
    """
    origin = request.headers.get("Origin", "")
    site = request.headers.get("Sec-Fetch-Site", "")
    if origin == signer.origin:
        return site in ("", "same-origin")
    return origin == "null" and site == "same-origin"


def new_cookie() -> str:
    """Make the cookie that ties a form to the browser that it is shown in."""
    return secrets.token_urlsafe(24)


def set_cookie(response: web.Response, value: str, signer: Signer) -> None:
    """Set a cookie that scripts and the requests of other sites do not get."""
    keep(response, COOKIE, value, signer, same_site="Strict")


def keep(
    response: web.Response,
    name: str,
    value: str,
    signer: Signer,
    *,
    same_site: str,
    age: int | None = None,
) -> None:
    """A cookie for the pages of links alone; without an age, of this session."""
    url = urlsplit(signer.audience)
    response.set_cookie(
        name,
        value,
        path=f"{url.path}/approve/",
        max_age=age,
        httponly=True,
        samesite=same_site,
        secure=url.scheme == "https",
    )


def form_token(cookie: str, token: str, signer: Signer) -> str:
    """Return the token of the form: good for this browser and this link alone."""
    said = f"slack-approval-bot/form/1\n{cookie}\n{hash_of(token)}"
    return hmac.new(signer.secret.encode(), said.encode(), hashlib.sha256).hexdigest()


def is_our_form(request: web.Request, given: str, token: str, signer: Signer) -> bool:
    """Return whether the form was shown in this very browser."""
    cookie = request.cookies.get(COOKIE, "")
    wanted = form_token(cookie, token, signer)
    return bool(cookie) and hmac.compare_digest(given.encode(), wanted.encode())


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
        if found is None or found.call.grant_digest != link.digest:
            return None
        return link, found

    async def used(self, token: str) -> tuple[Link, Request] | None:
        """Return what a link of ours decided; None for every link that did not."""
        link = self.signer.read(token)
        if link is None:
            return None
        async with self.pool.connection() as connection:
            if not await links.is_used(connection, token, link):
                return None
        found = await self.now(link.request)
        return (link, found) if found else None

    async def now(self, request: str) -> Request | None:
        """A request as it stands, by the policy in force."""
        async with self.pool.connection() as connection:
            found = await store.load_with_clock(connection, request)
        return self._fresh(*found) if found else None

    def _fresh(self, request: Request, now: dt.datetime) -> Request:
        return with_current_people(
            request, PolicyContext(self.policies.current, now, {})
        )


def html(
    status: int, text: str, headers: Mapping[str, str] | None = None
) -> web.Response:
    """A page, with all that keeps it apart from other sites."""
    return web.Response(
        status=status,
        text=text,
        content_type="text/html",
        headers={**HEADERS, **(headers or {})},
    )
