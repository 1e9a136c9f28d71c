"""Who we are in Slack, and how we are let in."""

from __future__ import annotations

from dataclasses import dataclass

from bot.errors import BotError
from bot.slack.identity import Identity


@dataclass(frozen=True)
class SlackAccess:
    """Where Slack is and how we are let in."""

    api_url: str
    bot_token: str
    app_token: str | None = None
    signing_secret: str | None = None
    client_id: str | None = None  # with the secret: people sign in for links
    client_secret: str | None = None


class Us:
    """Who we are in Slack, once it is known."""

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
