"""People as Slack knows them, for a command that runs beside the service."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import aiohttp
from slack_sdk.errors import SlackApiError

from bot.approvals.ports import People
from bot.settings import Settings
from bot.slack.client import error_code, make_client, make_session
from bot.slack.directory import Directory
from bot.slack.identity import Identity, learn_identity


@asynccontextmanager
async def slack_people(
    settings: Settings,
) -> AsyncGenerator[tuple[People, Identity] | str]:
    """Give people and our own identity, or a word for why Slack cannot be asked."""
    async with make_session() as session:
        token = settings.slack_bot_token
        secret = token.get_secret_value() if token else None
        client = make_client(secret, settings.slack_api_url, session)
        try:
            us = await learn_identity(client)
        except SlackApiError as error:
            yield error_code(error)
        except (aiohttp.ClientError, TimeoutError, OSError, KeyError) as error:
            yield type(error).__name__
        else:
            yield Directory(client, lambda: us), us
