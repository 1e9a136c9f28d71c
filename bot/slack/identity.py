"""The bot's identity in Slack, learned once at the start, and its credentials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from multidict import CIMultiDict
from slack_sdk.web.async_client import AsyncWebClient

from bot.base.errors import BotError, ConfigurationError
from bot.texts.operation import NOT_A_BOT


@dataclass(frozen=True)
class Identity:
    """This app in one workspace."""

    enterprise: str
    team: str
    team_name: str
    app: str
    bot: str  # B…
    user: str  # U…, whom people mention
    url: str  # of the workspace, ends with "/"
    scopes: frozenset[str] | None = None  # of the bot's token; None: not said

    def lacks(self, scope: str) -> bool:
        """Return whether Slack has said what is granted, and not this."""
        return self.scopes is not None and scope not in self.scopes

    def permalink(self, channel: str, ts: str) -> str:
        """A message's address, as Slack builds it."""
        return f"{self.url}archives/{channel}/p{ts.replace('.', '')}"


async def learn_identity(client: AsyncWebClient) -> Identity:
    """Ask Slack (`auth.test`, `bots.info`) who the token belongs to.

    Raises:
        ConfigurationError: the token is not a bot's.
        SlackApiError: Slack refuses the token.
        aiohttp.ClientError, TimeoutError: Slack cannot be reached.
    """
    answer = await client.auth_test()
    me = cast("dict[str, Any]", answer.data)
    if not me.get("bot_id"):
        raise ConfigurationError(NOT_A_BOT)
    found = cast("dict[str, Any]", (await client.bots_info(bot=me["bot_id"])).data)
    return Identity(
        enterprise=me.get("enterprise_id") or "",
        team=me["team_id"],
        team_name=me.get("team") or "",
        app=found["bot"]["app_id"],
        bot=me["bot_id"],
        user=me["user_id"],
        url=me.get("url") or "",
        scopes=scopes_of(answer.headers),
    )


def scopes_of(headers: Any) -> frozenset[str] | None:
    """Read the scopes that Slack names in the headers of an answer; None for none."""
    given = CIMultiDict(cast("Mapping[str, str]", headers)).get("x-oauth-scopes")
    if given is None:
        return None
    return frozenset(scope.strip() for scope in given.split(","))


@dataclass(frozen=True)
class SlackAccess:
    """The address of Slack, and our credentials there."""

    api_url: str
    bot_token: str
    app_token: str | None = None
    signing_secret: str | None = None
    client_id: str | None = None  # with the secret: people sign in for links
    client_secret: str | None = None


class CurrentIdentity:
    """Our identity in Slack, once it is known."""

    def __init__(self) -> None:
        self._identity: Identity | None = None

    def learn(self, identity: Identity) -> None:
        """Keep what Slack said at the start."""
        self._identity = identity

    def __call__(self) -> Identity:
        if self._identity is None:
            raise NotReady
        return self._identity

    def app(self) -> str:
        """The app's id."""
        return self().app

    def team(self) -> str:
        """The id of the workspace that the app is installed in."""
        return self().team


class NotReady(BotError):
    """The bot has not finished its start."""
