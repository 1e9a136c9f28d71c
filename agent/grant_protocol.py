"""The grants as the gate needs them: the protocol, and its form in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, Protocol

import rfc8785

from agent.phrases.tool_calls import NOT_APPROVED, RUNNING

Status = Literal["done", "failed", "unknown"]


@dataclass(frozen=True)
class Call:
    """One tool call, as it would run."""

    thread_id: str
    tool_call_id: str
    name: str
    args: dict[str, Any]
    schema: dict[str, Any]  # JSON schema of the tool's arguments


@dataclass(frozen=True)
class Permission:
    """The current ruling on a call: the policy's, or that of its stored request.

    Attributes:
        is_asked: whether a request for it is stored; what it names was seen then.
    """

    kind: Literal["waived", "ask", "denied"]
    why: str = ""
    rule: str = ""
    policy_version: str = ""
    is_asked: bool = False


@dataclass(frozen=True)
class Claim:
    """The answer to a claim: run it, or what to tell the model instead."""

    won: bool
    result: str | None = None  # the stored result of a call that finished earlier
    status: Status | None = None  # how that call finished
    refusal: str = ""  # a sentence for the model; nothing runs
    seen: dict[str, Any] | None = None  # what it was about when people were asked


@dataclass(frozen=True)
class Outcome:
    """The outcome of a call that ran; `content` is what the model reads."""

    status: Status
    content: str


class Grants(Protocol):
    """The source of rulings, and the record of what has run."""

    async def open(self, call: Call) -> Permission:
        """Say whether the call is free, needs a person, or is denied.

        Changes nothing in the world: it is called again after each resume. Once a
        request for the call exists it answers from that request and never from a newer
        policy, since `waived` after a person's reject would run the tool.
        Raising means that nobody knows; nothing runs.
        """
        ...

    async def claim(self, call: Call, ruling: Permission) -> Claim:
        """Take the one right to run the call.

        At most one caller ever wins per (thread_id, tool_call_id), over all processes
        and for all time. A call that needed approval is won only with a stored approval
        of exactly these arguments. Raising means that nothing may run.
        """
        ...

    async def finish(self, call: Call, outcome: Outcome) -> None:
        """Store how the claimed call ended, so that a later claim returns it."""
        ...


@dataclass
class _Entry:
    args: bytes
    ruling: Permission
    approved: bytes | None = None
    executing: bool = False
    outcome: Outcome | None = None


class MemoryGrants:
    """Grants of one process: for examples and for tests.

    Args:
        ask: names of the tools that need a person.
        denied: names of the tools that never run, with the reason.

    All other tools are waived. What is decided is told with `approve`, by the code
    that authenticated the person, before the graph is resumed.
    """

    def __init__(
        self,
        ask: frozenset[str] = frozenset(),
        denied: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._ask = ask
        self._denied = denied
        self._entries: dict[tuple[str, str], _Entry] = {}

    def approve(
        self, thread_id: str, tool_call_id: str, args: dict[str, Any] | None = None
    ) -> None:
        """Note that a person approved a call, with other arguments if they edited it.

        Raises:
            KeyError: no such call was ever opened.
        """
        entry = self._entries.get((thread_id, tool_call_id))
        if entry is None:
            raise KeyError(f"No call {tool_call_id} waits in thread {thread_id}.")
        entry.approved = entry.args if args is None else rfc8785.dumps(args)

    async def open(self, call: Call) -> Permission:
        entry = self._entries.setdefault(
            _key(call), _Entry(rfc8785.dumps(call.args), self._rule(call.name))
        )
        return entry.ruling

    async def claim(self, call: Call, ruling: Permission) -> Claim:
        del ruling  # the stored one counts
        entry = self._entries.get(_key(call))
        if entry is None:
            return Claim(won=False, refusal=NOT_APPROVED)
        if (done := entry.outcome) is not None:
            return Claim(won=False, result=done.content, status=done.status)
        if entry.executing:
            return Claim(won=False, refusal=RUNNING)
        if not _allows(entry, call):
            return Claim(won=False, refusal=NOT_APPROVED)
        entry.executing = True
        return Claim(won=True)

    async def finish(self, call: Call, outcome: Outcome) -> None:
        self._entries[_key(call)].outcome = outcome

    def _rule(self, name: str) -> Permission:
        if name in self._denied:
            return Permission("denied", why=self._denied[name])
        return Permission("ask" if name in self._ask else "waived")


def _key(call: Call) -> tuple[str, str]:
    return call.thread_id, call.tool_call_id


def _allows(entry: _Entry, call: Call) -> bool:
    granted = {"waived": entry.args, "ask": entry.approved, "denied": None}
    return granted[entry.ruling.kind] == rfc8785.dumps(call.args)
