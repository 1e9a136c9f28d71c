"""Sign in with Slack: OpenID Connect, the code flow."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlencode, urljoin

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.base.errors import SlackUnavailable
from bot.slack.client import NO_ANSWER, PASSING, error_code

ISSUER = "https://slack.com"
_USER, _TEAM = f"{ISSUER}/user_id", f"{ISSUER}/team_id"
_SKEW = 60  # seconds that two clocks may differ


class NotSignedIn(Exception):
    """Slack does not vouch for anybody here; the text is for logs."""


@dataclass(frozen=True)
class OpenId:
    """Asks Slack who sits at a browser. The client carries no token."""

    client: AsyncWebClient
    api_url: str
    client_id: str
    client_secret: str = field(repr=False)

    def address(self, *, redirect: str, state: str, nonce: str, team: str) -> str:
        """Return the address to sign in at; the browser comes back to `redirect`."""
        query = {
            "response_type": "code",
            "scope": "openid",
            "client_id": self.client_id,
            "redirect_uri": redirect,
            "state": state,
            "nonce": nonce,
            "team": team,
        }
        where = urljoin(self.api_url, "../openid/connect/authorize")
        return f"{where}?{urlencode(query)}"

    async def person(self, code: str, *, redirect: str, nonce: str) -> tuple[str, str]:
        """Team and user that Slack gave this code to, once.

        Raises:
            NotSignedIn: the code is not good, or was given for another sign-in.
            SlackUnavailable: Slack did not say so.
        """
        try:
            given = await self.client.openid_connect_token(
                client_id=self.client_id,
                client_secret=self.client_secret,
                code=code,
                redirect_uri=redirect,
            )
            token = str(given.get("access_token") or "")
            told = await self.client.openid_connect_userInfo(token=token)
        except SlackApiError as error:
            word = error_code(error)
            if word in PASSING - {"invalid_auth"} or word == "ratelimited":
                raise SlackUnavailable from error
            raise NotSignedIn(word) from error
        except NO_ANSWER as error:
            raise SlackUnavailable from error
        claims = _claims(str(given.get("id_token") or ""))
        self._check(claims, nonce)
        return _same_person(claims, cast("dict[str, Any]", told.data))

    def _check(self, claims: dict[str, Any], nonce: str) -> None:
        """Check an ID token as OpenID Connect Core, 3.1.3.7, asks."""
        wrong = {
            "iss": claims.get("iss") != ISSUER,
            "aud": claims.get("aud") != self.client_id,
            "nonce": claims.get("nonce") != nonce,
            "exp": _number(claims.get("exp")) < time.time() - _SKEW,
        }
        if found := [name for name, is_wrong in wrong.items() if is_wrong]:
            raise NotSignedIn(f"the ID token has another {found[0]}")


def _claims(id_token: str) -> dict[str, Any]:
    """Return the claims of an ID token.

    It comes straight from Slack over TLS, which vouches for it in place of its
    signature (OpenID Connect Core, 3.1.3.7, number 6).
    """
    try:
        body = id_token.split(".")[1]
        claims: object = json.loads(
            base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
        )
    except (IndexError, ValueError) as error:
        raise NotSignedIn("there is no ID token") from error
    if not isinstance(claims, dict):
        raise NotSignedIn("there is no ID token")
    return cast("dict[str, Any]", claims)


def _same_person(claims: dict[str, Any], told: dict[str, Any]) -> tuple[str, str]:
    """Both answers name one person, or nobody is signed in."""
    first, second = (
        (str(each.get(_TEAM) or ""), str(each.get(_USER) or ""))
        for each in (claims, told)
    )
    if first != second or not all(first):
        raise NotSignedIn("Slack's two answers name different people")
    return first


def _number(value: object) -> float:
    return value if isinstance(value, int | float) else 0
