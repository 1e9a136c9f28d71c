"""Slack's Web API: who may call, what is answered."""

from __future__ import annotations

import hmac
import time
from dataclasses import dataclass, field

from bot.simulator.app_config import AppConfig
from bot.simulator.changes import Change
from bot.simulator.shapes import Json, SlackError
from bot.simulator.views import Views
from bot.simulator.web_api import chat, lookups, others, streams
from bot.simulator.web_api.methods import METHODS, Arguments, Call, Here, Method
from bot.simulator.workspace import Workspace

__all__ = [
    "RecordedCall",
    "Tokens",
    "WebApi",
    "chat",
    "lookups",
    "others",
    "streams",
]
_KEPT_CALLS = 20_000


@dataclass(frozen=True)
class Tokens:
    """The tokens that are right."""

    bot: str
    app: str


@dataclass
class RecordedCall:
    """A call as it came: arguments, the moment (`time.monotonic`), the answer."""

    method: str
    args: Json
    at: float = field(default_factory=time.monotonic)
    answer: Json | None = None

    @property
    def ok(self) -> bool:
        """Return whether the call took effect and the answer said so."""
        return bool(self.answer and self.answer["ok"])


class WebApi:
    """Runs methods against the workspace and remembers the calls."""

    def __init__(
        self, workspace: Workspace, views: Views, tokens: Tokens, app: AppConfig
    ) -> None:
        """Take the parts in."""
        self._workspace, self._views = workspace, views
        self._tokens, self._app = tokens, app
        self.calls: list[RecordedCall] = []

    def record(self, name: str, args: Json) -> RecordedCall:
        """Remember a call that came."""
        call = RecordedCall(name, args)
        self.calls.append(call)
        if len(self.calls) > _KEPT_CALLS:
            del self.calls[: _KEPT_CALLS // 10]
        return call

    def run(self, recorded: RecordedCall, token: str, here: Here) -> Json:
        """Let a call take effect; return its answer, Slack's errors included."""
        args = Arguments(recorded.args)
        call = Call(args, self._workspace, self._views, self._app, here, token)
        try:
            method = _method(recorded.method)
            self._authorize(method, token or args.text("token"))
            if method.caller == "bot":
                call.demand(*method.scopes)
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


def _same(token: str, known: str) -> bool:
    return hmac.compare_digest(token.encode(), known.encode())


def _method(name: str) -> Method:
    found = METHODS.get(name)
    if found is None:
        raise SlackError("unknown_method", req_method=name)
    return found
