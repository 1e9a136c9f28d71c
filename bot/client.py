"""Ask for approval from anywhere: needs `httpx` and nothing else of this package.

    approvals = Approvals("https://bot.example", token)

    @approvals.required(title="Restart {service}")
    def restart(service: str) -> str: ...

Each call of `restart` asks, waits, claims, runs with what people approved, and reports.
Asked again under the same key, such as after a crash, it goes on where it was; what was
already claimed is never run again automatically.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import inspect
import json
import time
from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, ParamSpec, TypeVar, cast
from urllib.parse import quote

import httpx

P = ParamSpec("P")
R = TypeVar("R")
Json = dict[str, Any]
AT_ONCE = 50  # seconds that one question waits
TRIES = 5  # of one request to a bot that is away
WAITS = (0.5, 1, 2, 4)  # seconds between them
_AGAIN = frozenset({429, 502, 503, 504})


class NotApproved(Exception):
    """The call did not run."""


class Rejected(NotApproved):
    """People said no, or took it back; `by` are their user ids."""

    def __init__(self, reason: str, by: tuple[str, ...] = ()) -> None:
        super().__init__(reason or "rejected")
        self.reason = reason
        self.by = by


class Denied(NotApproved):
    """The policy, or the bot, does not take such a call."""


class TimedOut(NotApproved):
    """Nobody decided in time, or it was not claimed in time."""


class Unavailable(NotApproved):
    """The bot cannot be reached, so nothing is approved."""


class Claimed(NotApproved):
    """It was already claimed: it may have run, so it is not run again."""


@dataclass(frozen=True)
class Approval:
    """A request as it stands; see `docs/any-agent.md`."""

    id: str
    status: str
    digest: str
    arguments: Json
    answer: str
    why: str
    decided_by: tuple[str, ...]
    execution: str | None
    due_at: str | None

    @property
    def is_decided(self) -> bool:
        return self.status != "pending"

    @property
    def is_answered(self) -> bool:
        """True if a person answered in the call's place; `answer` is the text."""
        return self.status == "answered"


@dataclass(frozen=True)
class _Ask:
    """One HTTP request that a step wants to have sent."""

    method: str
    path: str
    body: Json | None = None
    query: Mapping[str, str] = field(default_factory=dict[str, str])


Step = Generator["_Ask | float", "httpx.Response | None", R]


