"""Trouble that a test orders for the Web API: limits, errors, lost answers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

from bot.simulator.shapes import Json

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
        """Whether the call takes effect although the caller may not learn it."""
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
