"""Slack's Web API: one client, one HTTP session, honest about what it does not know."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import aiohttp
import structlog
from multidict import CIMultiDict
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.base.errors import SlackUnavailable
from bot.base.time_limits import OPENING, limits

log = structlog.get_logger(__name__)

# A call that Slack refused, or to which nothing came that can be read.
FAILURES = (SlackApiError, aiohttp.ClientError, TimeoutError, OSError, ValueError)
# Slack's words for a token that will never work.
# https://docs.slack.dev/reference/methods/auth.test#errors
BAD_TOKEN = frozenset(
    {
        "account_inactive",
        "invalid_auth",
        "not_allowed_token_type",
        "not_authed",
        "token_expired",
        "token_revoked",
    }
)
# Slack's words for trouble that passes, or that an operator mends. Every other word is
# final: https://docs.slack.dev/reference/methods/chat.postMessage#errors
PASSING = frozenset(
    {
        "account_inactive",
        "fatal_error",
        "internal_error",
        "invalid_auth",
        "not_authed",
        "org_login_required",
        "request_timeout",
        "service_unavailable",
        "streaming_state_conflict",
        "team_added_to_org",
        "token_expired",
        "token_revoked",
        "unknown_error",
    }
)


def make_session() -> aiohttp.ClientSession:
    """A session for all calls: the client would open a connection for each."""
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=limits().slack_call),
        connector=aiohttp.TCPConnector(limit=50),
    )


def make_client(
    token: str | None, base_url: str, session: aiohttp.ClientSession
) -> AsyncWebClient:
    """A client that repeats nothing by itself.

    The default handler repeats a call whose connection broke, which posts a message
    twice when Slack had taken the first. The one for rate limits sleeps inside the
    call, for as long as Slack says: a delivery that is limited frees its place instead
    and is tried again by its job, so that one busy channel does not hold up the others.
    """
    return AsyncWebClient(
        token=token,
        base_url=base_url,
        # slack_sdk says int and gives it to aiohttp, which takes parts of a second
        timeout=limits().slack_call,  # pyright: ignore[reportArgumentType]
        session=session,
        retry_handlers=[],
    )


async def open_view(
    client: AsyncWebClient, trigger_id: str, view: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Open a view for whoever clicked, within the time of an ack; return it as it is.

    Raises:
        SlackUnavailable: there is none, or nobody can tell in time.
    """
    try:
        async with asyncio.timeout(OPENING):
            answer = await client.views_open(trigger_id=trigger_id, view=dict(view))
    except FAILURES as error:
        log.warning(
            "Slack did not open a window",
            action="view_not_opened",
            error=word_of(error),
        )
        raise SlackUnavailable from error
    return cast("dict[str, Any]", answer.data).get("view") or {}


def word_of(error: Exception) -> str:
    """Slack's own word for a refusal; else the kind of trouble with the connection."""
    is_word = isinstance(error, SlackApiError)
    return error_code(error) if is_word else type(error).__name__


def error_code(error: SlackApiError) -> str:
    """Slack's own word for what is wrong, such as `channel_not_found`."""
    response = cast("Any", error.response)
    if getattr(response, "status_code", 200) == 429:
        return "ratelimited"
    data = getattr(response, "data", response)
    found = cast("Any", data).get("error") if isinstance(data, dict) else None
    return str(found or "unknown_error")


def retry_after(error: SlackApiError) -> int:
    """Seconds that Slack wants between two tries, where it says so; else 1."""
    headers = CIMultiDict(cast("Any", error.response).headers)
    given = str(headers.get("Retry-After", "1"))
    return max(1, int(given)) if given.isdigit() else 1
