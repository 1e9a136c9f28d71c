"""The e-mail address that somebody has in Slack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import SlackUnavailable
from bot.slack.client import error_code
from bot.slack.directory import UNKNOWN
from bot.variables_outside import ADDRESS


@dataclass(frozen=True)
class Addresses:
    """Reads `users.info`; the address has a scope of its own, `users:read.email`."""

    client: AsyncWebClient

    async def of(self, person: str) -> str:
        """One plain address, or "" where Slack shows none.

        Raises:
            SlackUnavailable: Slack did not say so.
        """
        try:
            answer = await self.client.users_info(user=person)
        except SlackApiError as error:
            if error_code(error) in UNKNOWN:
                return ""
            raise SlackUnavailable from error
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise SlackUnavailable from error
        data = cast("dict[str, Any]", answer.data)
        user: Mapping[str, Any] = data.get("user") or {}
        profile: Mapping[str, Any] = user.get("profile") or {}
        address = str(profile.get("email") or "")
        return address if ADDRESS.fullmatch(address) else ""
