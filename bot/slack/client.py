"""Calls to Slack's Web API: one client and session, and what its refusals mean."""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import aiohttp
import structlog
from multidict import CIMultiDict
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.base.errors import RetryLater, SlackUnavailable
from bot.base.quick_json import quick_json
from bot.base.time_limits import OPENING, limits
from bot.texts import operation

log = structlog.get_logger(__name__)
SLOW = 1.0  # seconds without an answer after which giving up tells of trouble
OF_PROGRESS = frozenset(
    {
        "agents.sessions.setStatus",
        "assistant.threads.setStatus",
        "assistant.threads.setTitle",
        "reactions.add",
        "reactions.remove",
    }
)
# Nothing came that can be read.
NO_ANSWER = (aiohttp.ClientError, TimeoutError, OSError, ValueError)
FAILURES = (SlackApiError, *NO_ANSWER)  # that, or Slack refused the call


def make_session() -> aiohttp.ClientSession:
    """A session for all calls: the client would open a connection for each."""
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=limits().slack_call),
        connector=aiohttp.TCPConnector(limit=50),
        json_serialize=quick_json,
    )


class WatchedClient(AsyncWebClient):
    """Tells `troubles` of each call that an operator has to know of."""

    def __init__(self, troubles: Troubles, **given: Any) -> None:
        super().__init__(**given)
        self._troubles = troubles

    async def api_call(self, api_method: str, **given: Any) -> AsyncSlackResponse:
        """Call Slack; see the base class."""
        began, channel = time.monotonic(), _channel_of(given)
        try:
            answer = await super().api_call(api_method, **given)
        except SlackApiError as error:
            self._note(api_method, channel, error)
            raise
        except NO_ANSWER as error:
            self._troubles.refused(api_method, SILENT, word_of(error))
            raise
        except asyncio.CancelledError:  # by a caller who waits no longer
            if time.monotonic() - began > SLOW:
                self._troubles.refused(api_method, SILENT, "TimeoutError")
            raise
        self._troubles.worked(api_method, channel)
        return answer

    def _note(self, method: str, channel: str, error: SlackApiError) -> None:
        word, about = error_code(error), ""
        if word in TROUBLED:
            word, about = SILENT, word
        elif word == SCOPE:
            about = _needed(error)
        elif word in CHANNEL_SHUT:
            about = channel
        # who is not in a channel gets a direct message instead
        is_met = word in CHANNEL_SHUT and method == "chat.postEphemeral"
        # what only shows that the agent works need not be granted
        is_met = is_met or (word == SCOPE and method in OF_PROGRESS)
        if to_do(word, about) and not is_met:
            self._troubles.refused(method, word, about)
        elif word != "ratelimited":
            self._troubles.worked(method, channel)


def _channel_of(given: Mapping[str, Any]) -> str:
    arguments: Mapping[str, Any] = given.get("json") or given.get("params") or {}
    return str(arguments.get("channel") or "")


def _needed(error: SlackApiError) -> str:
    data = getattr(cast("Any", error.response), "data", None)
    return str(cast("Any", data).get("needed") or "") if isinstance(data, dict) else ""


def make_client(
    token: str | None,
    base_url: str,
    session: aiohttp.ClientSession,
    troubles: Troubles | None = None,
) -> AsyncWebClient:
    """A client that repeats nothing by itself.

    The default handler repeats a call whose connection broke, which posts a message
    twice when Slack had taken the first. The one for rate limits sleeps inside the
    call, for as long as Slack says: a delivery that is limited frees its place instead
    and is tried again by its job, so that one busy channel does not hold up the others.
    """
    return WatchedClient(
        troubles or Troubles(),
        token=token,
        base_url=base_url,
        # slack_sdk says int and gives it to aiohttp, which takes parts of a second
        timeout=limits().slack_call,
        session=session,
        retry_handlers=[],
    )


@dataclass
class Kept:
    """Keys that this process knows for a while."""

    _ends: dict[Hashable, float] = field(default_factory=dict[Hashable, float])
    _many: int = 0  # of them, after which those are dropped whose time is over

    def keep(self, key: Hashable, seconds: float) -> None:
        now = time.monotonic()
        self._ends[key] = now + seconds
        if len(self._ends) > self._many:
            self._ends = {k: end for k, end in self._ends.items() if end > now}
            self._many = 2 * len(self._ends)

    def known(self) -> list[Any]:
        """Return the keys that are known now."""
        now = time.monotonic()
        return [key for key, end in self._ends.items() if end > now]

    def left(self, key: Hashable) -> float:
        """Seconds until it is forgotten; 0 if it is not known."""
        return max(0, self._ends.get(key, 0) - time.monotonic())


@dataclass(frozen=True)
class Caller:
    """Calls Slack for a channel, and keeps the waits that Slack names for that."""

    client: AsyncWebClient
    pauses: Kept = field(default_factory=Kept)

    async def __call__(self, method: str, channel: str, **given: Any) -> dict[str, Any]:
        """Call Slack, as soon as it takes such calls for this channel again.

        Raises:
            RetryLater: nothing was done; Slack says when it takes such calls again.
        """
        if left := self.pauses.left((method, channel)):
            raise RetryLater(math.ceil(left))
        try:
            answer = await getattr(self.client, method)(channel=channel, **given)
        except SlackApiError as error:
            if wait := named_wait(error):
                self.pauses.keep((method, channel), wait)
                raise RetryLater(wait) from error
            raise
        return cast("dict[str, Any]", answer.data)


