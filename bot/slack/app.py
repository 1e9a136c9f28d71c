"""The Bolt app, its Socket Mode connection, and the check of what Slack sends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Annotated, Any, Self, cast

import aiohttp
import structlog
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.base.time_limits import limits
from bot.database.pool import TRANSIENT
from bot.slack.client import named_wait, to_do, word_of
from bot.slack.identity import Identity
from bot.texts.web import NOT_STORED

log = structlog.get_logger(__name__)
# Slack or the database is away: what happened is known, and people are told.
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
    signature is checked before Bolt sees a request (`bot.web.server`); Socket
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
        return BoltResponse(status=503, body=NOT_STORED)

    app.error(answer_error)
    return app


class SocketHandler(AsyncSocketModeHandler):
    """One connection of an app; what Slack sends over it goes to Bolt."""

    def __init__(self, app: AsyncApp, token: str, web_client: AsyncWebClient) -> None:
        # not the base class's own: that one makes a client that cannot be chosen
        self.app = app
        self.app_token = token
        self.client = SocketClient(
            app_token=token,
            logger=_in_one_line(),
            web_client=web_client,
            ping_interval=limits().socket_ping,
        )
        listeners = cast("list[Any]", self.client.socket_mode_request_listeners)
        listeners.append(self.handle)

    async def open(self) -> None:
        """Connect for the first time.

        Raises:
            SlackApiError: Slack gives no address, as for a wrong token.
            aiohttp.ClientError, TimeoutError: Slack cannot be reached.
        """
        self.client.wss_uri = await self.client.issue_new_wss_url()
        await self.client.connect()

    async def handle(self, client: SocketModeClient, req: SocketModeRequest) -> None:
        """Let Bolt dispatch one envelope.

        What cannot be read is not acknowledged, so that Slack tells the person.
        """
        payload = readable(cast("Any", req.payload))
        if payload is None:
            log.warning("unreadable envelope", action="unreadable", kind=req.type)
            return
        req.payload = payload
        await super().handle(client, req)


class SocketClient(SocketModeClient):
    """Asks for a new address before each try to connect.

    An address opens one socket within seconds; the base class tries one for ever.
    https://docs.slack.dev/apis/events-api/using-socket-mode#call
    """

    async def issue_new_wss_url(self) -> str:
        """Ask for an address; the base class stumbles over an answer without JSON.

        Raises:
            SlackApiError, aiohttp.ClientError, TimeoutError: there is none now.
        """
        answer = await self.web_client.apps_connections_open(app_token=self.app_token)
        return str(cast("Any", answer)["url"])

    async def connect(self) -> None:
        """Connect, however often that takes; not before Slack wants it."""
        while not self.closed:
            wait: float = self.ping_interval
            try:
                if self.wss_uri is None:
                    self.wss_uri = await self.issue_new_wss_url()
                async with asyncio.timeout(limits().socket_try):
                    await super().connect()
                return
            except (SlackApiError, aiohttp.ClientError, TimeoutError, OSError) as error:
                wait = max(wait, named_wait(error))
                if not to_do(word := word_of(error), ""):  # else the client has warned
                    log.warning(
                        "Slack's socket cannot be opened, trying again",
                        action="socket_waits",
                        trouble=word,
                        seconds=wait,
                    )
            finally:
                self.wss_uri = None
            await asyncio.sleep(wait)


def _in_one_line() -> logging.Logger:
    """The client's log without tracebacks: each of its errors is followed by a try."""

    def shorten(record: logging.LogRecord) -> bool:
        record.exc_info = None
        return True

    logger = logging.getLogger("slack_sdk.socket_mode")
    logger.filters[:] = [shorten]
    return logger


# --- The shape of what Slack sends, checked once before anything reads it -------------

Json = dict[str, Any]


def _storable(text: str) -> str:
    """Refuse what PostgreSQL cannot hold: NUL, and half a character."""
    if "\x00" in text:
        raise ValueError("NUL")
    text.encode()
    return text


Word = Annotated[str, AfterValidator(_storable)]


class _Loose(BaseModel):
    """A payload whose other fields may hold anything: neither we nor Bolt read them."""

    model_config = ConfigDict(extra="ignore", strict=True)


class _Named(_Loose):
    id: Word | None = None
    team_id: Word | None = None
    enterprise_id: Word | None = None


Named = Word | _Named | None


class _Fields(_Loose):
    """The fields that Bolt looks for in payloads, events, and messages in events."""

    enterprise: Named = None
    team: Named = None
    user: Named = None
    channel: Named = None
    enterprise_id: Word | None = None
    team_id: Word | None = None
    user_id: Word | None = None
    channel_id: Word | None = None
    thread_ts: Word | None = None
    message: _Message | None = None
    previous_message: _Message | None = None
    item: _Fields | None = None
    assistant_thread: _Fields | None = None


class _Metadata(_Loose):
    event_payload: dict[str, Any] | None = None


class _Message(_Fields):
    ts: Word | None = None
    metadata: _Metadata | None = None


class _Event(_Fields):
    """https://docs.slack.dev/apis/events-api#event-type-structure"""

    type: Word
    subtype: Word | None = None
    bot_id: Word | None = None
    ts: Word | None = None
    channel_type: Word | None = None
    user_team: Word | None = None


class _Option(_Loose):
    value: Word | None = None


class _Action(_Loose):
    action_id: Word
    value: Word | None = None
    selected_option: _Option | None = None
    action_ts: Word | None = None


class _Input(_Loose):
    """The content of a view's input; other kinds of inputs have other fields."""

    value: Word | None = None
    selected_option: _Option | None = None


class _State(_Loose):
    values: dict[Word, dict[Word, _Input]] | None = None


class _Container(_Loose):
    channel_id: Word | None = None
    message_ts: Word | None = None


class _View(_Named):
    type: Word
    app_installed_team_id: Word | None = None
    callback_id: Word | None = None
    private_metadata: Word | None = None
    id: Word | None = None
    state: _State | None = None


class _Payload(_Fields):
    """https://docs.slack.dev/reference/interaction-payloads"""

    type: Word | None = None
    api_app_id: Word | None = None
    event_id: Word | None = None
    trigger_id: Word | None = None
    command: Word | None = None
    callback_id: Word | None = None
    authorizations: list[_Fields] | None = None
    event: _Event | None = None
    actions: Annotated[list[_Action], Field(min_length=1)] | None = None
    container: _Container | None = None
    view: _View | None = None
    function_data: dict[str, Any] | None = None
    # Bolt fails over a second one, which only modals unlike ours have
    response_urls: Annotated[list[dict[str, Any]], Field(max_length=1)] | None = None

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        """Check that a person's action names the person, and what it was done to."""
        if self.type in ("block_actions", "view_submission"):
            if not (isinstance(self.user, _Named) and self.user.id):
                raise ValueError("no user")
            if not (self.actions or self.view):
                raise ValueError("neither actions nor a view")
        return self


def readable(payload: object) -> Json | None:
    """A payload whose fields have the types that Slack documents, else None.

    Fields that are null are left out: Bolt looks into whatever is there.
    """
    try:
        _Payload.model_validate(payload)
    except ValidationError:
        return None
    found = cast("Json", payload)
    return {name: value for name, value in found.items() if value is not None}
