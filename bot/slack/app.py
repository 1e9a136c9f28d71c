"""The Bolt app: one for both transports."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import aiohttp
import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.database.pool import TRANSIENT
from bot.slack.identity import Identity

log = structlog.get_logger(__name__)
# Slack or the database is away: what happened is known, and whoever clicked is told.
PASSING_TROUBLE = (*TRANSIENT, SlackApiError, aiohttp.ClientError, OSError)
_LOGGER = logging.getLogger("slack_bolt.AsyncApp")


def _is_of_use(record: logging.LogRecord) -> bool:
    """Bolt reads SLACK_BOT_TOKEN by itself, and warns that it has no use for it."""
    return "`token` will be unused" not in record.getMessage()


def make_bolt_app(
    client: AsyncWebClient, bot_token: str, identity: Callable[[], Identity]
) -> AsyncApp:
    """Build the app without listeners.

    `process_before_response`: a listener is one short transaction, then the ack, then
    nothing, so that no event is acknowledged and lost. `authorize` is our own, since
    Bolt's asks `auth.test` on the click path and answers 200 when that fails. The
    signature is checked before Bolt sees a request (`bot.web.slack_events`); Socket
    Mode has none.
    """

    async def authorize(**_context: Any) -> AuthorizeResult:
        us = identity()
        return AuthorizeResult(
            enterprise_id=us.enterprise or None,
            team_id=us.team,
            bot_id=us.bot,
            bot_user_id=us.user,
            bot_token=bot_token,
        )

    _LOGGER.addFilter(_is_of_use)
    app = AsyncApp(
        name="approval-bot",  # without one Bolt looks through all that is imported
        client=client,
        signing_secret="",
        authorize=authorize,
        process_before_response=True,
        request_verification_enabled=False,
        attaching_function_token_enabled=False,
        attaching_conversation_kwargs_enabled=False,
    )

    async def answer_error(error: Exception) -> BoltResponse:
        """Leave the request unacknowledged, so that Slack or the person tries again."""
        passing = isinstance(error, PASSING_TROUBLE)
        log.log(
            logging.WARNING if passing else logging.ERROR,
            "a listener failed",
            action="listener_failed",
            error=type(error).__name__,
            exc_info=None if passing else error,
        )
        return BoltResponse(status=503, body="Not stored; please send it again.")

    app.error(answer_error)
    return app
