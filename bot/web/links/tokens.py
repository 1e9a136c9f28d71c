"""Signed links: a token names one approver, one request, one digest, once."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast
from urllib.parse import urlsplit

from itsdangerous import BadData, URLSafeSerializer

from bot.approvals import store
from bot.approvals.eligibility import PolicyContext, with_current_people
from bot.approvals.model import Request
from bot.approvals.ports import Policies
from bot.database.pool import Connection, Pool
from bot.web import SQL

LONGEST = 1_000  # characters of a token
_SALT = "slack-approval-bot/approve-link/1"
# The library's own default is SHA-1.
SIGNED: dict[str, Any] = {"digest_method": hashlib.sha256, "key_derivation": "hmac"}


@dataclass(frozen=True)
class Link:
    """Whom a link invites to decide which call."""

    request: str
    team: str
    user: str
    digest: str  # the grant digest of what is to be decided


@dataclass(frozen=True)
class Signer:
    """Makes and reads tokens; `audience` is where they are good: PUBLIC_URL."""

    secret: str
    audience: str

    def token(self, link: Link) -> str:
        """A new token; no two are alike."""
        said = {
            "a": self.audience,
            "d": link.digest,
            "n": secrets.token_urlsafe(16),
            "r": link.request,
            "t": link.team,
            "u": link.user,
        }
        return str(self._serializer.dumps(said))

    def read(self, token: str) -> Link | None:
        """Read a token of ours; None for every other text."""
        if len(token) > LONGEST:
            return None
        try:
            said: Any = self._serializer.loads(token)
        except BadData:
            return None
        if not isinstance(said, dict):
            return None
        known = cast("dict[str, str]", said)
        if known.get("a") != self.audience:
            return None
        return Link(known["r"], known["t"], known["u"], known["d"])

    def address(self, token: str) -> str:
        """Return the address of a token's page."""
        return f"{self.audience}/approve/{token}"

    @property
    def origin(self) -> str:
        """The page's origin, as browsers send it."""
        url = urlsplit(self.audience)
        return f"{url.scheme}://{url.netloc}"

    @property
    def _serializer(self) -> Any:
        serializer = cast("Any", URLSafeSerializer)
        return serializer(self.secret, salt=_SALT, signer_kwargs=SIGNED)


def hash_of(token: str) -> str:
    """Return the hash by which a token is known in the database."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


LIFE = timedelta(hours=8)


async def make(connection: Connection, signer: Signer, link: Link) -> str:
    """The address of a new link."""
    token = signer.token(link)
    await connection.execute(
        SQL["insert_link"],
        {
            "hash": hash_of(token),
            "request": link.request,
            "team": link.team,
            "user": link.user,
            "digest": link.digest,
            "life": LIFE,
        },
    )
    return signer.address(token)


async def is_good(connection: Connection, token: str, link: Link) -> bool:
    """Return whether a token that was read is the link as made, unused and in time."""
    found = await connection.execute(SQL["select_link"], {"hash": hash_of(token)})
    row = await found.fetchone()
    return row is not None and _is(row, link) and not (row["is_used"] or row["is_over"])


async def is_used(connection: Connection, token: str, link: Link) -> bool:
    """Return whether a token that was read is the link as made, and used."""
    found = await connection.execute(SQL["select_link"], {"hash": hash_of(token)})
    row = await found.fetchone()
    return row is not None and _is(row, link) and row["is_used"]


def _is(row: dict[str, Any], link: Link) -> bool:
    made = Link(row["request_id"], row["team_id"], row["user_id"], row["grant_digest"])
    return made == link


async def use(connection: Connection, token: str) -> bool:
    """Take the one use of a link; False if somebody was faster."""
    found = await connection.execute(SQL["use_link"], {"hash": hash_of(token)})
    return await found.fetchone() is not None


async def give_back(connection: Connection, token: str) -> None:
    """Nothing came of it: it can be used still."""
    await connection.execute(SQL["give_back_link"], {"hash": hash_of(token)})


@dataclass(frozen=True)
class Opening:
    """Finds the request that a link is for."""

    pool: Pool
    policies: Policies
    signer: Signer

    async def open(self, token: str) -> tuple[Link, Request] | None:
        """Return the link and request of a good token; None for any other.

        A person with a bad token is not told what is wrong with it.
        """
        link = self.signer.read(token)
        if link is None:
            return None
        async with self.pool.connection() as connection:
            if not await is_good(connection, token, link):
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
            if not await is_used(connection, token, link):
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
