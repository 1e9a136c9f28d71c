"""Control for tests: faults to order, and their routes."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Literal, get_args

from aiohttp import web

from bot.simulator.page_guard import changing, reading
from bot.simulator.rearranging import places, rearrange, subject_of
from bot.simulator.shapes import Json, as_object
from bot.simulator.web_api.methods import METHODS
from bot.simulator.workspace import Workspace

FaultKind = Literal[
    "ratelimited",  # HTTP 429 with Retry-After; nothing happens
    "server_error",  # HTTP 5xx, no JSON; nothing happens
    "error",  # Slack's {"ok": false, "error": …}; nothing happens
    "timeout_before",  # no answer for `seconds`; nothing happens
    "timeout_after",  # it happens, no answer for `seconds`
    "cut_before",  # the connection is cut; nothing happens
    "cut_after",  # it happens, then the connection is cut
    "slow",  # it happens, the answer comes after `seconds`
]
KINDS: tuple[str, ...] = get_args(FaultKind)
_MOST_TIMES = 10_000
_NUMBERS = {"times": int, "retry_after": int, "status": int, "seconds": (int, float)}


class Control:
    """`GET` shows the faults to come and who is where; `POST` changes one thing.

    The body of a POST is `{"method": "chat.postMessage", "kind": "ratelimited",
    "times": 2, …}` with the fields of `Fault`, or `{"clear": true}` for no more faults,
    or what `rearrange` takes.
    """

    def __init__(self, faults: Faults, workspace: Workspace) -> None:
        """Take in the faults and the people."""
        self._faults, self._workspace = faults, workspace

    def routes(self, prefix: str) -> list[web.RouteDef]:
        """Return the routes, guarded as those of the page are."""
        path = f"{prefix}/control"
        return [
            web.get(path, reading(self._show)),
            web.post(path, changing(self._change)),
        ]

    async def _show(self, _: web.Request) -> web.Response:
        return self._answer()

    async def _change(self, request: web.Request) -> web.Response:
        try:
            body = as_object(json.loads(await request.text()))
            if body is None:
                raise ValueError("the body isn't a JSON object")
            self._do(body)
        except ValueError as error:
            sentence = f"This cannot be done: {error}."
            return web.json_response({"sentence": sentence}, status=400)
        return self._answer()

    def _do(self, body: Json) -> None:
        if body.get("clear") is True:
            self._faults.clear()
        elif subject_of(body):
            rearrange(self._workspace, body)
        else:
            self._faults.add(**_checked(body))

    def _answer(self) -> web.Response:
        faults = [fault.as_json() for fault in self._faults.to_come]
        methods = sorted(METHODS)
        orders = {"faults": faults, "kinds": KINDS, "methods": methods}
        return web.json_response(orders | places(self._workspace))


def _checked(body: Json) -> Json:
    """Return the body if it says a fault; raises ValueError with what is wrong."""
    if body.get("method") not in ("*", *METHODS):
        raise ValueError("`method` isn't a method of the Web API, or `*`")
    if body.get("kind") not in KINDS:
        raise ValueError(f"`kind` isn't one of {', '.join(KINDS)}")
    known = {"method", "kind", "error", *_NUMBERS}
    if unknown := sorted(body.keys() - known):
        raise ValueError(f"`{unknown[0]}` isn't one of {', '.join(sorted(known))}")
    for name, kind in _NUMBERS.items():
        value = body.get(name, 1)
        is_number = isinstance(value, kind) and not isinstance(value, bool)
        if not is_number or not 0 <= value <= _MOST_TIMES:
            raise ValueError(f"`{name}` isn't a number from 0 to {_MOST_TIMES:,}")
    if not isinstance(body.get("error", ""), str):
        raise ValueError("`error` isn't a string")
    return body


@dataclass
class Fault:
    """One kind of trouble for the next `times` calls of a method."""

    method: str
    kind: FaultKind
    times: int = 1
    retry_after: int = 1
    status: int = 503
    error: str = "internal_error"
    seconds: float = 60.0

    @property
    def has_effect(self) -> bool:
        """Return whether the call takes effect although the caller may not know."""
        return self.kind in ("timeout_after", "cut_after", "slow")

    def as_json(self) -> Json:
        """Return the fault with the fields that order it."""
        return asdict(self)


class Faults:
    """The trouble still to come, first ordered first."""

    def __init__(self) -> None:
        """Start with none."""
        self._faults: list[Fault] = []

    def add(
        self,
        method: str,
        kind: FaultKind,
        times: int = 1,
        *,
        retry_after: int = 1,
        status: int = 503,
        error: str = "internal_error",
        seconds: float = 60.0,
    ) -> Fault:
        """Order trouble for the next calls of a method (`*`: of any)."""
        fault = Fault(method, kind, times, retry_after, status, error, seconds)
        self._faults.append(fault)
        return fault

    @property
    def to_come(self) -> tuple[Fault, ...]:
        """The trouble that has not come yet."""
        return tuple(self._faults)

    def clear(self) -> None:
        """Forget all trouble that has not come yet."""
        self._faults.clear()

    def take(self, method: str) -> Fault | None:
        """Return the trouble for this call, counting it down."""
        for fault in self._faults:
            if fault.method in (method, "*"):
                fault.times -= 1
                if fault.times <= 0:
                    self._faults.remove(fault)
                return fault
        return None
