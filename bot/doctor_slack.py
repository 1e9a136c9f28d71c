"""Slack as the doctor asks it: whether it lets us in, and knows what a policy names."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import aiohttp
import yaml
from multidict import CIMultiDict
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.approvals.policy import Policy
from bot.doctor_ids import unknown_ids
from bot.settings import Settings
from bot.slack.client import BAD_TOKEN, error_code, make_client, make_session
from bot.slack.identity import learn_identity

MANIFEST = Path(__file__).parent.parent / "manifest.yml"


@asynccontextmanager
async def ask_slack(settings: Settings) -> AsyncGenerator[AskSlack]:
    """Open a session to Slack."""
    async with make_session() as session:
        token = settings.slack_bot_token
        client = make_client(
            token.get_secret_value() if token else None, settings.slack_api_url, session
        )
        yield AskSlack(settings, client)


class AskSlack:
    """The questions of `check` to Slack; each returns a list of problems."""

    def __init__(self, settings: Settings, client: AsyncWebClient) -> None:
        self._settings = settings
        self._client = client

    async def unknown_ids(self, policy: Policy) -> list[str]:
        """A sentence for each id of the policy that Slack does not know."""
        return await unknown_ids(policy, self._client)

    async def access(self) -> list[str]:
        """The token works and has the scopes of the manifest."""
        name = "SLACK_BOT_TOKEN"
        try:
            await learn_identity(self._client)
            answer = await self._client.auth_test()
            name = "SLACK_APP_TOKEN"
            if token := self._settings.slack_app_token:
                await self._client.apps_connections_open(
                    app_token=token.get_secret_value()
                )
        except SlackApiError as error:
            code = error_code(error)
            if code in BAD_TOKEN:
                return [f"refuses the token ({code}); check {name}"]
            return [
                f"answers {code} to {name}; see that it has its scopes, or try later"
            ]
        except (aiohttp.ClientError, TimeoutError, OSError, KeyError) as error:
            return [f"cannot be reached ({type(error).__name__}); check SLACK_API_URL"]
        headers = CIMultiDict(cast("Mapping[str, str]", answer.headers))
        given = headers.get("x-oauth-scopes")
        if given is None:
            return []
        lacking = _scopes() - {scope.strip() for scope in given.split(",")}
        again = "add them to the app as manifest.yml has them, and install it again"
        return (
            [f"lacks the scopes {', '.join(sorted(lacking))}; {again}"]
            if lacking
            else []
        )


def _scopes() -> set[str]:
    manifest = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))
    return set(manifest["oauth_config"]["scopes"]["bot"])
