"""Sign in with Slack, as the simulated workspace does it: codes, once, and tokens."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.simulator.shapes import Json, SlackError

ISSUER = "https://slack.com"
CODE_LIVES = 600  # seconds
_MOST = 1_000  # codes and tokens that are kept


@dataclass(frozen=True)
class Given:
    """A code, and for whom and for what it was given."""

    user: str
    team: str
    redirect: str
    nonce: str
    at: float


@dataclass
class SignIns:
    """The app's own id and secret, and what people have signed in for."""

    client_id: str = "1000000000.2000000000"
    client_secret: str = field(default_factory=lambda: secrets.token_hex(16))
    codes: dict[str, Given] = field(default_factory=dict[str, Given])
    tokens: dict[str, Given] = field(default_factory=dict[str, Given])

    def give(self, given: Given) -> str:
        """A code for a person who has just signed in."""
        return _keep(self.codes, given, "code")

    def exchange(self, asked: Mapping[str, str], now: float) -> Json:
        """The answer of openid.connect.token. Raises SlackError."""
        if asked["client_id"] != self.client_id:
            raise SlackError("invalid_client_id")
        if not secrets.compare_digest(asked["client_secret"], self.client_secret):
            raise SlackError("bad_client_secret")
        given = self.codes.pop(asked["code"], None)
        if given is None or given.at + CODE_LIVES < now:
            raise SlackError("invalid_code")
        if asked["redirect_uri"] != given.redirect:
            raise SlackError("bad_redirect_uri")
        token = _keep(self.tokens, given, "xoxp-sign-in")
        id_token = _id_token(given, self.client_id, now)
        return {"access_token": token, "token_type": "Bearer", "id_token": id_token}

    def whose(self, token: str) -> Json:
        """The answer of openid.connect.userInfo. Raises SlackError."""
        given = self.tokens.get(token)
        if given is None:
            raise SlackError("invalid_auth")
        return {"sub": given.user, **_person(given)}


def _person(given: Given) -> Json:
    return {f"{ISSUER}/user_id": given.user, f"{ISSUER}/team_id": given.team}


def _keep(kept: dict[str, Given], given: Given, prefix: str) -> str:
    if len(kept) >= _MOST:
        kept.pop(next(iter(kept)))
    word = f"{prefix}-{secrets.token_urlsafe(18)}"
    kept[word] = given
    return word


def _id_token(given: Given, client_id: str, now: float) -> str:
    claims = {
        "iss": ISSUER,
        "sub": given.user,
        "aud": client_id,
        "iat": int(now),
        "exp": int(now) + 300,
        "nonce": given.nonce,
        **_person(given),
    }
    parts = ({"alg": "RS256", "typ": "JWT", "kid": "simulated"}, claims)
    written = [_encoded(json.dumps(part).encode()) for part in parts]
    return ".".join([*written, _encoded(b"simulated")])


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