async def open_view(
    client: AsyncWebClient, trigger_id: str, view: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Open a view for a person, within the time of an ack; return it as it is.

    Raises:
        SlackUnavailable: there is none, or nobody can tell in time.
    """
    try:
        async with asyncio.timeout(OPENING):
            answer = await client.views_open(trigger_id=trigger_id, view=dict(view))
    except FAILURES as error:
        log.info(
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


def named_wait(error: Exception) -> int:
    """Seconds that Slack names when it is asked too often; 0 for any other trouble."""
    if not isinstance(error, SlackApiError) or error_code(error) != "ratelimited":
        return 0
    headers = CIMultiDict(cast("Any", error.response).headers)
    given = str(headers.get("Retry-After", "1"))
    return max(1, int(given)) if given.isdigit() else 1


# --- Refusals that an operator has to mend: told, counted, shown ----------------------

WARNED_EVERY = 60.0  # seconds between two warnings about the same
OPEN_FOR = 3600.0  # seconds that a refusal stays in sight after it came last
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
# Slack's words for trouble of its own, which passes.
TROUBLED = frozenset(
    {
        "fatal_error",
        "internal_error",
        "request_timeout",
        "service_unavailable",
        "team_added_to_org",
        "unknown_error",
    }
)
# And for trouble that an operator mends. Every other word is final for a message:
# https://docs.slack.dev/reference/methods/chat.postMessage#errors
PASSING = (
    TROUBLED
    | (BAD_TOKEN - {"not_allowed_token_type"})
    | {"org_login_required", "streaming_state_conflict"}
)
SCOPE = "missing_scope"
# The app is not let into the workspace, or not any more.
# https://docs.slack.dev/reference/methods/apps.connections.open#errors
KEPT_OUT = frozenset(
    {
        "access_denied",
        "accesslimited",
        "ekm_access_denied",
        "enterprise_is_restricted",
        "forbidden_team",
        "no_permission",
        "org_login_required",
        "team_access_not_granted",
        "team_disabled",
        "two_factor_setup_required",
        "user_removed_from_team",
    }
)
# A channel, or a thread in it, takes no words any more, and its people still read it.
READ_ONLY = frozenset(
    {
        "is_archived",
        "restricted_action",
        "restricted_action_non_threadable_channel",
        "restricted_action_read_only_channel",
        "restricted_action_thread_locked",
        "restricted_action_thread_only_channel",
    }
)
CHANNEL_SHUT = READ_ONLY | {
    "channel_not_found",
    "messages_tab_disabled",
    "not_in_channel",
}
# Of requests that come in over HTTP, as if these were Slack's words.
SKEW, WRONG_SECRET = "clock_skew", "wrong_secret"
NO_HOME = "not_enabled"  # of views.publish: the app has no Home tab
SILENT = "no_answer"  # Slack does not answer, or says that it is in trouble
Key = tuple[str, str]  # a word, and the scope, channel or trouble that it is about


def to_do(word: str, about: str) -> str:
    """Say what an operator has to do about a word; "" where it is not theirs."""
    if word == SCOPE:
        return operation.add_scope(about)
    if word in BAD_TOKEN:
        return operation.COPY_TOKENS
    if word in KEPT_OUT:
        return operation.LET_IN
    if word in CHANNEL_SHUT:
        return operation.open_channel(about)
    known = {
        SKEW: operation.SET_CLOCK,
        WRONG_SECRET: operation.SIGNED_WRONGLY,
        SILENT: operation.WAIT_FOR_SLACK,
        NO_HOME: operation.TURN_ON_HOME,
    }
    return known.get(word, "")


@dataclass
class OpenRefusal:
    """A word that still holds. `methods`: those of Slack's that it was given for."""

    methods: set[str] = field(default_factory=set[str])
    last: float = 0.0


class Troubles:
    """The refusals that are open; what works again closes those of its kind."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._open: dict[Key, OpenRefusal] = {}
        self._told: dict[Key, float] = {}
        self.counts: Counter[str] = Counter()  # by word, since the start

    def refused(self, method: str, word: str, about: str = "") -> None:
        """Note a refusal if an operator has to mend it; one warning a minute says so.

        Args:
            method: of Slack's, or the address at which a request came in.
            word: of Slack's, or one of those above.
            about: the scope that is missing, the channel, or what came for an answer.
        """
        advice = to_do(word, about)
        if not advice:
            return
        key, now = (word, about), self._clock()
        refusal = self._open.setdefault(key, OpenRefusal())
        refusal.methods.add(method)
        refusal.last = now
        self.counts[word] += 1
        if now - self._told.get(key, -WARNED_EVERY) < WARNED_EVERY:
            return
        self._told = {k: at for k, at in self._told.items() if now - at < WARNED_EVERY}
        self._told[key] = now
        told = {"method": method, "word": word, "about": about, "to_do": advice}
        log.warning("Slack refuses the bot", action="slack_refuses", **told)

    def worked(self, method: str, channel: str = "") -> None:
        """Close what a call has shown to be mended."""
        for (word, about), refusal in list(self._open.items()):
            if word in CHANNEL_SHUT and about != channel:
                continue
            refusal.methods.discard(method)
            if not refusal.methods or word in BAD_TOKEN:
                del self._open[word, about]

    def lines(self) -> Mapping[str, str]:
        """Return a line for `/readyz` by name for each that is open."""
        since = self._clock() - OPEN_FOR
        self._open = {k: r for k, r in self._open.items() if r.last > since}
        return {
            operation.refused(*key): operation.refusal(
                sorted(refusal.methods), to_do(*key)
            )
            for key, refusal in self._open.items()
        }
