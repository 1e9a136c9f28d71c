"""Who we are in Slack: learned once, at the start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import ConfigurationError


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
    me = cast("dict[str, Any]", (await client.auth_test()).data)
    if not me.get("bot_id"):
        raise ConfigurationError(
            "SLACK_BOT_TOKEN is not a bot's token; take the one that starts with "
            "xoxb-, from OAuth & Permissions."
        )
    found = cast("dict[str, Any]", (await client.bots_info(bot=me["bot_id"])).data)
    return Identity(
        enterprise=me.get("enterprise_id") or "",
        team=me["team_id"],
        team_name=me.get("team") or "",
        app=found["bot"]["app_id"],
        bot=me["bot_id"],
        user=me["user_id"],
        url=me.get("url") or "",
    )
