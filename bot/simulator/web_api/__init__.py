"""Slack's Web API: who may call, what is answered."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.simulator.changes import Change
from bot.simulator.shapes import Json
from bot.simulator.slack_error import SlackError
from bot.simulator.views import Views
from bot.simulator.web_api import chat, conversations, others
from bot.simulator.web_api.arguments import Arguments
from bot.simulator.web_api.methods import METHODS, Call, Method
from bot.simulator.workspace import Workspace

__all__ = ["RecordedCall", "Tokens", "WebApi", "chat", "conversations", "others"]

_KEPT_CALLS = 20_000


@dataclass(frozen=True)
class Tokens:
    """The tokens that are right, and the bot's scopes (None: all)."""

    bot: str
    app: str
    scopes: frozenset[str] | None = None


@dataclass
class RecordedCall:
    """A call as it came: arguments, the moment (`time.monotonic`), the answer."""

    method: str
    args: Json
    at: float = field(default_factory=time.monotonic)
    answer: Json | None = None

    @property
    def ok(self) -> bool:
        """Whether the call took effect and was answered so."""
        return bool(self.answer and self.answer["ok"])


class WebApi:
    """Runs methods against the workspace and remembers the calls."""

    def __init__(self, workspace: Workspace, views: Views, tokens: Tokens) -> None:
        """Take the parts in."""
        self._workspace, self._views, self._tokens = workspace, views, tokens
        self.calls: list[RecordedCall] = []

    def record(self, name: str, args: Json) -> RecordedCall:
        """Remember a call that came."""
        call = RecordedCall(name, args)
        self.calls.append(call)
        if len(self.calls) > _KEPT_CALLS:
            del self.calls[: _KEPT_CALLS // 10]
        return call

    def run(
        self,
        recorded: RecordedCall,
        token: str,
        origin: str,
        new_socket_url: Callable[[], str],
    ) -> Json:
        """Let a call take effect; return its answer, Slack's errors included."""
        args = Arguments(recorded.args)
        call = Call(args, self._workspace, self._views, origin, new_socket_url)
        try:
            method = _method(recorded.method)
            self._authorize(method, token or args.text("token"))
            answer = {"ok": True, **method.handler(call)}
        except SlackError as error:
            answer = error.answer()
        recorded.answer = answer
        self._workspace.changes.publish(Change("call"))
        return answer

    def _authorize(self, method: Method, token: str) -> None:
        if method.caller == "anyone":
            return
        if not token:
            raise SlackError("not_authed")
        known = {"bot": self._tokens.bot, "app": self._tokens.app}
        callers = [name for name, each in known.items() if _same(token, each)]
        if not callers:
            raise SlackError("invalid_auth")
        if method.caller not in callers:
            raise SlackError("not_allowed_token_type")
        scopes = self._tokens.scopes
        missing = scopes is not None and not scopes.intersection(method.scopes)
        if method.caller == "bot" and method.scopes and missing:
            needed, provided = ",".join(method.scopes), ",".join(sorted(scopes or ()))
            raise SlackError("missing_scope", needed=needed, provided=provided)


def _same(token: str, known: str) -> bool:
    return hmac.compare_digest(token.encode(), known.encode())


def _method(name: str) -> Method:
    found = METHODS.get(name)
    if found is None:
        raise SlackError("unknown_method", req_method=name)
    return found
