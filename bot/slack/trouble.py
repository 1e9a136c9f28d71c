"""Refusals of Slack that an operator has to mend: told, counted, shown."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog

from bot.texts import operation

log = structlog.get_logger(__name__)
EVERY = 60.0  # seconds between two warnings about the same
KEPT = 3600.0  # seconds that a refusal stays in sight after it came last
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
CHANNEL = frozenset(
    {
        "channel_not_found",
        "is_archived",
        "messages_tab_disabled",
        "not_in_channel",
        "restricted_action",
        "restricted_action_non_threadable_channel",
        "restricted_action_read_only_channel",
        "restricted_action_thread_locked",
        "restricted_action_thread_only_channel",
    }
)
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
    if word in CHANNEL:
        return operation.open_channel(about)
    known = {
        SKEW: operation.SET_CLOCK,
        WRONG_SECRET: operation.SIGNED_WRONGLY,
        SILENT: operation.WAIT_FOR_SLACK,
        NO_HOME: operation.TURN_ON_HOME,
    }
    return known.get(word, "")


@dataclass
class Refusal:
    """A word that still holds. `methods`: those of Slack's that it was given for."""

    methods: set[str] = field(default_factory=set[str])
    last: float = 0.0


class Troubles:
    """The refusals that are open; what works again closes those of its kind."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._open: dict[Key, Refusal] = {}
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
        refusal = self._open.setdefault(key, Refusal())
        refusal.methods.add(method)
        refusal.last = now
        self.counts[word] += 1
        if now - self._told.get(key, -EVERY) < EVERY:
            return
        self._told = {k: at for k, at in self._told.items() if now - at < EVERY}
        self._told[key] = now
        told = {"method": method, "word": word, "about": about, "to_do": advice}
        log.warning("Slack refuses the bot", action="slack_refuses", **told)

    def worked(self, method: str, channel: str = "") -> None:
        """Close what a call has shown to be mended."""
        for (word, about), refusal in list(self._open.items()):
            if word in CHANNEL and about != channel:
                continue
            refusal.methods.discard(method)
            if not refusal.methods or word in BAD_TOKEN:
                del self._open[word, about]

    def lines(self) -> Mapping[str, str]:
        """Return a line for `/readyz` by name for each that is open."""
        since = self._clock() - KEPT
        self._open = {k: r for k, r in self._open.items() if r.last > since}
        return {
            operation.refused(*key): operation.refusal(
                sorted(refusal.methods), to_do(*key)
            )
            for key, refusal in self._open.items()
        }
