"""Who has signed in for a link, as the browser's own cookies carry it, signed."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Any, cast

from itsdangerous import BadData, URLSafeTimedSerializer

from bot.links.tokens import Link, hash_of

GOING_FOR = 600  # seconds that signing in may take
SIGNED_IN_FOR = 900  # seconds that it holds
_GOING, _SIGNED_IN = "going", "signed-in"


@dataclass(frozen=True)
class Going:
    """A browser that is on its way to Slack, and the link that it comes back to."""

    token: str
    state: str
    nonce: str

    def is_back(self, state: str) -> bool:
        """Whether it is this very sign-in that came back."""
        return hmac.compare_digest(self.state.encode(), state.encode())


def new_going(token: str) -> Going:
    """A sign-in like no other."""
    return Going(token, secrets.token_urlsafe(24), secrets.token_urlsafe(24))


@dataclass(frozen=True)
class Sessions:
    """Writes and reads the two cookies of a sign-in."""

    secret: str

    def going(self, going: Going) -> str:
        """For the time at Slack."""
        said = [going.token, going.state, going.nonce]
        return str(self._serializer(_GOING).dumps(said))

    def read_going(self, cookie: str) -> Going | None:
        """None for every text that is not ours or too old."""
        said = self._read(_GOING, cookie, GOING_FOR)
        return Going(*said) if said else None

    def signed_in(self, token: str, link: Link) -> str:
        """The link's own person has signed in, for this link alone."""
        return str(self._serializer(_SIGNED_IN).dumps(_whose(token, link)))

    def is_signed_in(self, cookie: str, token: str, link: Link) -> bool:
        """Whether this browser's person has."""
        return self._read(_SIGNED_IN, cookie, SIGNED_IN_FOR) == _whose(token, link)

    def _read(self, kind: str, cookie: str, age: int) -> list[str]:
        try:
            return self._serializer(kind).loads(cookie, max_age=age)
        except BadData:
            return []

    def _serializer(self, kind: str) -> Any:
        how: dict[str, Any] = {
            "digest_method": hashlib.sha256,
            "key_derivation": "hmac",
        }
        serializer = cast("Any", URLSafeTimedSerializer)
        salt = f"slack-approval-bot/{kind}/1"
        return serializer(self.secret, salt=salt, signer_kwargs=how)


def _whose(token: str, link: Link) -> list[str]:
    return [hash_of(token), link.team, link.user]
