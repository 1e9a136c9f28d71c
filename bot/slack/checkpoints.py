"""Where signed checkpoints of the trail go, a Slack channel among the places."""

from __future__ import annotations

from pathlib import Path

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.audit.sinks import Channel, Folder, Sink, SinkFailed, Webhook
from bot.slack.client import error_code
from bot.variables import CHANNEL


def make_sink(place: str, allow_private: bool, client: AsyncWebClient) -> Sink:
    """The place that AUDIT_SINK names: a channel's id, a URL, or else a folder."""
    if "://" in place:
        return Webhook(place, allow_private)
    if not CHANNEL.fullmatch(place):
        return Folder(Path(place))

    async def post(channel: str, text: str) -> None:
        await _post(client, channel, text)

    return Channel(place, post)


async def _post(client: AsyncWebClient, channel: str, text: str) -> None:
    try:
        await client.chat_postMessage(
            channel=channel, text=text, unfurl_links=False, unfurl_media=False
        )
    except SlackApiError as error:
        raise SinkFailed(
            f"The checkpoint cannot be posted to {channel}: Slack answers "
            f"{error_code(error)}; see AUDIT_SINK."
        ) from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise SinkFailed(
            f"The checkpoint cannot be posted to {channel}: Slack cannot be reached."
        ) from error
