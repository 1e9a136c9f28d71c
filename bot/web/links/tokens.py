"""What a link's token says, signed: an invitation for one person to one call."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

from itsdangerous import BadData, URLSafeSerializer

LONGEST = 1_000  # characters of a token
_SALT = "slack-approval-bot/approve-link/1"


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
        """What a token of ours says; None for every other text."""
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
        """Where the page of a token is."""
        return f"{self.audience}/approve/{token}"

    @property
    def origin(self) -> str:
        """The page's origin, as browsers send it."""
        url = urlsplit(self.audience)
        return f"{url.scheme}://{url.netloc}"

    @property
    def _serializer(self) -> Any:
        # SHA-256, since the library's own default is SHA-1
        how: dict[str, Any] = {
            "digest_method": hashlib.sha256,
            "key_derivation": "hmac",
        }
        serializer = cast("Any", URLSafeSerializer)
        return serializer(self.secret, salt=_SALT, signer_kwargs=how)


def hash_of(token: str) -> str:
    """By what a token is known in the database."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