@dataclass(frozen=True)
class Approvals:
    """A bot, as one agent. `token` stands in the bot's API_AGENTS as its SHA-256.

    Each method has a sibling that ends in `_async`. All raise Unavailable where the bot
    cannot be reached, and Denied for what it does not take.
    """

    url: str
    token: str = field(repr=False)
    transport: Any = None  # of httpx, for tests

    def request(self, key: str, tool: str, arguments: Json, **more: Any) -> Approval:
        """Ask, or find what was asked under this key before.

        Args:
            more: `title`, `reason`, `schema`, `requester`, `conversation`.
        """
        return self._run(_request(key, tool, arguments, more))

    async def request_async(
        self, key: str, tool: str, arguments: Json, **more: Any
    ) -> Approval:
        return await self._run_async(_request(key, tool, arguments, more))

    def wait(self, request: str, seconds: float | None = None) -> Approval:
        """Wait until it is decided; after `seconds` it is told as it stands."""
        return self._run(_wait(request, seconds))

    async def wait_async(self, request: str, seconds: float | None = None) -> Approval:
        return await self._run_async(_wait(request, seconds))

    def claim(self, approval: Approval) -> Json:
        """Take the right to run it, once; the arguments to run it with.

        Raises:
            Rejected, TimedOut, Claimed: it may not run.
        """
        return self._run(_claim(approval))

    async def claim_async(self, approval: Approval) -> Json:
        return await self._run_async(_claim(approval))

    def run(self, approval: Approval, function: Callable[..., R]) -> R:
        """Claim it, call the function with the arguments of the claim, and report.

        Raises:
            Rejected, TimedOut, Claimed: it did not run.
        """
        arguments = self.claim(approval)
        try:
            result = function(**arguments)
        except Exception as error:
            self.report(approval.id, _said(error), failed=True)
            raise
        self.report(approval.id, _shortened(result))
        return result

    async def run_async(
        self, approval: Approval, function: Callable[..., Awaitable[R]]
    ) -> R:
        arguments = await self.claim_async(approval)
        try:
            result = await function(**arguments)
        except Exception as error:
            await self.report_async(approval.id, _said(error), failed=True)
            raise
        await self.report_async(approval.id, _shortened(result))
        return result

    def report(self, request: str, summary: str = "", *, failed: bool = False) -> None:
        """Say what came of it."""
        self._run(_report(request, summary, failed))

    async def report_async(
        self, request: str, summary: str = "", *, failed: bool = False
    ) -> None:
        await self._run_async(_report(request, summary, failed))

    def withdraw(self, request: str) -> None:
        """Take the request back; Denied if it is already decided."""
        self._run(_withdraw(request))

    async def withdraw_async(self, request: str) -> None:
        await self._run_async(_withdraw(request))

    def required(
        self, *, key: str = "", tool: str = "", **more: Any
    ) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Have each call of a function approved; the function takes keywords or not.

        Args:
            key: what makes a call the same call: with it and the arguments, a try after
                a crash finds the request of the first. Name the piece of work, such as
                `deploy-42`; "" makes equal calls the same for good.
            tool: the name that the policy knows, the function's by default.
            more: as for `request`.
        """

        def wrap(function: Callable[P, R]) -> Callable[P, R]:
            named = tool or function.__name__
            if inspect.iscoroutinefunction(function):
                return cast("Any", self._guarded_async(function, named, key, more))
            return cast("Any", self._guarded(function, named, key, more))

        return wrap

    def _guarded(
        self, function: Callable[..., Any], tool: str, key: str, more: Json
    ) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            arguments = _bound(function, args, kwargs)
            name = stable_key(key, tool, arguments)
            asked = self.request(name, tool, arguments, **more)
            told = self.wait(asked.id)
            return told.answer if told.is_answered else self.run(told, function)

        return call

    def _guarded_async(
        self, function: Callable[..., Any], tool: str, key: str, more: Json
    ) -> Callable[..., Any]:
        @functools.wraps(function)
        async def call(*args: Any, **kwargs: Any) -> Any:
            arguments = _bound(function, args, kwargs)
            name = stable_key(key, tool, arguments)
            asked = await self.request_async(name, tool, arguments, **more)
            told = await self.wait_async(asked.id)
            if told.is_answered:
                return told.answer
            return await self.run_async(told, function)

        return call

    @property
    def _options(self) -> Json:
        return {
            "base_url": self.url.rstrip("/"),
            "headers": {"Authorization": f"Bearer {self.token}"},
            "timeout": AT_ONCE + 20,
            "transport": self.transport,
        }

    def _run(self, step: Step[R]) -> R:
        with httpx.Client(**self._options) as client:
            given: httpx.Response | None = None
            while True:
                try:
                    asked = step.send(given)
                except StopIteration as end:
                    return end.value
                if not isinstance(asked, _Ask):
                    given = time.sleep(asked)
                    continue
                try:
                    given = client.request(**_sent(asked))
                except httpx.HTTPError:
                    given = None

    async def _run_async(self, step: Step[R]) -> R:
        async with httpx.AsyncClient(**self._options) as client:
            given: httpx.Response | None = None
            while True:
                try:
                    asked = step.send(given)
                except StopIteration as end:
                    return end.value
                if not isinstance(asked, _Ask):
                    given = await asyncio.sleep(asked)
                    continue
                try:
                    given = await client.request(**_sent(asked))
                except httpx.HTTPError:
                    given = None


def stable_key(key: str, tool: str, arguments: Json) -> str:
    """Return the same key for the same call of the same piece of work."""
    whole = json.dumps([key, tool, arguments], sort_keys=True, default=str)
    return f"py-{hashlib.sha256(whole.encode()).hexdigest()[:40]}"


def _sent(asked: _Ask) -> Json:
    return {
        "method": asked.method,
        "url": asked.path,
        "json": asked.body,
        "params": dict(asked.query),
    }


def _ask(asked: _Ask) -> Step[Json]:
    """Ask until the bot answers: each of its routes may be asked again."""
    for wait in (*WAITS, None):
        response = yield asked
        if response is not None and response.status_code not in _AGAIN:
            return _body(response)
        if wait is not None:
            yield float(wait)
    raise Unavailable("The bot cannot be reached, so nothing is approved.")


def _body(response: httpx.Response) -> Json:
    try:
        body = cast("Json", response.json())
    except ValueError:
        raise Unavailable("What answers at this address is not the bot.") from None
    if response.status_code < 400:
        return body
    word, said = str(body.get("error")), str(body.get("message"))
    if response.status_code != 409:
        raise Denied(said)
    if word == "timed_out":
        raise TimedOut(said)
    if word in ("rejected", "withdrawn"):
        raise Rejected(said)
    raise (Claimed if word in ("claimed", "reported") else Denied)(said)


def _approval(body: Json) -> Approval:
    names = ("id", "status", "digest", "arguments", "answer", "why", "execution")
    by = tuple(body["decided_by"])
    return Approval(
        **{name: body[name] for name in names}, decided_by=by, due_at=body["due_at"]
    )


def _request(key: str, tool: str, arguments: Json, more: Json) -> Step[Approval]:
    body = {"key": key, "tool": tool, "arguments": arguments, **more}
    return _approval((yield from _ask(_Ask("POST", "/api/requests", body))))


def _wait(request: str, seconds: float | None) -> Step[Approval]:
    until = None if seconds is None else time.monotonic() + seconds
    while True:
        left = AT_ONCE if until is None else until - time.monotonic()
        query = {"wait": str(max(0, min(AT_ONCE, int(left))))}
        path = f"/api/requests/{quote(request, safe='')}"
        found = _approval((yield from _ask(_Ask("GET", path, query=query))))
        if found.is_decided or left <= 0:
            return found
        if left < 1:
            yield left


def _claim(approval: Approval) -> Step[Json]:
    if approval.status == "rejected":
        if not approval.decided_by:
            raise Denied(approval.why)
        raise Rejected(approval.why, approval.decided_by)
    path = f"/api/requests/{quote(approval.id, safe='')}/claim"
    return (yield from _ask_once(_Ask("POST", path, {"digest": approval.digest})))


def _ask_once(asked: _Ask) -> Step[Json]:
    """Send a claim once: if its answer is lost, it may have been granted."""
    response = yield asked
    if response is None or response.status_code in _AGAIN:
        raise Unavailable("The bot did not answer the claim, so nothing was run.")
    return cast("Json", _body(response)["arguments"])


def _report(request: str, summary: str, failed: bool) -> Step[None]:
    path = f"/api/requests/{quote(request, safe='')}/result"
    body = {"status": "failed" if failed else "done", "summary": summary[:3000]}
    yield from _ask(_Ask("POST", path, body))


def _withdraw(request: str) -> Step[None]:
    path = f"/api/requests/{quote(request, safe='')}"
    yield from _ask(_Ask("DELETE", path))


def _bound(function: Callable[..., Any], args: tuple[Any, ...], kwargs: Json) -> Json:
    bound = inspect.signature(function).bind(*args, **kwargs)
    bound.apply_defaults()
    return dict(bound.arguments)


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _shortened(result: object) -> str:
    return "" if result is None else str(result)[:3000]
